"""Values for JSON: nothing in them that it lacks, and no number that is not one."""

import math
from collections.abc import Mapping

import numpy as np

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def plain_json(value: object) -> Json:
    """A value as JSON knows it; NaN and infinity become null, what it does not know a string."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain_json(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
