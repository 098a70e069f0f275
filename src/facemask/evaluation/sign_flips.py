"""Do two sets of models differ on the same images? A randomisation test by flipping signs."""

import numpy as np
import numpy.typing as npt

from facemask.evaluation.bootstrap import Units

FLIPS = 10_000
"""Random flips: p-values come in steps of 1 / 10,001, and near 0.05 are right to 0.005."""

_CHUNK_VALUES = 2**20


def sign_flip_p(differences: npt.NDArray[np.float64], units: Units, *, seed: int = 0) -> float:
    """How often chance alone makes a sum of paired differences as large as this one.

    If two sets of models are equally good, each unit's difference is as likely to be of either
    sign (Pitman, "Significance tests which may be applied to samples from any populations",
    Supplement to the Journal of the Royal Statistical Society 4, 1937). Unlike McNemar's test it
    takes shares of seeds that are right, and keeps images that belong together so. The seeds are
    taken as they are.

    Args:
        differences: ``float64 (N,)``, of each image, such as the share of seeds that answered it
            right in the second set minus that in the first.
        units: ``int64 (N,)``, see `bootstrap.units_of`.
        seed: of the flips.
    """
    sums = np.bincount(units, weights=differences)
    sums = np.abs(sums[sums != 0])
    observed = abs(float(differences.sum()))
    if not len(sums) or not observed:
        return 1.0
    rng = np.random.default_rng(seed)
    rows, extreme = max(1, _CHUNK_VALUES // len(sums)), 0
    for start in range(0, FLIPS, rows):
        signs = 2.0 * rng.integers(2, size=(min(rows, FLIPS - start), len(sums))) - 1
        extreme += int(np.sum(np.abs(signs @ sums) >= observed - 1e-9))
    return (1 + extreme) / (1 + FLIPS)
