"""Square crops of whole photos, as a face detector learns from them.

Each crop is decided by the seed, the epoch and its number alone. Photos with more faces are shown
more often, and every source as a share of the whole that falls with its size.
"""

import io
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from facecover.dataset.photo_dataset import PhotoDataset
from facecover.images import Pixels
from facecover.training.detector_config import CropConfig

Boxes = npt.NDArray[np.float32]
Random = np.random.Generator

MAX_FACES = 80
"""Of each kind in one crop; more stand there in none of the photos that this was written for."""

_MOST_COUNTED = 8
"""Faces of a photo that count towards how often it is shown."""

_RESAMPLINGS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.BOX)

_MOST_OUTSIDE = 0.5
"""A face with more of it outside a crop is neither to be found there nor to be missed."""


class CropBatch(NamedTuple):
    """Crops and what stands in them.

    Attributes:
        images: ``uint8 (B, 3, S, S)``, RGB.
        faces: x0, y0, x1, y1 in pixels, filled up with zeros, ``float32 (B, MAX_FACES, 4)``.
        ignored: likewise, places where nobody knows.
    """

    images: Tensor
    faces: Tensor
    ignored: Tensor


class _Crop(NamedTuple):
    """Pixels, ``uint8 (S, S, 3)``, boxes, ``float32 (N, 4)``, and which of these are no target."""

    pixels: Pixels
    boxes: Boxes
    is_ignored: npt.NDArray[np.bool_]


class PhotoCrops(TorchDataset[CropBatch]):
    """Crops by number; crop n of epoch e is number ``e * crops + n``.

    Args:
        dataset: of whole photos.
        photos: the numbers of those to learn from, ``int64 (n,)``.
        config: how crops are cut and changed.
        seed: decides each crop, with its number.
    """

    def __init__(
        self,
        dataset: PhotoDataset,
        photos: npt.NDArray[np.int64],
        config: CropConfig,
        seed: int,
    ) -> None:
        self._dataset = dataset
        self._photos = photos
        self._config = config
        self._seed = seed
        weights = _weights(dataset, photos)
        self._cumulated = np.cumsum(weights / weights.sum())

    def __len__(self) -> int:
        return self._config.crops

    def __getitem__(self, number: int) -> CropBatch:
        """One crop, without the dimension of a batch."""
        random = np.random.default_rng((self._seed, number))
        side = self._config.size_px
        is_tiled = random.random() < self._config.tiled
        crop = self._tiled(random, side) if is_tiled else self._one(random, side)
        pixels, boxes = in_other_light(crop.pixels, self._config, random), crop.boxes
        if random.random() < self._config.flip:
            pixels = pixels[:, ::-1]
            boxes = np.column_stack(
                [side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]]
            )
        return CropBatch(
            torch.from_numpy(np.array(pixels)).permute(2, 0, 1),
            _filled(boxes[~crop.is_ignored]),
            _filled(boxes[crop.is_ignored]),
        )

    def _one(self, random: Random, side: int) -> _Crop:
        at = min(int(np.searchsorted(self._cumulated, random.random())), len(self._photos) - 1)
        photo = self._dataset.to_learn_from(int(self._photos[at]))
        return crop_photo(
            _Crop(photo.image, photo.boxes, photo.is_ignored), self._config, side, random
        )

    def _tiled(self, random: Random, side: int) -> _Crop:
        """Four photos in one crop: more faces, farther away (Bochkovskiy et al. 2020)."""
        pixels = np.zeros((side, side, 3), np.uint8)
        x, y = (int(side * random.uniform(0.35, 0.65)) for _ in range(2))
        boxes, ignored = [], []
        for left, top, right, bottom in (
            (0, 0, x, y),
            (x, 0, side, y),
            (0, y, x, side),
            (x, y, side, side),
        ):
            width, height = right - left, bottom - top
            tile = self._one(random, max(width, height))
            tile = _clipped(tile._replace(pixels=tile.pixels[:height, :width]))
            pixels[top:bottom, left:right] = tile.pixels
            boxes.append(tile.boxes + np.array([left, top, left, top], np.float32))
            ignored.append(tile.is_ignored)
        return _Crop(pixels, np.concatenate(boxes), np.concatenate(ignored))


