"""Labels that are probably wrong, by confident learning: a worklist, the worst first."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

from facemask.data.audit.exact import BOX
from facemask.errors import DatasetError
from facemask.labels import class_name

Probabilities = npt.NDArray[np.float64]
"""``float64 (N, C)``, rows that sum to 1, by label."""

FEWEST_OF_A_CLASS = 5

_SUM_TOLERANCE = 1e-3

_CHOSEN_BY = "prune_by_noise_rate"
"""How cleanlab ends the list. Of 356 flipped labels among 7,117 it lists 81% at a precision of
60%; ``confident_learning`` and ``low_self_confidence`` list 70% and 71% at 68% and 70%, so that
the harmonic means are the same. The order does not depend on it: who wants fewer false alarms
stops earlier, and what is not listed is not found. With two classes ``both`` and
``prune_by_class`` give the same list."""


def rank_suspects(table: pd.DataFrame, probabilities: Probabilities) -> pd.DataFrame:
    """The samples whose labels are probably wrong, the worst first.

    Confident learning (Northcutt, Jiang and Chuang, 2021) compares each label with what models
    that have not seen the sample say of it. The list is a `suspects.csv` to be edited: change
    ``label``, fill in ``who``, ``when`` and ``why``, and give it to `--relabel`.

    Args:
        table: N samples with ``source``, ``path``, box and ``label``.
        probabilities: out of fold, by models trained without the sample's group.

    Returns:
        One line a suspect: ``row``, ``source``, ``path``, the box, ``label`` (its name),
        ``suggested`` (the most probable class), ``quality`` (of the label, 0..1, low is bad),
        ``probability`` (of the suggested class), and empty ``who``, ``when`` and ``why``.

    Raises:
        DatasetError: if the probabilities do not fit the table, or a class has fewer than five
            samples.
    """
    labels = table["label"].to_numpy(dtype=np.int64)
    _check(labels, probabilities)
    # Where labels are missing from the data in between, cleanlab needs them numbered anew.
    present, known = np.unique(labels, return_inverse=True)
    shares = probabilities[:, present]
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    is_suspect = find_label_issues(known, shares, filter_by=_CHOSEN_BY, n_jobs=1)
    quality = get_label_quality_scores(known, shares, method="self_confidence")
    suggested = present[shares.argmax(axis=1)]
    rows = np.flatnonzero(is_suspect & (suggested != labels))
    rows = rows[np.argsort(quality[rows], kind="stable")]
    listed = table.iloc[rows][["source", "path", *BOX]].reset_index(drop=True)
    listed.insert(0, "row", rows)
    listed["label"] = [class_name(int(label)) for label in labels[rows]]
    listed["suggested"] = [class_name(int(label)) for label in suggested[rows]]
    listed["quality"] = quality[rows]
    listed["probability"] = shares.max(axis=1)[rows]
    for name in ("who", "when", "why"):
        listed[name] = pd.Series([""] * len(rows), dtype="string")
    return listed


def _check(labels: npt.NDArray[np.int64], probabilities: Probabilities) -> None:
    if not len(labels):
        raise DatasetError("no label to judge: the table is empty")
    highest = int(labels.max())
    shape = probabilities.shape
    if len(shape) != 2 or shape[0] != len(labels) or shape[1] <= highest:
        raise DatasetError(
            f"out-of-fold probabilities: expected shape ({len(labels)}, {highest + 1} or more), "
            f"found {shape}"
        )
    if not np.isfinite(probabilities).all() or probabilities.min() < 0:
        raise DatasetError(
            "out-of-fold probabilities: expected numbers of 0 and more, found others"
        )
    off = np.abs(probabilities.sum(axis=1) - 1).max()
    if off > _SUM_TOLERANCE:
        raise DatasetError(
            f"out-of-fold probabilities: expected rows that sum to 1, found one that is {off:.3g} "
            "off"
        )
    present, counts = np.unique(labels, return_counts=True)
    if len(present) < 2:
        raise DatasetError(
            f"every label is {class_name(highest)!r}; suspects need two classes or more"
        )
    if counts.min() < FEWEST_OF_A_CLASS:
        rare = class_name(int(present[counts.argmin()]))
        raise DatasetError(
            f"only {counts.min()} samples are {rare!r}; suspects need at least "
            f"{FEWEST_OF_A_CLASS} of each class"
        )
