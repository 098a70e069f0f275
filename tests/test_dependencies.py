"""What is imported is declared, and what is locked is what was tested."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def _name(requirement: str) -> str:
    """A distribution's name as the index normalises it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!\[;~ ]", requirement)[0]).lower()


def _pins(path: str) -> dict[str, str]:
    lines = (ROOT / path).read_text("utf-8").splitlines()
    pairs = (line.split()[0].split("==") for line in lines if re.match(r"[A-Za-z0-9].*==", line))
    return {_name(name): version for name, version in pairs}


def test_every_import_is_declared() -> None:
    extras = [one for names in PROJECT["optional-dependencies"].values() for one in names]
    declared = {_name(one) for one in (*PROJECT["dependencies"], *extras)}
    distributions = packages_distributions()
    undeclared = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for module in {name.partition(".")[0] for name in names}:
                if module in sys.stdlib_module_names or module == "facecover":
                    continue
                if not {_name(one) for one in distributions.get(module, [module])} & declared:
                    undeclared.add(f"{module} in {path.relative_to(ROOT)}")
    assert not undeclared


def test_every_base_dependency_has_an_upper_bound_or_a_lock() -> None:
    locked = _pins("locks/base.txt")
    assert {_name(one) for one in PROJECT["dependencies"]} <= set(locked)


def test_the_lock_holds_hashes_of_what_was_tested() -> None:
    locked, tested = _pins("locks/base.txt"), _pins("constraints.txt")
    assert locked == {name: tested[name] for name in locked}
    text = (ROOT / "locks/base.txt").read_text("utf-8")
    for block in re.split(r"\n(?=[a-z])", text.strip()):
        assert "--hash=sha256:" in block, block


def test_the_licences_listed_are_those_of_what_was_tested() -> None:
    text = (ROOT / "docs/licences.md").read_text("utf-8")
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \| (\S+) \|$", text, re.MULTILINE)
    listed = {_name(name): version.partition("+")[0] for name, version, *_ in rows[1:]}
    assert listed == _pins("constraints.txt"), "make licences"
    # What one may not do with a library of these would hold for the package, too.
    assert not [row for row in rows if re.search(r"(?<!L)GPL|Affero", row[2])]
