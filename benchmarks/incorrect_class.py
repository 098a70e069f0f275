"""What a third class, masks worn incorrectly, is worth and what it costs; prints JSON.

maskresnet's recipe with two classes and with three, over several seeds, on faces of which training
saw nothing: whole sources left out, and the two halves of the source that has the third class, each
left out in turn. The networks of two classes learn from the same images but those of the third. The
cost is measured on bare and masked faces alone, with the likeliest of three classes, and with the
third only where the network is sure of it. How well masks worn badly are told from masks worn well
is measured on the halves. Trained as `side_by_side.py` trains, which is what a GPU is for.

    facecover prepare PHOTOS... --keep-incorrect --size 96 --size 64 -o dataset3 [--relabel LIST...]
    python benchmarks/incorrect_class.py dataset3 --source scenes --leave-out techyhoney \
        --leave-out chandrikadeb7 --seeds 0 --seeds 1 --seeds 2 --seeds 3
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.metrics import confusion_matrix, roc_auc_score

from facecover.dataset.arrays import UNUSED, Dataset, with_table
from facecover.dataset.split import leave_out_splits
from facecover.evaluation.intervals import percentile_interval
from facecover.labels import INCORRECT_MASK, MASK
from facecover.studies.conclusion import SeedMean, mean_accuracy, mean_difference
from facecover.studies.runs import RunAnswers
from facecover.training.experiments import load_experiment
from side_by_side import Planned, side_by_side

RESAMPLES = 1000

SURE = (0.5, 0.8, 0.9, 1.0)
"""Probabilities over which alone a third class may be answered; over 1 it never is."""

Rows = npt.NDArray[np.int64]
BySeed = dict[int, RunAnswers]


def groups_of(table: pd.DataFrame) -> Rows:
    """Which samples show one picture or one person: ``int64 (N,)``."""
    alone = pd.Series([str(row) for row in range(len(table))], index=table.index)
    _, unit = np.unique(table["group"].fillna(alone).to_numpy(dtype=str), return_inverse=True)
    return unit.astype(np.int64)


def halves_of(table: pd.DataFrame, source: str) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Two halves of a source, by group, as masks of the rows."""
    own, unit = (table["source"] == source).to_numpy(dtype=bool), groups_of(table)
    units = np.unique(unit[own])
    drawn = np.random.default_rng(0).permutation(units)[: len(units) // 2]
    for number, inside in enumerate((True, False)):
        yield f"{source}, half {number}", own & (np.isin(unit, drawn) == inside)


def left_out(dataset: Dataset, tested: npt.NDArray[np.bool_], classes: int) -> Dataset:
    """A dataset with some rows as test data, those aside that the others share a group with."""
    table = dataset.manifest.table
    unit = groups_of(table)
    named = table.assign(source=np.where(tested, "tested", table["source"]))
    splits = leave_out_splits(named, ["tested"]).to_numpy(dtype=object, copy=True)
    splits[tested & np.isin(unit, unit[~tested])] = UNUSED
    if classes == 2:
        splits[(table["label"] == INCORRECT_MASK).to_numpy() & (splits != "test")] = UNUSED
    view = with_table(
        dataset, table.assign(split=pd.array(splits, dtype="string")), split_by="left-out"
    )
    names = view.manifest.info.class_names[:classes]
    info = replace(view.manifest.info, class_names=names)
    return replace(view, manifest=replace(view.manifest, info=info))


def answered(answers: RunAnswers, sure: float | None = None) -> Rows:
    """The likeliest class; or the third where its probability is over `sure`, of others else."""
    p = answers.probabilities
    found: Rows = p.argmax(axis=1)
    if sure is not None and p.shape[1] > INCORRECT_MASK:
        found = p[:, :INCORRECT_MASK].argmax(axis=1)
        found[p[:, INCORRECT_MASK] > sure] = INCORRECT_MASK
    return found


def of_first_two(answers: RunAnswers, sure: float | None = None) -> RunAnswers:
    """The answers on bare and masked faces."""
    kept = answers.labels < INCORRECT_MASK
    right = answered(answers, sure) == answers.labels
    return replace(
        answers,
        rows=answers.rows[kept],
        labels=answers.labels[kept],
        probabilities=answers.probabilities[kept],
        is_right=right[kept],
        groups=answers.groups[kept],
    )


def joined(parts: list[RunAnswers]) -> RunAnswers:
    """The answers of several parts, one after another."""
    names = ("rows", "labels", "probabilities", "is_right", "groups")
    return RunAnswers(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def worn_well_or_badly(answers: RunAnswers, pictures: npt.NDArray[np.str_]) -> dict[str, Any]:
    """How well the two are told apart; the faces of one picture are not independent."""
    worn = np.flatnonzero(answers.labels >= MASK)
    p, is_well = answers.probabilities, answers.labels == MASK
    is_third_known = p.shape[1] > INCORRECT_MASK
    well = p[:, MASK] / p[:, MASK:].sum(axis=1) if is_third_known else p[:, MASK]

    def told(rows: Rows) -> float:
        return float(roc_auc_score(is_well[rows], well[rows]))

    called = confusion_matrix(answers.labels, answered(answers), labels=range(3))
    is_badly = answers.labels == INCORRECT_MASK
    return {
        "roc_auc": told(worn),
        "ci95": _drawn(told, worn, pictures),
        "called": called.tolist(),
        "found_where_sure": {
            sure: float((answered(answers, sure)[is_badly] == INCORRECT_MASK).mean())
            for sure in SURE
        },
    }


def _drawn(
    statistic: Callable[[Rows], float], rows: Rows, pictures: npt.NDArray[np.str_]
) -> tuple[float, float]:
    """The 95% interval of a statistic of rows, pictures drawn with replacement."""
    _, unit = np.unique(pictures[rows], return_inverse=True)
    members = [rows[unit == number] for number in range(unit.max() + 1)]
    random, n = np.random.default_rng(0), len(members)
    values = [
        statistic(np.concatenate([members[i] for i in random.integers(0, n, n)]))
        for _ in range(RESAMPLES)
    ]
    return percentile_interval(np.array(values))


def costs(two: BySeed, three: BySeed) -> dict[str, Any]:
    """Accuracy on bare and masked faces with two classes, and how it changes with three."""
    before = {seed: of_first_two(one) for seed, one in two.items()}
    after = {seed: of_first_two(one) for seed, one in three.items()}
    return {
        "two": _mean(mean_accuracy(before)),
        "three": _mean(mean_accuracy(after)),
        "three_minus_two": _mean(mean_difference(after, before)),
        "three_where_sure_minus_two": {
            sure: _mean(
                mean_difference(
                    {seed: of_first_two(one, sure) for seed, one in three.items()}, before
                )
            )
            for sure in SURE
        },
    }


def _mean(mean: SeedMean | None) -> dict[str, Any] | None:
    if mean is None:
        return None
    return {"mean": mean.value, "ci95": mean.ci95, "n": mean.n, "by_seed": mean.by_seed}


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", type=Path, help="prepared with --keep-incorrect")
    parser.add_argument("--source", required=True, help="has the third class")
    parser.add_argument("--leave-out", action="append", default=[], help="further sources")
    parser.add_argument("--seeds", action="append", type=int, help="0 by default")
    parser.add_argument("--set", action="append", default=[], help="for every run")
    parser.add_argument("--slots", type=int, default=6, help="runs at a time on a GPU")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dataset = Dataset.open(options.dataset)
    table, unit = dataset.manifest.table, groups_of(dataset.manifest.table)
    if options.source in options.leave_out:
        parser.error(f"--leave-out {options.source}: expected another source than --source")
    if unknown := {options.source, *options.leave_out} - set(table["source"]):
        parser.error(f"{min(unknown)}: expected a source of {options.dataset}")
    if not ((table["source"] == options.source) & (table["label"] == INCORRECT_MASK)).any():
        parser.error(f"--source {options.source}: expected masks worn incorrectly, found none")
    halves = dict(halves_of(table, options.source))
    wholes = {name: (table["source"] == name).to_numpy(dtype=bool) for name in options.leave_out}
    plan = [
        Planned(
            str(classes), name, load_experiment("maskresnet", [*options.set, f"seed={seed}"]), view
        )
        for name, tested in {**halves, **wholes}.items()
        for classes in (2, 3)
        for view in [left_out(dataset, tested, classes)]
        for seed in options.seeds or [0]
    ]
    found: dict[tuple[str, str], BySeed] = {}
    for planned, answers in side_by_side(plan, device, options.slots):
        grouped = replace(answers, groups=unit[answers.rows])
        found.setdefault((planned.source, planned.variant), {})[planned.experiment.seed] = grouped
    for classes in ("2", "3"):
        parts = [found[name, classes] for name in halves]
        found[options.source, classes] = {
            seed: joined([part[seed] for part in parts]) for seed in parts[0]
        }
    pictures = table["path"].to_numpy(dtype=str)
    print(
        json.dumps(
            {
                "cost": {
                    name: costs(found[name, "2"], found[name, "3"])
                    for name in (options.source, *options.leave_out)
                },
                "worn_well_or_badly": {
                    f"{classes} classes": {
                        seed: worn_well_or_badly(one, pictures[one.rows])
                        for seed, one in found[options.source, classes].items()
                    }
                    for classes in ("2", "3")
                },
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
