"""A dataset of a few small images, made without a photo."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pandas as pd

from facecover.dataset.arrays import Dataset, array_name, wide_name
from facecover.dataset.manifest import COLUMNS, Manifest, ManifestInfo, SourceInfo
from facecover.progress import OnProgress
from facecover.training.config import Experiment
from facecover.workflows.train_run import Run
from facecover.yaml_text import to_yaml

SIZE_PX = 16
BOX_COLUMNS = ("x0", "y0", "x1", "y1")
WIDE_COLUMNS = ("wide_x0", "wide_y0", "wide_x1", "wide_y1")

TWO_SPLITS = {"train": (24, 24), "val": (8, 8)}
THREE_SPLITS = {**TWO_SPLITS, "test": (8, 8)}

MakeDataset = Callable[..., Dataset]
MakeExperiment = Callable[..., Experiment]


def write_dataset(
    folder: Path,
    counts: Mapping[str, tuple[int, ...]],
    *,
    seed: int = 0,
    size_px: int = SIZE_PX,
    digest: str = "d" * 64,
    wide_cuts: int = 0,
) -> Dataset:
    """Noise whose lower half is bright for a mask and dark without one.

    Args:
        folder: where to write it.
        counts: images of each class, by split.
        seed: of the noise.
        size_px: the side of the images.
        digest: the identity to give it.
        wide_cuts: the first so many images came as boxes and have a wide cut, grey as their number,
            at odd places; the face stands in its middle and takes half of its side.
    """
    rng = np.random.default_rng(seed)
    splits = [split for split, n in counts.items() for _ in range(sum(n))]
    labels = [label for n in counts.values() for label, count in enumerate(n) for _ in range(count)]
    images = rng.integers(60, 200, (len(labels), size_px, size_px, 3), dtype=np.uint8)
    brightness = np.array([0, 120, 60])[labels].astype(np.uint8)
    images[:, size_px // 2 :] = images[:, size_px // 2 :] // 3 + brightness[:, None, None, None]
    folder.mkdir(parents=True)
    np.save(folder / array_name(size_px), images)
    scaled = images / 255
    mean, std = scaled.mean(axis=(0, 1, 2)), scaled.std(axis=(0, 1, 2))
    names = ("no_mask", "mask", "incorrect_mask")[: max(len(n) for n in counts.values())]
    info = ManifestInfo(
        sources=(SourceInfo("noise", "/nowhere", "class folders", {"mask": 1}),),
        class_names=names,
        sizes_px=(size_px,),
        channel_mean={size_px: (float(mean[0]), float(mean[1]), float(mean[2]))},
        channel_std={size_px: (float(std[0]), float(std[1]), float(std[2]))},
        split_by="random",
        seed=seed,
        counts={"kept": len(labels)},
        digest=digest,
    )
    table = _table(splits, labels)
    if wide_cuts:
        greys = np.arange(2 * wide_cuts, dtype=np.uint8).reshape(-1, 1, 1, 1)
        np.save(folder / wide_name(size_px), np.tile(greys, (1, size_px, size_px, 3)))
        table.loc[: wide_cuts - 1, "wide_cut"] = 2 * np.arange(wide_cuts) + 1
        table.loc[: wide_cuts - 1, list(BOX_COLUMNS)] = (20, 20, 20 + size_px, 20 + size_px)
        begin = 20 - size_px // 2
        end = begin + 2 * size_px
        table.loc[: wide_cuts - 1, list(WIDE_COLUMNS)] = (begin, begin, end, end)
    Manifest(table, info).save(folder)
    return Dataset.open(folder)


def _table(splits: list[str], labels: list[int]) -> pd.DataFrame:
    n = len(labels)
    columns: dict[str, object] = {
        name: pd.array([""] * n, dtype="string") if kind == "string" else np.zeros(n)
        for name, kind in COLUMNS.items()
    }
    columns |= {"label": labels, "split": splits, "wide_cut": None}
    columns |= dict.fromkeys((*BOX_COLUMNS, *WIDE_COLUMNS))
    return pd.DataFrame(columns).astype(COLUMNS)


def write_experiment(path: Path) -> Path:
    """An experiment small enough for a test."""
    small = {
        "name": "small",
        "network": {"name": "net1", "input_size_px": SIZE_PX, "width": 0.25},
        "training": {"epochs": 2, "batch_size": 12},
    }
    path.write_text(to_yaml(small), encoding="utf-8")
    return path


def rows_of(run: Run) -> list[dict[str, float]]:
    """Each epoch's measures by column."""
    return [
        {str(key): value for key, value in row.items()} for row in run.curves.to_dict("records")
    ]


class Recorded:
    """Progress that is kept: the notes, and of each bar its name, total and counts."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.bars: list[tuple[str, int | None, list[int]]] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def bar(self, what: str, total: int | None) -> AbstractContextManager[OnProgress]:
        counts: list[int] = []
        self.bars.append((what, total, counts))
        return nullcontext(counts.append)
