"""The network that finds faces in a photo: one stage, no anchors, maps of strides 8, 16 and 32.

Blocks are depthwise-separable (Howard et al. 2017) with residual connections, joined by a feature
pyramid and a path back down (Lin et al. 2017, Liu et al. 2018); each cell gives one box and one
score (Tian et al. 2019).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from facecover.training.detector_config import DetectorConfig

STRIDES = (8, 16, 32)
"""Pixels from one cell to the next, on each map; heights and widths are multiples of the last."""

_MEAN, _SCALE = 0.45, 0.25
"""Of photos, about: bytes over 255, less the mean, over the scale, are what the network sees."""

_SURE_OF_NONE = -4.6
"""The logit of 1 in 100: at first nearly every cell should say that it holds no face."""

_LOG_SIDES = (-4.0, 5.0)
"""Bounds of the logarithm of a side over twice the stride, so that no box is infinite."""


class Cells(NamedTuple):
    """What the cells of all maps say, maps of small strides first.

    Attributes:
        logits: of a face, ``float32 (B, M)``.
        boxes: x0, y0, x1, y1 in pixels of the input, ``float32 (B, M, 4)``.
        centres: x and y of each cell, ``float32 (M, 2)``.
    """

    logits: Tensor
    boxes: Tensor
    centres: Tensor


def _convolution(
    inputs: int,
    outputs: int,
    side: int = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    linear: bool = False,
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([] if linear else [nn.ReLU(inplace=True)]))


class SeparableBlock(nn.Module):
    """A depthwise convolution and a pointwise one, added to what came in where shapes agree."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = _convolution(inputs, inputs, side, stride=stride, groups=inputs)
        self.pointwise = _convolution(inputs, outputs, 1, linear=True)
        self.is_residual = inputs == outputs and stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        """``float32 (B, outputs, H, W)``, divided by the stride."""
        new = self.pointwise(self.depthwise(maps))
        return relu(maps + new if self.is_residual else new)


def _stage(first: nn.Module, channels: int, blocks: int, side: int) -> nn.Sequential:
    return nn.Sequential(first, *(SeparableBlock(channels, channels, side) for _ in range(blocks)))


class FaceDetector(nn.Module):
    """Scores and boxes of faces.

    Args:
        config: widths and depths.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        stem, quarter, *wide = config.channels
        few, *deep = config.blocks
        far = config.filter_px
        self.stem = _convolution(3, stem, stride=2)
        self.quarter = _stage(_convolution(stem, quarter, stride=2), quarter, few, 3)
        self.stages = nn.ModuleList(
            [
                _stage(_convolution(quarter, wide[0], stride=2), wide[0], deep[0], 3),
                _stage(SeparableBlock(wide[0], wide[1], far, 2), wide[1], deep[1], far),
                _stage(SeparableBlock(wide[1], wide[2], far, 2), wide[2], deep[2], far),
            ]
        )
        neck = config.neck
        self.lateral = nn.ModuleList(_convolution(channels, neck, 1) for channels in wide)
        self.up = nn.ModuleList(SeparableBlock(neck, neck) for _ in range(2))
        self.down = nn.ModuleList(SeparableBlock(neck, neck, stride=2) for _ in range(2))
        self.out = nn.ModuleList(SeparableBlock(neck, neck) for _ in range(2))
        self.heads = nn.ModuleList(
            nn.Sequential(SeparableBlock(neck, neck), SeparableBlock(neck, neck)) for _ in STRIDES
        )
        predictions = [nn.Conv2d(neck, 5, 1) for _ in STRIDES]
        self.predictions = nn.ModuleList(predictions)
        for prediction in predictions:
            nn.init.normal_(prediction.weight, std=0.01)
            prediction.bias = nn.Parameter(torch.tensor([_SURE_OF_NONE, 0.0, 0.0, 0.0, 0.0]))

    def forward(self, images: Tensor) -> list[Tensor]:
        """A map for each stride, ``float32 (B, 5, H / s, W / s)``; see `cells` for its meaning.

        Args:
            images: ``uint8 (B, 3, H, W)``, RGB.
        """
        maps = self.quarter(self.stem((images.float() / 255 - _MEAN) / _SCALE))
        found = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            maps = stage(maps)
            found.append(lateral(maps))
        near, middle, far = found
        middle = self.up[0](middle + _doubled(far))
        near = self.up[1](near + _doubled(middle))
        middle = self.out[0](middle + self.down[0](near))
        far = self.out[1](far + self.down[1](middle))
        heads = zip(self.heads, self.predictions, (near, middle, far), strict=True)
        return [prediction(head(maps)) for head, prediction, maps in heads]


def count_parameters(network: nn.Module) -> int:
    """Numbers learned."""
    return sum(weights.numel() for weights in network.parameters())


def _doubled(maps: Tensor) -> Tensor:
    return interpolate(maps, scale_factor=2.0, mode="nearest")


def cells(maps: list[Tensor]) -> Cells:
    """Boxes and scores of the maps of a `FaceDetector`.

    A map's channels are the logit of a face; the box's middle, in strides from the cell's; and the
    logarithms of its width and height in double strides.
    """
    logits, boxes, centres = [], [], []
    for stride, values in zip(STRIDES, maps, strict=True):
        height, width = values.shape[2:]
        y = torch.arange(height, device=values.device)
        x = torch.arange(width, device=values.device)
        grid = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=2)
        centre = (grid.reshape(-1, 2) + 0.5) * stride
        rows = values.flatten(2).transpose(1, 2).float()
        middle = centre + rows[..., 1:3] * stride
        half = torch.exp(rows[..., 3:5].clamp(*_LOG_SIDES)) * stride
        logits.append(rows[..., 0])
        boxes.append(torch.cat([middle - half, middle + half], dim=2))
        centres.append(centre)
    return Cells(torch.cat(logits, 1), torch.cat(boxes, 1), torch.cat(centres))


class FromPhoto(nn.Module):
    """The detector as its model file has it: one photo as it lies in an array.

    Args:
        detector: what finds the faces.
    """

    def __init__(self, detector: FaceDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes, ``float32 (M, 4)``, and scores, ``float32 (M,)``, 0..1, of every cell.

        Args:
            images: ``uint8 (1, H, W, 3)``, RGB.
        """
        found = cells(self.detector(images.permute(0, 3, 1, 2)))
        return found.boxes[0], found.logits[0].sigmoid()
