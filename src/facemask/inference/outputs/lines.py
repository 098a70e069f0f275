"""One line for each answer: for people, as JSON, or as CSV."""

import csv
import io
import json
from abc import abstractmethod
from typing import Any, Protocol

from facemask.errors import shown
from facemask.inference.inputs.answered import Answered
from facemask.inference.inputs.item import Broken

_DIGITS = 6
"""Of probabilities that programs read; the network's own noise is larger."""


class LineFormat(Protocol):
    """A way to write answers, one line each, without the line break at its end."""

    @abstractmethod
    def first(self) -> str:
        """What stands above the lines; empty where nothing does."""

    @abstractmethod
    def line(self, outcome: Answered | Broken) -> str:
        """The line of one input."""


class TextLines:
    """Lines for people: the answer, its probability and the file, the answers aligned.

    Args:
        class_names: that the model knows.
    """

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._width = max(map(len, (*class_names, "error")))

    def first(self) -> str:
        """Nothing."""
        return ""

    def line(self, outcome: Answered | Broken) -> str:
        """Such as ``mask      98.7%  photos/a.jpg``."""
        if isinstance(outcome, Broken):
            return f"{'error':{self._width}}          {shown(outcome.name)}: {outcome.reason}"
        given = outcome.prediction
        mark = f"  uncertain: {given.reason}" if given.is_uncertain else ""
        # A likelihood that rounds to 100% is not certainty.
        percent = min(given.probability * 100, 99.9) if given.probability < 1 else 100.0
        return f"{given.label:{self._width}}  {percent:5.1f}%  {shown(outcome.photo.name)}{mark}"


class JsonLines:
    """One JSON object a line; characters beyond ASCII are escaped, so any file name is kept."""

    def first(self) -> str:
        """Nothing."""
        return ""

    def line(self, outcome: Answered | Broken) -> str:
        """The answer's object, or one with ``path`` and ``error``."""
        if isinstance(outcome, Broken):
            return json.dumps({"path": outcome.name, "error": outcome.reason})
        given = outcome.prediction
        document: dict[str, Any] = {
            "path": outcome.photo.name,
            "label": given.label,
            "probability": round(given.probability, _DIGITS),
            "probabilities": {k: round(v, _DIGITS) for k, v in given.probabilities.items()},
            "is_uncertain": given.is_uncertain,
            "reason": given.reason,
            "width": given.size_px[0],
            "height": given.size_px[1],
        }
        return json.dumps(document, allow_nan=False)


class CsvLines:
    """Comma-separated values with a header; a name with a line break is quoted, as CSV has it.

    Args:
        class_names: that the model knows; each has a column.
    """

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._class_names = class_names

    def first(self) -> str:
        """The header."""
        classes = (f"p_{name}" for name in self._class_names)
        return _row(
            ["path", "label", "probability", *classes, "is_uncertain", "reason", "width", "height",
             "error"]
        )  # fmt: skip

    def line(self, outcome: Answered | Broken) -> str:
        """The row of one input; of a broken one, all but the path and the error are empty."""
        if isinstance(outcome, Broken):
            empty = [""] * (len(self._class_names) + 6)
            return _row([outcome.name, *empty, outcome.reason])
        given = outcome.prediction
        numbers = [given.probability, *(given.probabilities[name] for name in self._class_names)]
        return _row(
            [outcome.photo.name, given.label, *(f"{number:.{_DIGITS}f}" for number in numbers),
             str(given.is_uncertain).lower(), given.reason, *map(str, given.size_px), ""]
        )  # fmt: skip


def _row(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)  # quotes both characters of its line break, \r and \n
    return text.getvalue().removesuffix("\r\n")
