"""How many wrong labels the suspects hold, and what dropping or correcting them does; prints JSON.

A share of the labels of the training and validation photos is flipped at random. Networks judge
each of these photos out of fold, `rank_suspects` lists the suspicious ones, and the list is held
against what was flipped. Labels that were wrong before count as false alarms, so precision is a
lower bound; the sheet shows what is listed first where nothing was flipped, for a look.

Then Net #1 is trained on the labels as they came, flipped, flipped with the suspects dropped, and
flipped with the suspects given the label suggested. The test photos decide between them: they
stand in no fold, nothing of theirs is flipped, and no choice is made by them. Intervals are
Student's over the seeds; each seed flips, folds and trains anew.

    python benchmarks/suspects.py DATASET|PHOTOS... [--label NAME=mask] [--flip 0.05] [--seeds 3]
        [--epochs 6] [--sheet FILE.png]
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image
from scipy import stats
from sklearn.metrics import average_precision_score

from facecover.contact_sheet import SheetTile, contact_sheet
from facecover.dataset.arrays import UNUSED, Dataset, array_name, with_table
from facecover.dataset.manifest import MANIFEST_NAME, Manifest
from facecover.evaluation.performance import evaluate_images
from facecover.inference.classifier import Classifier
from facecover.look.suspect_images import rank_suspects
from facecover.preparation.pipeline import write_dataset
from facecover.sources.reading import parse_assignments, read_sources
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.out_of_fold import out_of_fold_probabilities

Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
Figures = dict[str, float]

DEPTHS = (0.01, 0.02, 0.05, 0.1)
SHEET_TILES = 60
MEASURED = ("accuracy", "roc_auc", "log_loss")


@dataclasses.dataclass(frozen=True)
class Flipped:
    """Photos some of whose labels are wrong, and what is suspected of them.

    Attributes:
        labels: ``int64 (n,)``, some of them flipped.
        flipped: the positions of those.
        quality: of each label, ``float64 (n,)``, low is bad.
        suspects: see `rank_suspects`; its ``row`` is a position.
        seconds: that judging all of them took.
    """

    labels: Labels
    flipped: Rows
    quality: npt.NDArray[np.float64]
    suspects: pd.DataFrame
    seconds: float


def opened(paths: Sequence[Path], labels: list[str], folder: Path) -> Dataset:
    """The dataset named, or one prepared from the photos."""
    if len(paths) == 1 and (paths[0] / MANIFEST_NAME).is_file():
        return Dataset.open(paths[0])
    return write_dataset(read_sources(paths, parse_assignments(labels=labels)), folder / "dataset")


def without_test(dataset: Dataset, folder: Path, size_px: int) -> Dataset:
    """The training and validation photos as a dataset of their own."""
    table = dataset.manifest.table
    rows = np.flatnonzero(table["split"] != "test")
    folder.mkdir()
    np.save(folder / array_name(size_px), dataset.images(size_px)[rows])
    info = dataclasses.replace(dataset.manifest.info, sizes_px=(size_px,))
    Manifest(table.iloc[rows].reset_index(drop=True), info).save(folder)
    return Dataset.open(folder)


def judged(dataset: Dataset, flip: float, seed: int) -> Flipped:
    """Flip a share of the labels, and find the suspects."""
    rng = np.random.default_rng(seed)
    labels = dataset.labels
    flipped = np.sort(rng.choice(len(labels), round(flip * len(labels)), replace=False))
    classes = len(dataset.manifest.info.class_names)
    labels[flipped] = (labels[flipped] + rng.integers(1, classes, len(flipped))) % classes
    table = dataset.manifest.table.assign(label=labels)
    groups = pd.factorize(table["group"])[0].astype(np.int64)
    start = time.perf_counter()
    wrong = with_table(dataset, table, split_by=dataset.manifest.info.split_by)
    probabilities = out_of_fold_probabilities(wrong, groups, seed=seed)
    seconds = time.perf_counter() - start
    quality = probabilities[np.arange(len(labels)), labels]
    return Flipped(labels, flipped, quality, rank_suspects(table, probabilities), seconds)


def found_by(one: Flipped) -> Figures:
    """Precision and recall of the list, of its top, and of the whole ranking."""
    is_flipped = np.isin(np.arange(len(one.labels)), one.flipped)
    order = np.argsort(one.quality, kind="stable")
    listed = one.suspects["row"].to_numpy()
    tops = {"of_the_list": listed, "at_the_number_flipped": order[: len(one.flipped)]}
    tops |= {f"at_{depth:.0%}": order[: round(depth * len(order))] for depth in DEPTHS}
    figures: Figures = {
        "average_precision": float(average_precision_score(is_flipped, -one.quality)),
        "listed": len(listed),
        "seconds": one.seconds,
    }
    for name, rows in tops.items():
        hits = int(is_flipped[rows].sum())
        figures |= {
            f"precision_{name}": hits / len(rows),
            f"recall_{name}": hits / len(one.flipped),
        }
    return figures


def arms(dataset: Dataset, one: Flipped) -> Iterator[tuple[str, Dataset]]:
    """The whole dataset with four versions of what is learned from; the test photos are equal."""
    table = dataset.manifest.table
    learned = np.flatnonzero(table["split"] != "test")
    suspects = learned[one.suspects["row"].to_numpy()]
    names = dataset.manifest.info.class_names
    suggested = [names.index(name) for name in one.suspects["suggested"]]
    flipped = table["label"].to_numpy(dtype=np.int64).copy()
    flipped[learned] = one.labels
    corrected = flipped.copy()
    corrected[suspects] = suggested
    dropped = table["split"].to_numpy(dtype=object).copy()
    dropped[suspects] = UNUSED
    changes: Mapping[str, Mapping[str, npt.NDArray[Any]]] = {
        "as_they_came": {},
        "flipped": {"label": flipped},
        "suspects_dropped": {"label": flipped, "split": dropped},
        "suspects_corrected": {"label": corrected},
    }
    for name, change in changes.items():
        yield name, with_table(dataset, table.assign(**change), split_by="given")


def test_figures(view: Dataset, folder: Path, epochs: int, seed: int) -> Figures:
    """Net #1 trained on a view, measured on its test photos."""
    experiment = load_experiment("net1", [f"training.epochs={epochs}", f"seed={seed}"])
    fit(experiment, view, folder)
    images = view.images(experiment.network.input_size_px)
    result = evaluate_images(
        Classifier(folder), images, view.labels, rows=view.rows_of("test"), resamples=100
    )
    values = result.metrics.values
    return {name: float(values[name] or 0) for name in MEASURED}


