r"""What each part of maskresnet's recipe gives on photos of a source that was left out.

Taken out one by one with several seeds, eleven parts would need dozens of trainings. Here twelve
trainings, each with a seed of its own, have each part in six of them and lack it in the other six,
whatever the others do (Plackett and Burman 1946). The effect of a part is the mean of the six with
it minus that of the six without; a share of what pairs of other parts do together is in it.

    facemask study networks --data PHOTOS... --division left-out ... -o studies/networks  # decodes
    python benchmarks/screening.py studies/networks/photos benchmarks/screening.yaml \
        --leave-out scenes -o screening

The parts stand in the YAML file, each with the settings that take it out of the recipe. Trains what
is not in the folder yet and prints JSON, every effect in points of accuracy, with a 95% interval
over groups of images, and in log loss; with ``--corruptions N`` also in points of accuracy on N of
the photos, spoilt in each of the ways of `facemask evaluate --robustness`, the mean of their
severities. How large an effect by chance in training can be says the margin of error of Lenth
(1989), taken from the effects themselves. Several processes may share the work with ``--run``; the
one that ends last sums up.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from scipy import stats

from facemask.data.arrays import Dataset, open_dataset
from facemask.evaluation.bootstrap import percentile_interval, resample_weights, units_of
from facemask.evaluation.corruptions import KINDS
from facemask.evaluation.robustness_answers import spoilt_answers
from facemask.inference.classifier import Classifier
from facemask.studies.divisions import Part, divide, with_splits
from facemask.studies.photos import photos_with_copies
from facemask.studies.plan import PlannedRun, experiment_of
from facemask.studies.runs import Answered, do_run, finished_run, read_answers
from facemask.studies.study import Variant
from left_out import Truth

FIRST_ROW = (1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)
"""Plackett and Burman's design of twelve: this row in its eleven rotations, and one of zeros."""

Present = npt.NDArray[np.bool_]


def design() -> Present:
    """Which run has which part: ``bool (12, 11)``."""
    rows = [np.roll(FIRST_ROW, turn) for turn in range(len(FIRST_ROW))]
    return np.array([*rows, np.zeros(len(FIRST_ROW))], dtype=bool)


Settings = dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """What is told apart.

    Attributes:
        base: the settings of every run that are not the recipe's.
        without: the settings that take each of eleven parts out, by the part's name.
    """

    base: Settings
    without: dict[str, Settings]

    @classmethod
    def read(cls, path: Path) -> "Parts":
        """The parts in a YAML file."""
        parts = cls(**yaml.safe_load(path.read_text("utf-8")))
        if len(parts.without) != len(FIRST_ROW):
            raise SystemExit(f"{path}: expected {len(FIRST_ROW)} parts, found {len(parts.without)}")
        return parts


def planned_runs(part: Part, parts: Parts, out: Path, overrides: list[str]) -> list[PlannedRun]:
    """The twelve runs on one source that is left out."""
    runs = []
    for number, has in enumerate(design()):
        settings = dict(parts.base)
        for change, kept in zip(parts.without.values(), has, strict=True):
            if not kept:
                settings.update(change)
        variant = Variant(name=f"run{number}", experiment="maskresnet", set=settings)
        experiment = experiment_of(variant, number, overrides)
        runs.append(PlannedRun(part, variant, experiment, out / part.source / variant.name))
    return runs


