"""The part of an exploration's page about pixels: light, colour, normalisation."""

from facemask.data.explore import Exploration
from facemask.data.insights.insight import percent
from facemask.report.blocks import Cell, Figures, Section, Table, table
from facemask.report.explore_histograms import histogram
from facemask.report.words import TIMES

_FIGURES = {
    "brightness": ("Brightness", "Mean luma at 64 × 64, from 0 (black) to 1 (white)."),  # noqa: RUF001
    "contrast": ("Contrast", "Standard deviation of luma: flat pictures are at the left."),
    "sharpness": ("Sharpness", "Mean absolute Laplacian of luma: blurred photos are at the left."),
    "saturation": ("Colourfulness", "Largest less smallest of R, G and B: 0 is grey."),
    "red": ("Red", "The mean of the channel, from 0 to 1."),
    "blue": ("Blue", "The mean of the channel, from 0 to 1."),
}

_FLAG_WORDS = {
    "grey": "Grey", "dark": "Dark", "bright": "Nearly white", "flat": "Without contrast",
    "soft": "Blurred at 64 × 64", "blank": "Of one colour",  # noqa: RUF001
}  # fmt: skip


def pixels_section(exploration: Exploration, anchor: str) -> Section:
    """Light, sharpness and colour by class, photos that stand out, and the normalisation."""
    figures = Figures(
        tuple(
            histogram(exploration.table, column, title, title, caption)
            for column, (title, caption) in _FIGURES.items()
        )
    )
    return Section(
        "Light and colour", anchor, (figures, _flags(exploration), _normalisation(exploration))
    )


def _flags(exploration: Exploration) -> Table:
    rows: list[tuple[Cell | str | int, ...]] = [
        (
            _FLAG_WORDS[flag.name],
            flag.n,
            Cell(percent(flag.share), sort=flag.share),
            *(Cell(percent(share), sort=share) for share in flag.share_by_class.values()),
        )
        for flag in exploration.flags
    ]
    columns = ("Photos that are", "Photos", "Share", *exploration.class_names)
    return table(columns, rows, "Photos that stand out; for each class the share of its photos.")


def _normalisation(exploration: Exploration) -> Table:
    rows: list[tuple[Cell | str, ...]] = [
        (
            f"{one.size_px} {TIMES} {one.size_px}",
            *(Cell(f"{mean:.4f}", sort=mean) for mean in one.mean),
            *(Cell(f"{std:.4f}", sort=std) for std in one.std),
        )
        for one in exploration.normalisation
    ]
    columns = ("Size", "Mean R", "Mean G", "Mean B", "Std R", "Std G", "Std B")
    over = {"train": "the training photos", "all": "all photos"}[exploration.normalisation[0].over]
    return table(columns, rows, f"Mean and standard deviation for normalisation, over {over}.")
