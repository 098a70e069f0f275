"""What a third class, masks worn incorrectly, is worth and what it costs; prints JSON.

The three-class model is judged on what its training did not hold: how well it tells masks worn
badly from masks worn well, and what it calls each class. Its cost is measured against a two-class
model on bare and masked faces that neither learned from. Validation images, which chose both
models' epochs, are among them. Intervals draw pictures with replacement, since the faces of one
picture are not independent.

    python benchmarks/incorrect_class.py THREE DATASET_OF_THREE TWO DATASET_OF_TWO [--source scenes]
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import confusion_matrix, roc_auc_score

from facemask.data.arrays import open_dataset
from facemask.inference.classifier import Classifier

MASK, INCORRECT = 1, 2
RESAMPLES = 1000

Rows = npt.NDArray[np.int64]


def places_of(table: pd.DataFrame) -> npt.NDArray[np.str_]:
    """Which face of which photo each row is, so that two datasets can be matched."""
    columns = table[["source", "path", "x0", "y0"]].astype("string").fillna("")
    return columns.agg("|".join, axis=1).to_numpy(dtype=str)


def drawn_interval(
    statistic: Callable[[Rows], float], rows: Rows, pictures: npt.NDArray[Any], seed: int
) -> list[float]:
    """The 95% interval of a statistic of rows, pictures drawn with replacement."""
    _, unit = np.unique(pictures[rows], return_inverse=True)
    members = [rows[unit == number] for number in range(unit.max() + 1)]
    random = np.random.default_rng(seed)
    values = [
        statistic(
            np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        )
        for _ in range(RESAMPLES)
    ]
    bounds: list[float] = np.quantile(values, [0.025, 0.975]).tolist()
    return bounds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("three", "dataset_of_three", "two", "dataset_of_two"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--source", help="judge the third class on this source alone")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dataset = open_dataset(options.dataset_of_three)
    table, labels = dataset.manifest.table, dataset.labels
    pictures = table["path"].to_numpy(dtype=str)
    is_new = (table["split"] != "train").to_numpy(dtype=bool)
    answers = []
    for path in (options.three, options.two):
        classifier = Classifier(path)
        answers.append(
            classifier.classify_images(np.asarray(dataset.images(classifier.info.input_size_px)))
        )
    three, two = answers

    here = is_new & (labels >= MASK)
    if options.source:
        here &= (table["source"] == options.source).to_numpy(dtype=bool)
    worn = np.flatnonzero(here)
    well = three[:, MASK] / (three[:, MASK] + three[:, INCORRECT])

    def told(rows: Rows) -> float:
        return float(roc_auc_score(labels[rows] == MASK, well[rows]))

    other = open_dataset(options.dataset_of_two).manifest.table
    seen = places_of(other[other["split"] == "train"])
    known = places_of(other)
    places = places_of(table)
    both = np.flatnonzero(
        is_new & (labels < INCORRECT) & np.isin(places, known) & ~np.isin(places, seen)
    )
    right = [found[both].argmax(axis=1) == labels[both] for found in (three, two)]
    more = np.zeros(len(labels))
    more[both] = right[0].astype(np.float64) - right[1]
    print(
        json.dumps(
            {
                "worn_well": int((labels[worn] == MASK).sum()),
                "worn_badly": int((labels[worn] == INCORRECT).sum()),
                "roc_auc": [told(worn), drawn_interval(told, worn, pictures, options.seed)],
                "confusion": confusion_matrix(
                    labels[is_new], three[is_new].argmax(axis=1)
                ).tolist(),
                "new_to_both": len(both),
                "accuracy": [float(one.mean()) for one in right],
                "difference": [
                    float(more[both].mean()),
                    drawn_interval(lambda rows: float(more[rows].mean()), both, pictures, 1),
                ],
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
