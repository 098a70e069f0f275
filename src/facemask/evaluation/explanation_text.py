"""Where the evidence lies, as a table in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from facemask.evaluation.explanation import Explanation
from facemask.evaluation.robustness_text import bounds
from facemask.evaluation.wording import UNDEFINED, percent


def explanation_text(explanation: Explanation) -> RenderableType:
    """The share of the evidence in the lower half by class, and how it was counted."""
    table = Table(title="Evidence in the lower half of the image", title_justify="left")
    for column in ("Images", "n", "Share", "95% interval"):
        table.add_column(column, justify="left" if column == "Images" else "right")
    for one in explanation.lower_half:
        share = UNDEFINED if one.share is None else percent(one.share)
        interval = bounds(one.ci95) if one.ci95 else "\N{EN DASH}"
        table.add_row(one.answers, f"{one.n:,}", share, interval)
    return Group(table, Text(counting(explanation), style="dim"))


def counting(explanation: Explanation) -> str:
    """How evidence is counted, and what the share does not say."""
    grid = explanation.grid
    none = sum(one.without_evidence for one in explanation.lower_half)
    left_out = f" {none:,} images that no patch made less sure have no share." if none else ""
    return (
        f"Evidence is the fall of the answer's log-odds when a patch of {grid.patch_px} x "
        f"{grid.patch_px} of {grid.side_px} x {grid.side_px} pixels is covered with the image's "
        "mean colour; what makes the model surer does not count. A patch of one colour can look "
        "like a mask itself, so evidence for a mask at the mouth may be missed. The lower "
        "half of the image is the lower half of the face only where the face fills the image: on "
        f"loosely cropped photos it is not.{left_out}"
    )
