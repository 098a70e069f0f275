"""The notebook goes through the whole study, cell by cell, as Jupyter would run it.

It draws fewer photos here.
"""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import facecover.drawn

NOTEBOOK = Path(__file__).parents[1] / "docs/study.ipynb"


def _run(source: str, names: dict[str, Any]) -> object:
    """Run a cell, and give the value of its last line if that is an expression."""
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    exec(compile(tree, str(NOTEBOOK), "exec"), names)  # noqa: S102  (the repository's own)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)  # noqa: S307


@pytest.mark.slow
def test_every_cell_runs_and_what_it_ends_with_can_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = facecover.drawn.draw_dataset
    monkeypatch.setattr(facecover.drawn, "draw_dataset", lambda folder, *_: draw(folder, 30, 12))
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    names: dict[str, Any] = {}
    shown = []
    for cell in cells:
        if cell["cell_type"] == "code":
            value = _run("".join(cell["source"]), names)
            show = getattr(value, "_repr_html_", None)
            if show is not None:
                shown.append(show())
    assert len(shown) >= 8
    assert all("<table" in html or "<iframe" in html for html in shown)
    assert not [cell for cell in cells if cell.get("outputs")]
