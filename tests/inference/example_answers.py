"""Photos and answers for the tests of what is done with them."""

import io
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from PIL import Image

from facecover.inference.prediction import Answered, Prediction
from facecover.photos import FoundPhoto


def photo_bytes(colour: tuple[int, int, int], size: tuple[int, int] = (20, 30)) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 30, (size[1], size[0], 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def jpeg_bytes(size: tuple[int, int], seed: int = 0) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def given_answer(
    name: str = "a.jpg", inner: str = "a.jpg", source: Path | bytes = b"x", p: float = 0.75
) -> Answered:
    prediction = Prediction("mask", p, {"no_mask": 1 - p, "mask": p}, None, None, (40, 30))
    return Answered(FoundPhoto(name, source, inner), prediction)


def uncertain(one: Answered) -> Answered:
    prediction = replace(one.prediction, reason="blank", explanation="the photo is blank")
    return replace(one, prediction=prediction)
