r"""What each part of maskresnet's recipe gives on photos of a source that was left out.

Taken out one by one with several seeds, eleven parts would need dozens of trainings. Here twelve
trainings, each with a seed of its own, have each part in six of them and lack it in the other six,
whatever the others do (Plackett and Burman 1946); for twelve to 23 parts it is 24 trainings. The
effect of a part is the mean of the runs with it minus that of the runs without; a share of what
pairs of other parts do together is in it. Another design may be given; effects are then those that
fit its runs best (least squares), which for these designs is the same.

    facecover study networks --data PHOTOS... --division left-out ... -o studies/networks  # decodes
    python benchmarks/screening.py studies/networks/photos benchmarks/screening.yaml \
        --leave-out scenes -o screening

The parts stand in the YAML file, each with the settings that take it out of the recipe, and the
runs, if they are not these. Trains what is not in the folder yet and prints JSON, every effect
in points of accuracy, with a 95% interval over groups of images, and in log loss; with
``--corruptions N`` also in points of accuracy on N of the photos, spoilt in each of the ways of
`facecover evaluate --robustness`, the mean of their severities. How large an effect by chance in
training can be says the margin of error: from what the effects leave unexplained of the runs, or,
where as many effects as runs leave nothing, that of Lenth (1989), taken from the effects
themselves. Several processes may share the work with ``--run``; the one that ends last sums up.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from facecover.dataset.arrays import Dataset
from facecover.evaluation.corruptions import KINDS
from facecover.evaluation.intervals import percentile_interval, resample_weights, units_of
from facecover.evaluation.robustness import corrupted_answers
from facecover.inference.classifier import Classifier
from facecover.studies.definition import Variant
from facecover.studies.divisions import StudyPart, divide, photos_with_copies, with_splits
from facecover.studies.runs import (
    PlannedRun,
    RunAnswers,
    do_run,
    experiment_of,
    finished_run,
    read_answers,
)
from facecover.yaml_text import read_yaml_file
from left_out import Truth

FIRST_ROWS = ("11011100010", "11111010110011001010000")
"""Plackett and Burman's designs of 12 and of 24 runs: a row in its rotations, and one of zeros."""

