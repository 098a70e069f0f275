"""Suspicious labels: networks are trained for the moment, and asked of what they have not seen."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset.arrays import Dataset
from facecover.errors import DatasetError, RunError
from facecover.labels import class_name
from facecover.look.audit_checks import Audit, together
from facecover.look.shortcuts import FEWEST_GROUPS
from facecover.look.suspect_images import rank_suspects
from facecover.progress import SILENT, Progress

Numbers = npt.NDArray[np.int64]
"""``int64 (N,)``."""


def find_suspects(
    dataset: Dataset, found: Audit, seed: int, progress: Progress = SILENT
) -> tuple[pd.DataFrame | None, str]:
    """The labels that networks contradict, or None and why they cannot be judged.

    Args:
        dataset: the samples that were audited.
        found: their audit: what shows one picture or person is held out together.
        seed: of the folds and the networks.
        progress: told how far it is.
    """
    table = dataset.manifest.table
    groups = together(table, found.duplicates, found.identities)
    if missing := _missing(dataset.labels, groups):
        return None, missing
    # PyTorch takes seconds to import.
    from facecover.training.out_of_fold import out_of_fold_probabilities, plan_folds

    try:
        with progress.bar("judging labels", plan_folds(dataset, groups).epochs) as advance:
            probabilities = out_of_fold_probabilities(
                dataset, groups, seed=seed, on_progress=advance
            )
        return rank_suspects(table, probabilities), ""
    except (DatasetError, RunError) as error:
        return None, str(error)


def _missing(labels: Numbers, groups: Numbers) -> str:
    """Why there is too little to judge labels by, or ""."""
    present = np.unique(labels).tolist()
    if len(present) < 2:
        return f"every label is {class_name(present[0])!r}; two classes or more are needed"
    for label in present:
        count = len(np.unique(groups[labels == label]))
        if count < FEWEST_GROUPS:
            return (
                f"expected at least {FEWEST_GROUPS} different pictures or persons of "
                f"{class_name(label)!r} to judge labels by, found {count}; add photos"
            )
    return ""
