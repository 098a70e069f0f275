"""How much a reader of the source has to walk: files, lines, import chains, names that repeat.

    make house            # or: python benchmarks/house.py [--json]

Each figure stands beside its aim. What someone has to open for a change is counted from the worked
examples in CONTRIBUTING.md, which a test applies and runs.
"""

import argparse
import ast
import functools
import json
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = "facecover"
PIXELS = f"{PACKAGE}.images"
"""The module that makes pixels of bytes."""

COMMANDS = f"{PACKAGE}.cli"

AIMS = {"files": 130, "lines": 28_000, "chain": 10, "cycles": 0, "repeated_modules": 0,
        "repeated_classes": 0}  # fmt: skip

EXAMPLE_AIMS = {"metric": 3, "photo layout": 2, "corruption": 1, "network": 3, "option": 2}
"""The most files to open for each kind of change."""

_EXAMPLE = r"^### A new ([^\n]+)\n.*?^```diff\n(.*?)^```"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    facts = measure()
    if parser.parse_args().json:
        json.dump(facts, sys.stdout, indent=2)
        return
    for name, value in facts.items():
        aim = AIMS.get(name)
        told = "" if aim is None else f"   at most {aim:,}{'' if value <= aim else ': not met'}"
        print(f"{name.replace('_', ' '):32}{_shown(value)}{told}")


def measure() -> dict[str, Any]:
    """Every figure by its name."""
    paths = sorted((ROOT / "src").rglob("*.py"))
    lines = [len(path.read_text("utf-8").splitlines()) for path in paths]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in paths}
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    chain = longest_chain(graph)
    modules = Counter(path.stem for path in paths if path.stem not in ("__init__", "__main__"))
    classes = Counter(node.name for tree in trees.values() for node in _public_classes(tree))
    tests = [path.read_text("utf-8").count("\n") for path in (ROOT / "tests").rglob("*.py")]
    return {
        "files": len(paths),
        "lines": sum(lines),
        "median_lines": statistics.median(lines),
        "over_400_lines": [
            f"{path.relative_to(ROOT / 'src' / PACKAGE)} {count}"
            for path, count in zip(paths, lines, strict=True)
            if count > 400
        ],
        "test_lines": sum(tests),
        "chain": len(chain),
        "chain_through": [name.removeprefix(f"{PACKAGE}.") for name in chain],
        "cycles": len(cycles(graph)),
        "repeated_modules": sum(count > 1 for count in modules.values()),
        "repeated_classes": sum(count > 1 for count in classes.values()),
        "repeated": sorted(name for name, n in (modules + classes).items() if n > 1),
        "public_functions": sum(len(list(_public_functions(tree))) for tree in trees.values()),
        "public_functions_of_one_user": _of_one_user(trees),
        **{f"files_for_a_{name.replace(' ', '_')}": n for name, n in example_files().items()},
    }


def longest_chain(graph: grimp.ImportGraph) -> tuple[str, ...]:
    """The longest way along imports from a command's module to the pixels, ends included."""

    @functools.cache
    def longest(module: str) -> tuple[str, ...]:
        if module == PIXELS:
            return (module,)
        ways = (longest(other) for other in graph.find_modules_directly_imported_by(module))
        best = max((way for way in ways if way), key=len, default=())
        return (module, *best) if best else ()

    commands = [name for name in graph.modules if name.startswith(f"{COMMANDS}.")]
    return max((longest(name) for name in sorted(commands)), key=len)


def cycles(graph: grimp.ImportGraph) -> list[set[str]]:
    """Modules that reach each other, strongly connected by imports at any depth."""
    reached = {name: graph.find_upstream_modules(name) for name in graph.modules}
    found: list[set[str]] = []
    for name in sorted(graph.modules):
        together = {other for other in reached[name] if name in reached[other]}
        if together and not any(name in cycle for cycle in found):
            found.append(together | {name})
    return found


def example_files() -> dict[str, int]:
    """How many files each worked example of CONTRIBUTING.md changes or adds."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    counts = {}
    for title, diff in re.findall(
        r"^### A new ([^\n]+)\n.*?^```diff\n(.*?)^```", text, re.M | re.S
    ):
        counts[title.strip()] = len(re.findall(r"^\+\+\+ ", diff, re.M))
    return counts


def _public_classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_"))


def _public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (n for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_"))


def _of_one_user(trees: dict[Path, ast.Module]) -> int:
    """How many public functions exactly one other file imports."""
    users: dict[str, set[Path]] = defaultdict(set)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                for alias in node.names:
                    users[f"{node.module}.{alias.name}"].add(path)
    names = [
        ".".join((*path.relative_to(ROOT / "src").with_suffix("").parts, node.name))
        for path, tree in trees.items()
        for node in _public_functions(tree)
    ]
    return sum(len(users[name]) == 1 for name in names)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


if __name__ == "__main__":
    main()
