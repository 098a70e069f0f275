"""Whether one model can stand for another that learned from the test images as well."""

from facemask.inference.model_info import ModelInfo
from facemask.training.config import Experiment

_NOT_WHAT_IS_LEARNED = ("refit", "precision", "compile")
"""Keys of `TrainingConfig` in which twins may differ."""


def difference_of_twin(info: ModelInfo, twin: ModelInfo) -> str:
    """The first thing in which two models differ that twins have in common; empty if they do.

    Args:
        info: of a model that learned from the test split, too.
        twin: of one that should be the same experiment on the same data without it.
    """
    if twin.is_refit:
        return "model that learned from the test images"
    if twin.data.digest != info.data.digest:
        return "dataset"
    if twin.precision != info.precision:
        return "precision of the file"
    one, other = (Experiment.model_validate(each.config).model_dump() for each in (info, twin))
    for key in _NOT_WHAT_IS_LEARNED:
        other["training"][key] = one["training"][key]
    return next((key for key, value in one.items() if other[key] != value), "")
