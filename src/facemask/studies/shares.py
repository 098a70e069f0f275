"""A part of the training data, for learning curves."""

import numpy as np

from facemask.data.views import UNUSED
from facemask.studies.divisions import Splits
from facemask.studies.photos import Photos


def limited(splits: Splits, photos: Photos, share: float, *, seed: int) -> Splits:
    """Splits with a share of the training groups, the rest of them left out.

    Groups are drawn from each source and label by themselves, at least one of each; with one
    seed a smaller share is part of a larger one.

    Args:
        splits: where every photo goes.
        photos: the photos.
        share: of the training groups, 0..1.
        seed: of the drawing.
    """
    if share == 1:
        return splits
    training = np.flatnonzero(splits == "train")
    groups, first = np.unique(photos.group[training], return_index=True)
    leaders = photos.table.iloc[training[first]]
    strata = (leaders["source"].astype(str) + "/" + leaders["label"].astype(str)).to_numpy()
    rng = np.random.default_rng(seed)
    kept = [
        rng.permutation(groups[strata == stratum])[: _count(share, strata == stratum)]
        for stratum in np.unique(strata)
    ]
    limited = splits.copy()
    limited[training[~np.isin(photos.group[training], np.concatenate(kept))]] = UNUSED
    return limited


def _count(share: float, is_inside: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    # Rounded first: 0.1 of 70 is a little more than 7 in floating point.
    return int(np.ceil(round(share * np.count_nonzero(is_inside), 9)))