Floats = npt.NDArray[np.float64]
Settings = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A training of a design.

    Attributes:
        seed: of the training.
        without: the parts that it lacks.
    """

    seed: int
    without: tuple[str, ...]


def plackett_burman(names: Sequence[str]) -> list[Run]:
    """The runs for up to 23 parts, seeds 0 and on; columns without a part tell what chance does."""
    try:
        first = next(row for row in FIRST_ROWS if len(names) <= len(row))
    except StopIteration:
        raise SystemExit(
            f"expected at most {len(FIRST_ROWS[-1])} parts, found {len(names)}"
        ) from None
    row = np.array([digit == "1" for digit in first])
    rows = [np.roll(row, turn) for turn in range(len(row))] + [np.zeros_like(row)]
    return [
        Run(seed, tuple(name for name, has in zip(names, row, strict=False) if not has))
        for seed, row in enumerate(rows)
    ]


@dataclass(frozen=True)
class Design:
    """What is told apart, by which runs.

    Attributes:
        base: the settings of every run that are not the recipe's.
        without: the settings that take each part out, by the part's name.
        runs: the trainings.
    """

    base: Settings
    without: dict[str, Settings]
    runs: list[Run]

    @classmethod
    def read(cls, path: Path) -> "Design":
        """The design in a YAML file."""
        document = read_yaml_file(path, "a plan")
        names = list(document["without"])
        if "runs" in document:
            runs = [Run(one["seed"], tuple(one["without"])) for one in document["runs"]]
        else:
            runs = plackett_burman(names)
        design = cls(document["base"], document["without"], runs)
        if unknown := {name for run in runs for name in run.without} - set(names):
            raise SystemExit(f"{path}: runs without unknown parts: {', '.join(sorted(unknown))}")
        if np.linalg.matrix_rank(design._model()) <= len(names):
            raise SystemExit(f"{path}: the runs cannot tell its {len(names)} parts apart")
        return design

    def planned(self, part: StudyPart, out: Path, overrides: list[str]) -> list[PlannedRun]:
        """The runs on one source that is left out."""
        runs = []
        for number, run in enumerate(self.runs):
            settings = dict(self.base)
            for name in self.without:
                if name in run.without:
                    settings.update(self.without[name])
            variant = Variant(name=f"run{number}", experiment="maskresnet", set=settings)
            experiment = experiment_of(variant, run.seed, overrides)
            runs.append(PlannedRun(part, variant, experiment, out / part.source / variant.name))
        return runs

    def _model(self) -> Floats:
        """The mean, and each part as +1 where a run has it and -1 where not."""
        signs = [
            [-1.0 if name in run.without else 1.0 for name in self.without] for run in self.runs
        ]
        model: Floats = np.hstack([np.ones((len(signs), 1)), np.array(signs)])
        return model

    def effects(self, by_run: Floats) -> Floats:
        """With each part minus without it: ``float64 (parts, ...)`` of ``(runs, ...)``."""
        found: Floats = 2 * (np.linalg.pinv(self._model()) @ by_run)[1:]
        return found

    def margins_of_error(self, by_run: Floats) -> Floats:
        """How large each effect gets in 95 of 100 cases where there is none: ``(parts,)``."""
        model = self._model()
        left_over = len(self.runs) - model.shape[1]
        if not left_over:
            return np.full(len(self.without), lenth_margin(self.effects(by_run)))
        residuals = by_run - model @ (np.linalg.pinv(model) @ by_run)
        variance = residuals @ residuals / left_over
        errors = 2 * np.sqrt(variance * np.diag(np.linalg.inv(model.T @ model))[1:])
        margins: Floats = stats.t.ppf(0.975, left_over) * errors
        return margins


def lenth_margin(effects: Floats) -> float:
    """Of effects that leave no run to judge them by (Lenth 1989)."""
    sizes = np.abs(effects)
    rough = 1.5 * np.median(sizes)
    spread = 1.5 * np.median(sizes[sizes < 2.5 * rough])
    return float(stats.t.ppf(0.975, len(sizes) / 3) * spread)


def summed_up(answers: list[RunAnswers], design: Design) -> dict[str, Any]:
    """What the runs on one source say."""
    right = np.stack([one.is_right for one in answers]).astype(np.float64)
    labels, rows = answers[0].labels, np.arange(len(answers[0].labels))
    losses = np.stack(
        [-np.log(one.probabilities[rows, labels].astype(np.float64) + 1e-7) for one in answers]
    )
    points, loss = 100 * design.effects(right), design.effects(losses)
    points_margin = 100 * design.margins_of_error(right.mean(axis=1))
    loss_margin = design.margins_of_error(losses.mean(axis=1))
    units = units_of(right.shape[1], answers[0].groups)
    resampled = np.concatenate(
        [
            (weights @ points.T) / weights.sum(axis=1, keepdims=True)
            for weights in resample_weights(units, resamples=2000, seed=0)
        ]
    )
    bounds = [percentile_interval(column) for column in resampled.T]
    return {
        "n": len(labels),
        "accuracy_by_run": [round(float(value), 4) for value in right.mean(axis=1)],
        "effects": {
            name: {
                "points": round(float(points[number].mean()), 2),
                "ci95": [round(float(bound), 2) for bound in bounds[number]],
                "margin_of_error": round(float(points_margin[number]), 2),
                "log_loss": round(float(loss[number].mean()), 4),
                "log_loss_margin_of_error": round(float(loss_margin[number]), 4),
            }
            for number, name in enumerate(design.without)
        },
    }


def spoilt(
    folders: list[Path],
    dataset: Dataset,
    truth: Truth,
    rows: npt.NDArray[np.int64],
    design: Design,
) -> dict[str, Any]:
    """The effects on spoilt photos, in points of accuracy, by kind of corruption."""
    models = [Classifier(folder) for folder in folders]
    (size_px,) = {model.info.input_size_px for model in models}
    answered = corrupted_answers(
        models, dataset.images(size_px), dataset.labels, rows, KINDS, seed=0
    )
    right = 100.0 * (answered == truth.labels[rows])
    found: dict[str, Any] = {"n": len(rows)}
    first = 1
    for kind in KINDS:
        severities = right[:, first : first + len(kind.amounts)].mean(axis=1)
        by_run = severities.mean(axis=1)
        found[kind.key] = {
            "accuracy": round(float(severities.mean()), 1),
            "points": _by_part(design, design.effects(by_run)),
            "margin_of_error": _by_part(design, design.margins_of_error(by_run)),
        }
        first += len(kind.amounts)
    return found


def _by_part(design: Design, values: Floats) -> dict[str, float]:
    return {name: round(float(one), 1) for name, one in zip(design.without, values, strict=True)}


def some_of(rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """So many of the rows, or all, the same ones every time."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:count])


def main() -> None:
    """Train what is missing, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path, help="a dataset that kept every copy, as studies do")
    parser.add_argument("design", type=Path, help="screening.yaml, or another; YAML")
    parser.add_argument("--leave-out", action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--run", action="append", type=int, help="its number; all by default")
    parser.add_argument("--set", action="append", default=[], help="for every run")
    parser.add_argument("--relabel", action="append", type=Path, default=[], help="to judge by")
    parser.add_argument("--min-side-px", type=int, default=0, help="of a box, to be judged")
    parser.add_argument("--corruptions", type=int, default=0, help="photos to spoil")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    design = Design.read(options.design)
    dataset = Dataset.open(options.photos)
    photos = photos_with_copies(dataset)
    truth = Truth.of_photos(options.photos, options.relabel, options.min_side_px)
    parts, skipped = divide(photos, "left-out", options.leave_out)
    if skipped:
        raise SystemExit("; ".join(f"{one.source}: {one.reason}" for one in skipped))
    for part in parts:
        view = with_splits(dataset, photos, part.splits, part.division)
        runs = design.planned(part, options.output, options.set)
        if unknown := set(options.run or ()) - set(range(len(runs))):
            raise SystemExit(f"--run {min(unknown)}: expected 0 to {len(runs) - 1}")
        for number in options.run or range(len(runs)):
            run = runs[number]
            if finished_run(run, view, "test") is None:
                print(f"{part.source}: run {number}", file=sys.stderr, flush=True)
                do_run(run, view, "test", device=options.device)
        if all(finished_run(run, view, "test") for run in runs):
            answers = [truth.judge(read_answers(run.folder)) for run in runs]
            found = summed_up(answers, design)
            if options.corruptions:
                rows = some_of(answers[0].rows, options.corruptions)
                folders = [run.folder for run in runs]
                found["corruptions"] = spoilt(folders, view, truth, rows, design)
            print(json.dumps({part.source: found}, indent=2))


if __name__ == "__main__":
    main()
