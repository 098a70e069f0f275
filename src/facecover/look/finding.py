"""One finding: what the data's numbers say, in a plain sentence; for `explore` and `audit`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from facecover.documents import to_document
from facecover.look import CHECK_TITLES

Level = Literal["note", "warning"]

_DIGITS = 6


@dataclass(frozen=True)
class Finding:
    """What the numbers say of one matter.

    Attributes:
        key: what it is about, in snake case; stable, for programs. Of an audit: one of `CHECKS`.
        level: ``warning`` where it can spoil what is learned or measured, else ``note``.
        title: what it is about, in a few words.
        sentence: what was found, with its numbers.
        reason: what follows from it; empty for the checks of an audit.
        facts: its numbers by name, as JSON can hold them, shares in 0..1; ``missing`` says why
            there are none.
    """

    key: str
    level: Level
    title: str
    sentence: str
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_warning(self) -> bool:
        """Whether it needs a look; a check that could not be made is none."""
        return self.level == "warning"

    @property
    def is_measured(self) -> bool:
        """Whether there was enough to judge by."""
        return "missing" not in self.facts


def of_check(check: str, *, is_failed: bool, sentence: str, facts: Mapping[str, Any]) -> Finding:
    """The finding of one of an audit's `CHECKS`."""
    level: Level = "warning" if is_failed else "note"
    return Finding(check, level, CHECK_TITLES[check], sentence, facts=facts)


def not_measured(check: str, why: str, **facts: object) -> Finding:
    """A check that could not be made, and why."""
    sentence = f"Not measured: {why}."
    return of_check(check, is_failed=False, sentence=sentence, facts={**facts, "missing": why})


def audit_documents(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as `audit` writes them: ``check``, ``is_failed``, ``sentence`` and ``facts``."""
    return [
        {"check": one.key, "is_failed": one.is_warning, "sentence": one.sentence,
         "facts": dict(one.facts)}
        for one in findings
    ]  # fmt: skip


def insight_documents(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as `explore` writes them: with ``level``, ``title``, ``text`` and ``reason``."""
    return [
        {"key": one.key, "level": one.level, "title": one.title, "text": one.sentence,
         "reason": one.reason, "figures": dict(one.facts)}
        for one in findings
    ]  # fmt: skip


def rounded_document(facts: object) -> Any:  # noqa: ANN401  (whatever JSON can hold)
    """Facts as JSON has them, numbers to six decimals."""
    text = json.dumps(to_document(facts))
    return json.loads(text, parse_float=lambda number: round(float(number), _DIGITS))
