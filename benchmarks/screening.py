"""What each part of maskresnet's recipe gives on photos of a source that was left out.

Taken out one by one with several seeds, eleven parts would need dozens of trainings. Here twelve
trainings, each with a seed of its own, have each part in six of them and lack it in the other six,
whatever the others do (Plackett and Burman 1946). The effect of a part is the mean of the six with
it minus that of the six without; a share of what pairs of other parts do together is in it.

    facemask study networks --data PHOTOS... --division left-out ... -o studies/networks  # decodes
    python benchmarks/screening.py studies/networks/photos --leave-out scenes -o screening

Trains what is not in the folder yet and prints JSON, every effect in points of accuracy, with a 95%
interval over groups of images, and in log loss. How large an effect by chance in training can be
says the margin of error of Lenth (1989), taken from the effects themselves. Several
processes may share the work with ``--run``; the one that ends last sums up.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from scipy import stats
from torch import Tensor, nn

from facemask.data.arrays import open_dataset
from facemask.evaluation.bootstrap import percentile_interval, resample_weights, units_of
from facemask.studies.divisions import Part, divide, with_splits
from facemask.studies.photos import photos_with_copies
from facemask.studies.plan import PlannedRun, experiment_of
from facemask.studies.runs import Answered, do_run, finished_run, read_answers
from facemask.studies.study import Variant
from facemask.training import residual
from left_out import Truth

SQUEEZE_EXCITE = "squeeze-excite"

WITHOUT: dict[str, dict[str, Any]] = {
    SQUEEZE_EXCITE: {},  # no setting: the network is built without it
    "AdamW and one cycle": {
        "optimizer.name": "adam",
        "optimizer.schedule": "constant",
        "optimizer.learning_rate": 1e-3,
        "optimizer.weight_decay": 1e-4,
    },
    "label smoothing": {"training.label_smoothing": 0.0},
    "dropout": {"network.dropout": 0.0},
    "framing": {"augmentation.scale": [1.0, 1.0], "augmentation.shift": 0.0},
    "set farther away": {"augmentation.away": 0.0},
    "rotation": {"augmentation.rotation_degrees": 0.0},
    "mirror": {"augmentation.flip": 0.0},
    "colour and light": {
        f"augmentation.{name}": 0.0
        for name in ("saturation", "cast", "grey", "contrast", "exposure", "gamma")
    },
    "coarseness": {"augmentation.coarse": 0.0},
    "erasing": {"augmentation.erase": 0.0},
}
"""Each part of the recipe, and the settings that take it out; Adam's are the study's own."""

SQUEEZE_EXCITE_AT = list(WITHOUT).index(SQUEEZE_EXCITE)

FIRST_ROW = (1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)
"""Plackett and Burman's design of twelve: this row in its eleven rotations, and one of zeros."""

Present = npt.NDArray[np.bool_]


def design() -> Present:
    """Which run has which part: ``bool (12, 11)``."""
    rows = [np.roll(FIRST_ROW, turn) for turn in range(len(FIRST_ROW))]
    return np.array([*rows, np.zeros(len(FIRST_ROW))], dtype=bool)


class _NoSqueezeExcite(nn.Module):
    """Stands where squeeze-excite does, and leaves the maps as they are."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, maps: Tensor) -> Tensor:
        return maps


@contextmanager
def built(*, has_squeeze_excite: bool) -> Iterator[None]:
    """Networks are built with squeeze-excite or without it."""
    if has_squeeze_excite:
        yield
    else:
        with patch.object(residual, "SqueezeExcite", _NoSqueezeExcite):
            yield


def planned_runs(part: Part, out: Path, overrides: list[str]) -> list[PlannedRun]:
    """The twelve runs on one source that is left out."""
    runs = []
    for number, has in enumerate(design()):
        changes = [change for change, kept in zip(WITHOUT.values(), has, strict=True) if not kept]
        settings = {key: value for change in changes for key, value in change.items()}
        # No setting says this, and a run is known again by its experiment, whose name is in it.
        plain = "" if has[SQUEEZE_EXCITE_AT] else "-without-squeeze-excite"
        variant = Variant(name=f"run{number}{plain}", experiment="maskresnet", set=settings)
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


def summed_up(answers: list[Answered]) -> dict[str, Any]:
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
    bounds = [percentile_interval(resampled[:, number]) for number in range(len(WITHOUT))]
    return {
        "n": len(labels),
        "accuracy_by_run": [round(float(value), 4) for value in right.mean(axis=1)],
        "effects": {
            name: {
                "points": round(float(points[number].mean()), 2),
                "ci95": [round(float(bound), 2) for bound in bounds[number]],
                "log_loss": round(float(loss[number].mean()), 4),
            }
            for number, name in enumerate(WITHOUT)
        },
        "margin_of_error": {
            "points": round(margin_of_error(points.mean(axis=1)), 2),
            "log_loss": round(margin_of_error(loss.mean(axis=1)), 4),
        },
    }


def main() -> None:
    """Train what is missing, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path, help="a dataset that kept every copy, as studies do")
    parser.add_argument("--leave-out", action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument(
        "--run", action="append", type=int, choices=range(12), help="all by default"
    )
    parser.add_argument("--set", action="append", default=[], help="for every run")
    parser.add_argument("--relabel", action="append", type=Path, default=[], help="to judge by")
    parser.add_argument("--min-side-px", type=int, default=0, help="of a box, to be judged")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    dataset = open_dataset(options.photos)
    photos = photos_with_copies(dataset)
    truth = Truth.of_photos(options.photos, options.relabel, options.min_side_px)
    parts, skipped = divide(photos, "left-out", options.leave_out)
    if skipped:
        raise SystemExit("; ".join(f"{one.source}: {one.reason}" for one in skipped))
    for part in parts:
        view = with_splits(dataset, photos, part.splits, part.division)
        runs = planned_runs(part, options.output, options.set)
        for number in options.run or range(len(runs)):
            run = runs[number]
            if finished_run(run, view, "test") is None:
                print(f"{part.source}: run {number}", file=sys.stderr, flush=True)
                with built(has_squeeze_excite=bool(design()[number, SQUEEZE_EXCITE_AT])):
                    do_run(run, view, photos, "test", device=options.device)
        if all(finished_run(run, view, "test") for run in runs):
            answers = [truth.judge(read_answers(run.folder)) for run in runs]
            print(json.dumps({part.source: summed_up(answers)}, indent=2))


if __name__ == "__main__":
    main()
