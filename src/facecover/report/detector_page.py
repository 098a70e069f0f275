"""One run of a detector as one page: what it is made of, how it learned, its settings."""

from collections.abc import Sequence

import pandas as pd

from facecover.report.blocks import (
    Bullets,
    Card,
    Cards,
    Cell,
    Facts,
    Figures,
    Section,
    on_page,
    table,
)
from facecover.report.plotting import model_colour
from facecover.report.run_figures import curve_figures
from facecover.report.run_page import flat_settings
from facecover.scenes.detector_file import DetectorInfo
from facecover.text import counted, duration, large


def detector_sections(
    info: DetectorInfo,
    curves: pd.DataFrame,
    *,
    seconds: float,
    device: str,
    measured: Sequence[Section] = (),
) -> tuple[Section, ...]:
    """All that there is to show of a detector's run, the summary first.

    Args:
        info: what its model file knows.
        curves: its `metrics.csv`.
        seconds: of its training.
        device: what it was trained on.
        measured: what was measured of it.
    """
    epochs = counted(len(curves), "epoch")
    budget = int(info.config["network"]["budget"])
    cards = (
        Card("Parameters", large(info.parameters), f"of a budget of {large(budget)}"),
        Card("Learned from", f"{info.photos:,}", f"photos with {counted(info.faces, 'face')}"),
        Card("Training", duration(seconds), f"{epochs} on {device}"),
    )
    loss = float(curves["val_loss"].iloc[-1])
    sentences = (
        f"It learned from {counted(info.faces, 'face')} in {counted(info.photos, 'photo')} of "
        f"{', '.join(info.sources)}, over {epochs}; its validation loss is {loss:.3f} at the end.",
        "Its weights are averages over the last steps; no measure chose them.",
    )
    figures = curve_figures({info.name: curves}, [model_colour(0)])
    settings = [(Cell(key), Cell(value)) for key, value in flat_settings(info.config).items()]
    hashes = Facts(
        (
            ("Package version", info.version),
            ("Weights (SHA-256)", info.weights_sha256),
            ("Sums", info.precision),
        )
    )
    return (
        Section("Summary", "summary", (on_page(Cards(cards)), Bullets(sentences))),
        *measured,
        Section("Training", "training", (Figures(figures),), is_page_only=True),
        Section(
            "Settings",
            "settings",
            (hashes, table(("Setting", "Value"), settings)),
            is_page_only=True,
        ),
    )
