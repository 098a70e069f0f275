"""The question and its answer: is this face covered?"""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facemask.images import ImageSource, read_photo, resized
from facemask.inference.model import Images, load_model
from facemask.inference.model_info import ModelInfo
from facemask.labels import MASK


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer.

    Attributes:
        label: the name of the class answered.
        probability: that class's probability, 0..1.
        probabilities: each class's probability by its name, 0..1; they sum to 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


class Classifier:
    """Answers whether a face is covered. It may be used from several threads at once.

    Args:
        model: a model file, or a run folder.
        threads: how many threads one answer may use; None leaves it to ONNX Runtime.

    Raises:
        ModelFileError: if there is no such file, or it is not one of ours, is cut off, was
            changed, comes from a newer version, or cannot be run.
    """

    def __init__(self, model: str | PathLike[str], threads: int | None = None) -> None:
        self._model = load_model(Path(model), threads)

    @property
    def info(self) -> ModelInfo:
        """What the model knows of itself."""
        return self._model.info

    def __call__(self, image: ImageSource) -> Prediction:
        """The answer for one photo of a face.

        Args:
            image: a path, the bytes of a file, a binary stream, a Pillow image, or an array
                ``uint8 (H, W, 3)``, RGB.

        Raises:
            ImageError: if it is not a readable image.
        """
        pixels = resized(read_photo(image).image, self.info.input_size_px)
        return self._prediction(self.classify_images(pixels[None])[0])

    def classify_images(self, images: Images) -> npt.NDArray[np.float64]:
        """The probability of each class: ``float64 (N, C)``, 0..1, rows sum to 1.

        Args:
            images: ``uint8 (N, S, S, 3)``, RGB, with S the model's input size.

        Raises:
            ImageError: if the array is of another dtype or shape.
        """
        return self._model.probabilities(images)

    def _prediction(self, probabilities: npt.NDArray[np.float64]) -> Prediction:
        names = self.info.class_names
        label = answer(probabilities[None], self.info.threshold)[0]
        by_name = dict(zip(names, map(float, probabilities), strict=True))
        return Prediction(names[label], by_name[names[label]], by_name)


def answer(probabilities: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.int64]:
    """The labels answered: ``int64 (N,)``.

    Args:
        probabilities: ``float64 (N, C)``, 0..1.
        threshold: with two classes, the probability of a mask from which the answer is mask;
            with more the likeliest class is answered.
    """
    if probabilities.shape[1] == 2:
        return np.asarray(probabilities[:, MASK] >= threshold, dtype=np.int64)
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)
