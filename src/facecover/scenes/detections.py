"""What is answered for one photo: every face in it."""

import base64
import importlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image

from facecover.errors import DatasetError, ImageError
from facecover.images import ImageSource, Photo, read_photo
from facecover.inference.prediction import DIGITS, Prediction
from facecover.labels import CLASS_NAMES
from facecover.photos import FoundPhoto
from facecover.text import counted

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float32]

_SHOWN_PX = 900
"""The longest side of the picture in a notebook."""


class Detections(Struct, frozen=True, eq=False):
    """The faces of one photo, the likeliest first.

    Attributes:
        boxes: ``float32 (N, 4)``, x0, y0, x1, y1 in pixels of the upright photo.
        scores: ``float32 (N,)``, 0..1: how sure it is that there is a face.
        predictions: whether each is covered; `Prediction.size_px` is that of the face.
        width: of the upright photo in pixels.
        height: likewise.
        source: where a notebook gets the picture from: what was given, unless it was a stream.

    Raises:
        DatasetError: if they do not fit together.
    """

    boxes: Floats
    scores: Floats
    predictions: tuple[Prediction, ...]
    width: int
    height: int
    source: ImageSource | None = None

    def __post_init__(self) -> None:
        n = len(self.predictions)
        for name, array, shape in (
            ("boxes", self.boxes, (n, 4)),
            ("scores", self.scores, (n,)),
        ):
            if array.shape != shape or array.dtype != np.float32:
                raise DatasetError(
                    f"{name}: expected float32 {shape} for {counted(n, 'prediction')}, found "
                    f"{array.dtype} {array.shape}"
                )
        low, high = self.boxes[:, :2], self.boxes[:, 2:]
        size = self.width, self.height
        if not (np.all(low >= 0) and np.all(low < high) and np.all(high <= size)):
            raise DatasetError(
                f"boxes: expected 0 <= x0 < x1 <= {self.width} and 0 <= y0 < y1 <= {self.height}, "
                f"found {self.boxes.tolist()}"
            )
        if not (np.all(self.scores >= 0) and np.all(self.scores <= 1)):
            raise DatasetError(f"scores: expected 0 to 1, found {self.scores.tolist()}")

    def __len__(self) -> int:
        return len(self.predictions)

    def __repr__(self) -> str:
        return f"<Detections {self.width} x {self.height}: {self.in_words()}>"

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of the class answered for each face."""
        return tuple(given.label for given in self.predictions)

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Of each class, in the order of `labels.CLASS_NAMES`: ``float64 (N, C)``, 0..1."""
        rows = [list(given.probabilities.values()) for given in self.predictions]
        return np.array(rows, np.float64).reshape(len(rows), -1 if rows else 0)

    def counts(self) -> dict[str, int]:
        """How many faces of each answer, in the order of the labels; uncertain ones apart."""
        answers = ["uncertain" if one.is_uncertain else one.label for one in self.predictions]
        return {name: n for name in (*CLASS_NAMES, "uncertain") if (n := answers.count(name))}

    def in_words(self) -> str:
        """``3 faces: 2 mask, 1 no_mask``, or ``no face``."""
        if not self.predictions:
            return "no face"
        by_answer = ", ".join(f"{n:,} {name}" for name, n in self.counts().items())
        return f"{counted(len(self), 'face')}: {by_answer}"

    def to_json(self) -> dict[str, Any]:
        """``width``, ``height`` and ``faces``, each with ``box``, ``score`` and the answer."""
        rounded = zip(self.boxes.tolist(), self.scores.tolist(), self.predictions, strict=True)
        faces = [
            {
                "box": [round(edge, 1) for edge in box],
                "score": round(score, DIGITS),
                **given.answer_to_json(),
            }
            for box, score, given in rounded
        ]
        return {"width": self.width, "height": self.height, "faces": faces}

    def to_pandas(self) -> "pd.DataFrame":
        """One row a face: its corners, its score and the answer, each class as ``p_NAME``."""
        import pandas as pd

        return pd.DataFrame.from_records(self.to_rows())

    def to_rows(self) -> list[dict[str, Any]]:
        """The faces, each as one flat mapping."""
        rows = []
        for face in self.to_json()["faces"]:
            corners = dict(zip(("x0", "y0", "x1", "y1"), face.pop("box"), strict=True))
            by_class = {f"p_{name}": p for name, p in face.pop("probabilities").items()}
            rows.append(corners | face | by_class)
        return rows

    def to_supervision(self) -> Any:  # noqa: ANN401  (its package need not be installed)
        """The same as `supervision.Detections`, whose package draws, tracks and counts."""
        supervision = importlib.import_module("supervision")  # of the caller's choice, not ours

        return supervision.Detections(
            xyxy=self.boxes,
            confidence=self.scores,
            class_id=np.array([CLASS_NAMES.index(label) for label in self.labels], np.int64),
            data={"class_name": np.array(self.labels, np.str_)},
        )

    def _repr_html_(self) -> str:
        """The picture with its boxes, for notebooks; words where there is no picture any more."""
        from facecover.scenes.drawing import annotated

        if self.source is None:
            return f"<p>{self.in_words()}</p>"
        try:
            photo = read_photo(self.source, at_least_px=_SHOWN_PX)
        except ImageError:
            return f"<p>{self.in_words()}</p>"
        image = photo.image
        boxes = photo.in_image(self.boxes)
        shrink = min(1.0, _SHOWN_PX / max(image.size))
        image = image.resize([max(1, round(side * shrink)) for side in image.size])
        drawn = io.BytesIO()
        annotated(image, boxes * np.float32(shrink), self.predictions).save(drawn, "PNG")
        data = base64.b64encode(drawn.getvalue()).decode()
        return f'<img alt="{self.in_words()}" src="data:image/png;base64,{data}">'


def cut(photo: Photo, boxes: Floats) -> Iterator[Image.Image]:
    """Each face, cut from a decoded photo at whole pixels, as `prepare` cuts boxes.

    Args:
        photo: decoded in full or at reduced scale.
        boxes: ``float32 (N, 4)``, x0, y0, x1, y1 in pixels of its full size.
    """
    for x0, y0, x1, y1 in photo.in_image(boxes).round().astype(int).tolist():
        yield photo.image.crop((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))


class PhotoDetections(Struct, frozen=True, eq=False):
    """A photo and its faces."""

    photo: FoundPhoto
    detections: Detections

    def to_json(self) -> dict[str, Any]:
        """The fields of `Detections.to_json` after ``path``, the photo's name."""
        return {"path": self.photo.name, **self.detections.to_json()}