def effects(by_image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """With each part minus without it, for every image: ``float64 (11, n)`` of ``(12, n)``."""
    signs = np.where(design(), 1.0, -1.0)
    return signs.T @ by_image / (len(signs) / 2)


def margin_of_error(found: npt.NDArray[np.float64]) -> float:
    """How large an effect that is none gets in 95 of 100 cases (Lenth 1989)."""
    sizes = np.abs(found)
    rough = 1.5 * np.median(sizes)
    spread = 1.5 * np.median(sizes[sizes < 2.5 * rough])
    return float(stats.t.ppf(0.975, len(sizes) / 3) * spread)


def summed_up(answers: list[Answered], names: list[str]) -> dict[str, Any]:
    """What the twelve runs on one source say."""
    right = np.stack([one.is_right for one in answers]).astype(np.float64)
    labels, rows = answers[0].labels, np.arange(len(answers[0].labels))
    losses = np.stack([-np.log(one.probabilities[rows, labels] + 1e-7) for one in answers])
    points, loss = 100 * effects(right), effects(losses.astype(np.float64))
    units = units_of(right.shape[1], answers[0].groups)
    resampled = np.concatenate(
        [
            (weights @ points.T) / weights.sum(axis=1, keepdims=True)
            for weights in resample_weights(units, resamples=2000, seed=0)
        ]
    )
    bounds = [percentile_interval(resampled[:, number]) for number in range(len(names))]
    return {
        "n": len(labels),
        "accuracy_by_run": [round(float(value), 4) for value in right.mean(axis=1)],
        "effects": {
            name: {
                "points": round(float(points[number].mean()), 2),
                "ci95": [round(float(bound), 2) for bound in bounds[number]],
                "log_loss": round(float(loss[number].mean()), 4),
            }
            for number, name in enumerate(names)
        },
        "margin_of_error": {
            "points": round(margin_of_error(points.mean(axis=1)), 2),
            "log_loss": round(margin_of_error(loss.mean(axis=1)), 4),
        },
    }


def spoilt(
    folders: list[Path],
    dataset: Dataset,
    truth: Truth,
    rows: npt.NDArray[np.int64],
    names: list[str],
) -> dict[str, Any]:
    """The effects on spoilt photos, in points of accuracy, by kind of corruption."""
    models = [Classifier(folder) for folder in folders]
    (size_px,) = {model.info.input_size_px for model in models}
    answered = spoilt_answers(models, dataset.images(size_px), dataset.labels, rows, KINDS, seed=0)
    right = 100.0 * (answered == truth.labels[rows])
    found: dict[str, Any] = {"n": len(rows)}
    first = 1
    for kind in KINDS:
        severities = right[:, first : first + len(kind.amounts)].mean(axis=1)
        points = effects(severities).mean(axis=1)
        found[kind.key] = {
            "accuracy": round(float(severities.mean()), 1),
            "points": {name: round(float(one), 1) for name, one in zip(names, points, strict=True)},
            "margin_of_error": round(margin_of_error(points), 1),
        }
        first += len(kind.amounts)
    return found


def some_of(rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """So many of the rows, or all, the same ones every time."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:count])


def main() -> None:
    """Train what is missing, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path, help="a dataset that kept every copy, as studies do")
    parser.add_argument("parts", type=Path, help="screening.yaml, or others; YAML")
    parser.add_argument("--leave-out", action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument(
        "--run", action="append", type=int, choices=range(12), help="all by default"
    )
    parser.add_argument("--set", action="append", default=[], help="for every run")
    parser.add_argument("--relabel", action="append", type=Path, default=[], help="to judge by")
    parser.add_argument("--min-side-px", type=int, default=0, help="of a box, to be judged")
    parser.add_argument("--corruptions", type=int, default=0, help="photos to spoil")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    told_apart = Parts.read(options.parts)
    dataset = open_dataset(options.photos)
    photos = photos_with_copies(dataset)
    truth = Truth.of_photos(options.photos, options.relabel, options.min_side_px)
    parts, skipped = divide(photos, "left-out", options.leave_out)
    if skipped:
        raise SystemExit("; ".join(f"{one.source}: {one.reason}" for one in skipped))
    for part in parts:
        view = with_splits(dataset, photos, part.splits, part.division)
        runs = planned_runs(part, told_apart, options.output, options.set)
        for number in options.run or range(len(runs)):
            run = runs[number]
            if finished_run(run, view, "test") is None:
                print(f"{part.source}: run {number}", file=sys.stderr, flush=True)
                do_run(run, view, photos, "test", device=options.device)
        if all(finished_run(run, view, "test") for run in runs):
            answers = [truth.judge(read_answers(run.folder)) for run in runs]
            found = summed_up(answers, list(told_apart.without))
            if options.corruptions:
                rows = some_of(answers[0].rows, options.corruptions)
                folders = [run.folder for run in runs]
                found["corruptions"] = spoilt(folders, view, truth, rows, list(told_apart.without))
            print(json.dumps({part.source: found}, indent=2))


if __name__ == "__main__":
    main()