def over_seeds(runs: Sequence[Figures]) -> dict[str, Any]:
    """For each figure its mean, its 95% interval over the seeds, and each seed's."""
    summary = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        mean, error = float(np.mean(values)), float(stats.sem(values)) if len(values) > 1 else 0.0
        half = float(stats.t.ppf(0.975, len(values) - 1)) * error if error else None
        interval = None if half is None else [mean - half, mean + half]
        summary[name] = {"mean": mean, "ci95": interval, "by_seed": values}
    return summary


def less(runs: Sequence[Figures], base: Sequence[Figures]) -> list[Figures]:
    """Each seed's figures less those of the same seed in another list."""
    return [{name: run[name] - b[name] for name in run} for run, b in zip(runs, base, strict=True)]


def save_sheet(dataset: Dataset, suspects: pd.DataFrame, path: Path) -> None:
    """The first suspects; rows are those of the dataset without its test photos."""
    learned = np.flatnonzero(dataset.manifest.table["split"] != "test")
    images = dataset.images(max(dataset.manifest.info.sizes_px))
    first = suspects.head(SHEET_TILES)
    tiles = [
        SheetTile(Image.fromarray(images[row]), f"{number} {label} {quality:.2f}")
        for number, (row, label, quality) in enumerate(
            zip(learned[first["row"]], first["label"], first["quality"], strict=True), start=1
        )
    ]
    contact_sheet(tiles, columns=10).save(path)


def effect(
    dataset: Dataset, flips: Sequence[Flipped], epochs: int, folder: Path
) -> dict[str, list[Figures]]:
    """The test figures of every arm, one a seed; each is told to standard error as it is ready."""
    runs: dict[str, list[Figures]] = {}
    for seed, one in enumerate(flips):
        for name, view in arms(dataset, one):
            figures = test_figures(view, folder / f"{name} {seed}", epochs, seed)
            tell({"arm": name, "seed": seed, **figures})
            runs.setdefault(name, []).append(figures)
    return runs


def tell(document: Mapping[str, Any]) -> None:
    """One line to standard error: a long run shows what it has."""
    print(json.dumps(document), file=sys.stderr, flush=True)


def measured(dataset: Dataset, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything."""
    part = without_test(dataset, folder / "part", 32)
    flips = []
    for seed in range(options.seeds):
        flips.append(judged(part, options.flip, seed))
        tell({"seed": seed, **found_by(flips[-1])})
    unflipped = judged(part, 0, 0)
    tell({"listed_where_nothing_was_flipped": len(unflipped.suspects)})
    if options.sheet:
        save_sheet(dataset, unflipped.suspects, options.sheet)
    runs = effect(dataset, flips, options.epochs, folder) if options.epochs else {}
    return {
        "judged_photos": len(part),
        "groups": int(part.manifest.table["group"].nunique()),
        "flipped_photos": len(flips[0].flipped),
        "seeds": options.seeds,
        "found": over_seeds([found_by(one) for one in flips]),
        "listed_where_nothing_was_flipped": len(unflipped.suspects),
        "epochs": options.epochs,
        "test_photos": len(dataset.rows_of("test")),
        "effect": {name: over_seeds(figures) for name, figures in runs.items()},
        "effect_less_flipped": {
            name: over_seeds(less(figures, runs["flipped"]))
            for name, figures in runs.items()
            if name != "flipped"
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--flip", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6, help="of the effect; 0 leaves it out")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        dataset = opened(options.paths, options.label, Path(name))
        print(json.dumps(measured(dataset, options, Path(name)), indent=2))


if __name__ == "__main__":
    main()
