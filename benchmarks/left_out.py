"""Variants of studies on the sources that they left out, and how they differ; prints JSON.

The variants may come from several studies: their answers are paired by image, over the seeds that
both have, and refused where other images were tested. The last variant is compared with every other
one. Intervals are the studies' own: seeds and groups of images are drawn with replacement.

    python benchmarks/left_out.py STUDY... --variant net1 --variant net2 --variant maskresnet
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facemask.studies.estimates import SeedMean, mean_accuracy, mean_difference
from facemask.studies.results import StudyRun, load_study
from facemask.studies.runs import Answered, read_answers

MEASURES = ("balanced_accuracy", "roc_auc", "ece")

BySeed = dict[int, tuple[StudyRun, Answered]]


def left_out_runs(folders: Sequence[Path]) -> dict[tuple[str, str], BySeed]:
    """The runs that left a source out, by source and variant; an earlier study goes first."""
    found: dict[tuple[str, str], BySeed] = {}
    for folder in folders:
        for run in load_study(folder).results:
            by_seed = found.setdefault((run.source, run.variant), {})
            if run.division == "left-out" and run.seed not in by_seed:
                name = f"{run.variant}-seed{run.seed}"
                answers = read_answers(folder / "runs" / "left-out" / run.source / name)
                by_seed[run.seed] = (run, answers)
    return {key: by_seed for key, by_seed in found.items() if by_seed}


def described(by_seed: BySeed) -> dict[str, Any]:
    """A variant on one source, with what was measured for each seed."""
    runs = [run for run, _ in by_seed.values()]
    return {
        "accuracy": _value(mean_accuracy(_answers(by_seed))),
        "epochs": [run.epochs for run in runs],
        "n_train": [run.n_train for run in runs],
        "n_by_class": runs[0].metrics["n_by_class"],
    } | {
        name: [[run.metrics[name], run.metrics["ci95"].get(name)] for run in runs]
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


def _answers(by_seed: BySeed) -> dict[int, Answered]:
    return {seed: answers for seed, (_, answers) in by_seed.items()}


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("studies", nargs="+", type=Path, help="folders that a study wrote")
    parser.add_argument("--variant", action="append", required=True)
    options = parser.parse_args()
    runs = left_out_runs(options.studies)
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