def _weights(dataset: PhotoDataset, photos: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    table = dataset.manifest.table
    faces = (table["kind"] != "ignore").groupby(table["photo"]).sum().to_numpy()
    counted = np.sqrt(np.clip(faces, 0.1, _MOST_COUNTED))[photos]
    source = dataset.photos["source"].to_numpy()[photos]
    names, which = np.unique(source, return_inverse=True)
    of_source = np.bincount(which, counted, len(names))
    weights: npt.NDArray[np.float64] = counted / np.sqrt(of_source)[which]
    return weights


def crop_photo(photo: _Crop, config: CropConfig, side: int, random: Random) -> _Crop:
    """A square of a photo and its boxes at `side` pixels; what lies outside the photo is one grey.

    A share of the crops shows one of the faces at a size that is chosen; the others any square of
    0.5 to 1.5 times the photo's shorter side.
    """
    height, width = photo.pixels.shape[:2]
    faces = photo.boxes[~photo.is_ignored]
    if len(faces) and random.random() < config.on_face:
        face = faces[random.integers(len(faces))]
        left, top, across = _around(face, (width, height), config, side, random)
    else:
        across = max(min(width, height) * random.uniform(0.5, 1.5), side / config.enlarged)
        left, top = (_anywhere(all_of - across, random) for all_of in (width, height))
    aspect = math.exp(random.uniform(-config.aspect, config.aspect))
    return _cut(photo, (left, top, across * aspect, across / aspect), side, random)


def _around(
    face: Boxes, size: tuple[int, int], config: CropConfig, side: int, random: Random
) -> tuple[float, float, float]:
    """A square with a face in it: left, top and side."""
    face_px = max(8.0, math.sqrt(max(1.0, float(np.prod(face[2:] - face[:2])))))
    least, most = config.face_px
    wanted = math.exp(random.uniform(math.log(least), math.log(min(most, 0.95 * side))))
    across = min(side * face_px / min(wanted, config.enlarged * face_px), 2.2 * max(size))
    play = max(across / 2 - face_px / 2, 1.0)
    corner = []
    for axis in range(2):
        middle = float(face[axis] + face[axis + 2]) / 2
        start = middle - across / 2 + random.uniform(-play, play)
        # A square that fits into the photo stays in it.
        fits = across <= size[axis]
        corner.append(min(max(start, 0.0), size[axis] - across) if fits else start)
    return corner[0], corner[1], across


def _anywhere(room: float, random: Random) -> float:
    return float(random.uniform(min(0.0, room), max(0.0, room)))


def _cut(
    photo: _Crop, window: tuple[float, float, float, float], side: int, random: Random
) -> _Crop:
    left, top, across, down = window
    height, width = photo.pixels.shape[:2]
    scale = np.array([side / across, side / down])
    grey = 0 if random.random() < 0.7 else int(random.integers(256))
    pixels = np.full((side, side, 3), grey, np.uint8)
    x0, y0 = max(0, math.floor(left)), max(0, math.floor(top))
    x1, y1 = min(width, math.ceil(left + across)), min(height, math.ceil(top + down))
    resampling = _RESAMPLINGS[int(random.integers(3))]
    to_x, to_y = (max(0, round(v)) for v in ((x0 - left) * scale[0], (y0 - top) * scale[1]))
    wide, high = (round((x1 - x0) * scale[0]), round((y1 - y0) * scale[1]))
    wide, high = min(wide, side - to_x), min(high, side - to_y)
    if x1 - x0 > 1 and y1 - y0 > 1 and wide > 0 and high > 0:
        part = Image.fromarray(photo.pixels[y0:y1, x0:x1])
        part = part.resize((wide, high), resampling, reducing_gap=2)
        pixels[to_y : to_y + high, to_x : to_x + wide] = np.asarray(part)
    moved = (photo.boxes - np.array([left, top, left, top])) * np.tile(scale, 2)
    return _clipped(_Crop(pixels, moved.astype(np.float32), photo.is_ignored))


_LEAST_PX = 7.0
"""A smaller face is neither to be found nor to be missed."""


def _clipped(crop: _Crop) -> _Crop:
    """A crop whose boxes end at its edges; those that show too little of their face are ignored."""
    height, width = crop.pixels.shape[:2]
    limits = np.array([width, height, width, height], np.float32)
    boxes = np.clip(crop.boxes, 0, limits)
    whole, shown = (np.prod((b[:, 2:] - b[:, :2]).clip(0), axis=1) for b in (crop.boxes, boxes))
    is_ignored = crop.is_ignored | (shown < _MOST_OUTSIDE * whole) | (whole < _LEAST_PX**2)
    there = shown > 1
    return _Crop(crop.pixels, boxes[there], is_ignored[there])


def in_other_light(pixels: Pixels, config: CropConfig, random: Random) -> Pixels:
    """An image, ``uint8 (S, S, 3)``, lighter or darker, with other colours, noise, blur or JPEG."""

    def happens(share: float) -> bool:
        return bool(random.random() < share * config.light)

    values = _relit(pixels.astype(np.float32), happens, random)
    image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if happens(0.12):
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.6)))
    if happens(0.2):
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=int(random.integers(25, 85)))
        image = Image.open(stream)
    return np.asarray(image)


def _relit(
    values: npt.NDArray[np.float32], happens: Callable[[float], bool], random: Random
) -> npt.NDArray[np.float32]:
    if happens(0.7):
        values = values * random.uniform(0.65, 1.3) + random.uniform(-20, 20)
    if happens(0.4):
        mean = values.mean()
        values = (values - mean) * random.uniform(0.5, 1.4) + mean
    if happens(0.3):
        grey = values.mean(axis=2, keepdims=True)
        values = grey + (values - grey) * random.uniform(0, 1.8)
    if happens(0.3):
        values = values * random.uniform(0.8, 1.2, (1, 1, 3)).astype(np.float32)
    if happens(0.12):
        dim = random.uniform(0.25, 1) if random.random() < 0.4 else 1.0
        exponent = np.float32(random.uniform(0.5, 2.2))
        values = np.float32(255 * dim) * np.power(values.clip(0, 255) / 255, exponent)
    if happens(0.1):
        noise = random.normal(0, random.uniform(2, 14), values.shape)
        values = values + noise.astype(np.float32)
    return values


def _filled(boxes: Boxes) -> Tensor:
    filled = torch.zeros(MAX_FACES, 4)
    filled[: len(boxes)] = torch.from_numpy(boxes[:MAX_FACES])
    return filled
