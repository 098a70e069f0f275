"""What models answer on spoilt images."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from facemask.evaluation.answers import Labels, check_answers
from facemask.evaluation.corruptions import BASE_PX, KINDS, Kind, corrupted
from facemask.evaluation.evaluate import BATCH_SIZE, ImageClassifier, Images
from facemask.images import resized


def corruption_size(kept_px: Sequence[int], input_px: Sequence[int]) -> int:
    """The side at which images are spoilt: the smallest kept that no model enlarges.

    A camera spoils the photo, not the few pixels that a model takes, so it is `BASE_PX` or more
    where images of that side were kept, and the largest side kept where they were not.

    Args:
        kept_px: the sides that there are images of, at least one.
        input_px: the models' input sides.
    """
    least = max(BASE_PX, *input_px)
    return min((size for size in kept_px if size >= least), default=max(kept_px))


def corruption_steps(kinds: Sequence[Kind] = KINDS) -> int:
    """How many times `spoilt_answers` answers on each image, once as it is included."""
    return 1 + sum(len(kind.amounts) for kind in kinds)


def spoilt_answers(
    models: Sequence[ImageClassifier],
    images: Images,
    labels: Labels,
    rows: npt.NDArray[np.int64],
    kinds: Sequence[Kind],
    *,
    seed: int,
    on_images: Callable[[int], None] | None = None,
) -> Labels:
    """The classes answered: ``int64 (M, 1 + K, N)``, first those on the images as they are.

    Each image is spoilt once, at the size it comes in, and then brought to each model's size.

    Args:
        models: M of them.
        images: ``uint8 (I, S, S, 3)``, RGB; may be memory-mapped.
        labels: ``int64 (I,)``, for the checks alone.
        rows: ``int64 (N,)``, the images to answer on.
        kinds: of corruption; K severities in all.
        seed: of the corruptions' chances.
        on_images: called with the number of images after each batch at each severity.

    Raises:
        ConfigError: if the seed is negative.
        DatasetError: if a label is none of a model's classes.
        ModelFileError: if a model's answers are no probabilities.
    """
    steps = [(kind, severity) for kind in kinds for severity in range(1, len(kind.amounts) + 1)]
    answers = np.zeros((len(models), 1 + len(steps), len(rows)), dtype=np.int64)
    for start in range(0, len(rows), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        chosen = rows[part]
        batch = np.ascontiguousarray(images[chosen])
        for place, step in enumerate((None, *steps)):
            spoilt = batch if step is None else corrupted(batch, *step, rows=chosen, seed=seed)
            for model, answered in zip(models, answers, strict=True):
                answered[place, part] = _answered(model, spoilt, labels[chosen])
            if on_images:
                on_images(len(batch))
    return answers


def _answered(model: ImageClassifier, images: Images, labels: Labels) -> Labels:
    info = model.info
    probabilities = model.classify_images(_fitted(images, info.input_size_px))
    return check_answers(
        labels, probabilities, threshold=info.threshold, class_names=info.class_names
    ).predicted


def _fitted(images: Images, size_px: int) -> Images:
    """The images at a model's size, resized as photos are."""
    if images.shape[1] == size_px:
        return images
    return np.stack([resized(Image.fromarray(one), size_px) for one in images])
