"""Variants of studies on the sources that they left out, and how they differ; prints JSON.

The variants may come from several studies: their answers are paired by image, over the seeds that
both have, and refused where other images were tested. The last variant is compared with every other
one. Intervals are the studies' own: seeds and groups of images are drawn with replacement.

With lists of corrected labels, answers are judged by those instead of the labels that the sources
bring; an image that is of neither class then, or whose box is too small, is not counted.

    python benchmarks/left_out.py STUDY... --variant net1 --variant net2 --variant maskresnet
        [--photos STUDY/photos --relabel experiments/corrections/scenes.csv --min-side-px 16]
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facecover.dataset.manifest import BOX, load_manifest
from facecover.evaluation.intervals import measure
from facecover.preparation.label_corrections import apply_lists, read_corrections
from facecover.studies.conclusion import SeedMean, mean_accuracy, mean_difference
from facecover.studies.results import StudyRun, load_study
from facecover.studies.runs import RunAnswers, read_answers, run_folder

MEASURES = ("balanced_accuracy", "roc_auc", "ece", "log_loss")

BySeed = dict[int, tuple[StudyRun, RunAnswers]]


@dataclass(frozen=True)
class Truth:
    """What answers are judged by: the ``int64 (N,)`` label of every photo of a study.

    It is -1 where the photo is not counted. `published` is what the sources say.
    """

    labels: npt.NDArray[np.int64]
    published: npt.NDArray[np.int64]

    @classmethod
    def of_photos(cls, folder: Path, lists: Sequence[Path], min_side_px: int) -> "Truth":
        """The corrected labels of a dataset, without boxes that are too small."""
        table = load_manifest(folder).table.reset_index(drop=True)
        published = table["label"].to_numpy(dtype=np.int64)
        table, _ = apply_lists(table, {path: read_corrections(path) for path in lists})
        x0, y0, x1, y1 = (table[name].to_numpy(np.float64, na_value=np.nan) for name in BOX)
        is_small = np.minimum(x1 - x0, y1 - y0) < min_side_px  # a whole photo has no box
        labels = table["label"].to_numpy(dtype=np.int64)
        return cls(np.where(is_small, -1, labels), published)

    def judge(self, answers: RunAnswers) -> RunAnswers:
        """The same answers of two classes, judged by these labels.

        Raises:
            SystemExit: if they are answers on other photos.
        """
        if not np.array_equal(self.published[answers.rows], answers.labels):
            raise SystemExit("--photos: expected the photos of the studies, found others")
        labels = self.labels[answers.rows]
        answered = np.where(answers.is_right, answers.labels, 1 - answers.labels)
        kept = (labels == 0) | (labels == 1)
        return RunAnswers(
            rows=answers.rows[kept],
            labels=labels[kept],
            probabilities=answers.probabilities[kept],
            is_right=(answered == labels)[kept],
            groups=answers.groups[kept],
        )


def left_out_runs(folders: Sequence[Path], truth: Truth | None) -> dict[tuple[str, str], BySeed]:
    """The runs that left a source out, by source and variant; an earlier study goes first."""
    found: dict[tuple[str, str], BySeed] = {}
    for folder in folders:
        for run in load_study(folder).results:
            by_seed = found.setdefault((run.source, run.variant), {})
            if run.division == "left-out" and run.seed not in by_seed:
                answers = read_answers(
                    run_folder(folder, run.division, run.source, run.variant, run.seed)
                )
                by_seed[run.seed] = (run, answers if truth is None else truth.judge(answers))
    return {key: by_seed for key, by_seed in found.items() if by_seed}


def described(by_seed: BySeed) -> dict[str, Any]:
    """A variant on one source, with what was measured for each seed."""
    runs = [run for run, _ in by_seed.values()]
    measured = [
        measure(answers.labels, answers.probabilities.astype(np.float64), groups=answers.groups)
        for _, answers in by_seed.values()
    ]
    return {
        "accuracy": _value(mean_accuracy(_answers(by_seed))),
        "epochs": [run.epochs for run in runs],
        "n_train": [run.n_train for run in runs],
        "n_by_class": measured[0].n_by_class,
    } | {
        name: [[found.values[name], found.ci95.get(name)] for found in measured]
        for name in MEASURES
    }


def _value(mean: SeedMean) -> dict[str, Any]:
    return {
        "mean": mean.value,
        "ci95": mean.ci95,
        "n": mean.n,
        "groups": mean.n_units,
        "by_seed": mean.by_seed,
    }


def _answers(by_seed: BySeed) -> dict[int, RunAnswers]:
    return {seed: answers for seed, (_, answers) in by_seed.items()}


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("studies", nargs="+", type=Path, help="folders that a study wrote")
    parser.add_argument("--variant", action="append", required=True)
    parser.add_argument("--photos", type=Path, help="the photos of one of the studies")
    parser.add_argument("--relabel", action="append", type=Path, default=[], help="needs --photos")
    parser.add_argument("--min-side-px", type=int, default=0, help="of a box; needs --photos")
    options = parser.parse_args()
    truth = None
    if options.photos is not None:
        truth = Truth.of_photos(options.photos, options.relabel, options.min_side_px)
    elif options.relabel or options.min_side_px:
        parser.error("--relabel and --min-side-px need --photos")
    runs = left_out_runs(options.studies, truth)
    *others, last = options.variant
    results: dict[str, Any] = {}
    for source in dict.fromkeys(source for source, _ in runs):
        here = {name: runs[source, name] for name in options.variant if (source, name) in runs}
        differences = {
            other: _value(difference)
            for other in others
            if last in here
            and other in here
            and (difference := mean_difference(_answers(here[last]), _answers(here[other])))
        }
        results[source] = {
            "variants": {name: described(by_seed) for name, by_seed in here.items()},
            f"{last}_minus": differences,
        }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
