"""What networks are made of: layers by kind of network, blocks, and the closer look at the face.

A block that is more than its layers tells the table of layers its ``kind`` in words, and the
``path`` along which it sees.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn, relu
from torch.nn.functional import conv2d, interpolate, pad

from facecover.training.architectures import NETWORKS, NetworkSpec, ResidualSpec
from facecover.training.config import NetworkConfig

_REDUCTION = 4
"""How many times fewer channels squeeze-excite works in. Hu et al. take 16, for ten times wider
networks."""


def conv_norm(channels: int, wider: int, filter_px: int, *, stride: int = 1) -> nn.Sequential:
    """A convolution and batch normalisation (Ioffe and Szegedy 2015), which holds its bias."""
    padding = filter_px // 2
    return nn.Sequential(
        nn.Conv2d(channels, wider, filter_px, stride, padding, bias=False), nn.BatchNorm2d(wider)
    )


class MapMean(nn.Module):
    """The mean of each channel's map; exported as one step, which PyTorch's pooling is not."""

    kind = "mean over the map"

    def forward(self, maps: Tensor) -> Tensor:
        """``float32 (N, C, 1, 1)`` of ``float32 (N, C, H, W)``."""
        return maps.mean(dim=(2, 3), keepdim=True)


class Averaging(nn.Module):
    """The means of ``side_px x side_px`` values: an average pooling, as a convolution.

    ONNX Runtime takes a quarter of the time for it, and PyTorch, forth and back, under a half.

    Args:
        side_px: of what is averaged, and of the step to the next.
    """

    def __init__(self, side_px: int) -> None:
        super().__init__()
        self.side_px = side_px

    def forward(self, maps: Tensor) -> Tensor:
        """``float32 (N, C, H / side_px, W / side_px)`` of ``float32 (N, C, H, W)``."""
        channels, side_px = maps.shape[1], self.side_px
        weights = maps.new_full((channels, 1, side_px, side_px), 1 / side_px**2)
        return conv2d(maps, weights, stride=side_px, groups=channels)


class Blur(nn.Module):
    """Each map averaged over 3 x 3 values, by how far they are: 1, 2, 1 either way (Zhang 2019).

    A convolution that takes every other value of what it sees answers other things when a face
    moves by a pixel, which a blur before it is meant to soften. Beyond its edges a map goes on with
    their values.

    Args:
        channels: of its input, which are those of its output.
    """

    macs_a_value = 9
    weights: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.path = (nn.MaxPool2d(3, 1),)  # sees as far as one
        line = torch.tensor([0.25, 0.5, 0.25])
        weights = torch.outer(line, line).repeat(channels, 1, 1, 1)
        # Nothing is learned, so files of weights need not hold them.
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """``float32 (N, C, H, W)``, as the input."""
        larger = pad(maps, (1, 1, 1, 1), mode="replicate")
        return conv2d(larger, self.weights.to(maps.dtype), groups=len(self.weights))


class SqueezeExcite(nn.Module):
    """Each channel times a share that depends on the means of all (Hu et al. 2018).

    Args:
        channels: of its input, which are those of its output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        fewer = channels // _REDUCTION
        self.shares = nn.Sequential(
            MapMean(),
            nn.Conv2d(channels, fewer, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(fewer, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """``float32 (N, C, H, W)``, as the input."""
        shares: Tensor = self.shares(maps)
        return maps * shares


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, added to the input (He et al. 2016).

    Where the shape changes, the input is averaged over 2 x 2 pixels and mixed by a 1 x 1
    convolution: a stride alone would leave out three of four pixels (He et al. 2019, ResNet-D).

    Args:
        channels: of the input.
        wider: of the output.
        stride: 1, or 2 to halve height and width.
        squeeze_excite: whether channels are weighed before they are added.
        antialias: whether maps are blurred before they are halved, see `Blur`.
    """

    def __init__(
        self,
        channels: int,
        wider: int,
        stride: int,
        *,
        squeeze_excite: bool = False,
        antialias: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.blur = Blur(channels) if antialias and stride > 1 else nn.Identity()
        self.first = conv_norm(channels, wider, 3, stride=stride)
        self.second = conv_norm(wider, wider, 3)
        self.excite = SqueezeExcite(wider) if squeeze_excite else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != wider:
            smaller = [Averaging(stride)] if stride > 1 else []
            self.shortcut = nn.Sequential(*smaller, conv_norm(channels, wider, 1))

    @property
    def path(self) -> tuple[nn.Module, ...]:
        """What it sees through, first to last."""
        return self.blur, self.first, self.second

    @property
    def kind(self) -> str:
        """It in words."""
        excite = ", squeeze-excite" if isinstance(self.excite, SqueezeExcite) else ""
        blur = "blur, " if isinstance(self.blur, Blur) else ""
        return f"residual block 3 x 3, {blur}stride {self.stride}{excite}"

    def forward(self, maps: Tensor) -> Tensor:
        """``float32 (N, C, H, W)``; H and W are those of the input over the stride."""
        learned = self.excite(self.second(torch.relu(self.first(self.blur(maps)))))
        return torch.relu(self.shortcut(maps) + learned)


def layers_of(config: NetworkConfig, n_classes: int) -> OrderedDict[str, nn.Module]:
    """The layers of a network by name, from the normalised image to the logits."""
    spec = NETWORKS[config.name]
    if isinstance(spec, ResidualSpec):
        return _residual_layers(spec, config, n_classes)
    return _plain_layers(spec, config, n_classes)


def _plain_layers(
    spec: NetworkSpec, config: NetworkConfig, n_classes: int
) -> OrderedDict[str, nn.Module]:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, number = 3, 0
    filter_px: int = config.first_filter_px
    stages = spec.with_convolutions(config.convolutions or spec.convolutions)
    for stage, widths in enumerate(stages, start=1):
        for width in widths:
            number += 1
            wider = max(1, round(width * config.width))
            layers[f"conv{number}"] = nn.Conv2d(channels, wider, filter_px, padding="same")
            layers[f"relu{number}"] = nn.ReLU(inplace=True)
            channels, filter_px = wider, spec.filter_px
        if stage < len(stages):
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    if config.dropout:
        layers["dropout"] = nn.Dropout(config.dropout)
    side_px = config.look_px // 2**spec.halvings
    layers["linear"] = nn.Linear(channels * side_px**2, n_classes)
    return layers


def _residual_layers(
    spec: ResidualSpec, config: NetworkConfig, n_classes: int
) -> OrderedDict[str, nn.Module]:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = _in_eights(spec.stem * config.width)
    layers["stem"] = conv_norm(3, channels, config.first_filter_px, stride=2)
    layers["relu"] = nn.ReLU(inplace=True)
    for number, (width, stride) in enumerate(spec.blocks, start=1):
        wider = _in_eights(width * config.width)
        layers[f"block{number}"] = ResidualBlock(
            channels,
            wider,
            stride,
            squeeze_excite=config.squeeze_excite,
            antialias=config.antialias,
        )
        channels = wider
    layers["mean"] = MapMean()
    layers["flatten"] = nn.Flatten()
    if config.dropout:
        layers["dropout"] = nn.Dropout(config.dropout)
    layers["linear"] = nn.Linear(channels, n_classes)
    return layers


def _in_eights(channels: float) -> int:
    """Processors work on eight channels at once; others would be filled up with nothing."""
    return max(8, 8 * round(channels / 8))


SIDE_PX = 48
"""Of the image that the face is looked for in."""

_MARGIN = 1.5
"""The height of the closer look in heights of the face. Of 1.3, 1.6 and 2 the last was the worst on
two of three sources left out, and the others were alike."""

_WIDER = 1.1
"""The width, in widths of the face, over the margin: a box's face is stretched less in it. Chosen,
not tuned."""

_LEAST = 0.1
"""The sides of a closer look, in sides of the image, at the least."""

_MIRRORED = (1.0, 0.0, 0.0, 1.0)
"""The whole image from right to left, so that the two looks differ where the face fills the image.
It costs nothing, and of nine networks on sources that they had not seen, none got worse by it."""


class FaceLocator(nn.Module):
    """Says where a face is. One that has learned nothing says that it is the whole image.

    A network that has learned the framing of its photos answers better when it sees the face as it
    would come from a box, besides the whole. To crop a face inside a network by what another part
    of it says is Jaderberg et al.'s spatial transformer (2015); here the crop is learned from
    boxes, not from the labels.
    """

    kind = f"face locator, sees {SIDE_PX} x {SIDE_PX}; two looks follow"

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_norm(3, 16, 5, stride=2),
            nn.ReLU(),
            ResidualBlock(16, 24, 2),
            ResidualBlock(24, 40, 2),
            ResidualBlock(40, 40, 1),
            ResidualBlock(40, 64, 2),
            nn.Flatten(),
            nn.Linear(64 * (SIDE_PX // 16) ** 2, 128),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.last = nn.Linear(128, 5)
        nn.init.zeros_(self.last.weight)
        self.last.bias = nn.Parameter(torch.tensor([0.5, 0.5, 1.0, 1.0, 0.0]))

    def forward(self, images: Tensor) -> Tensor:
        """What it says of images, ``float32 (n, 3, 48, 48)``, RGB, 0..1.

        Returns:
            ``float32 (n, 5)``: the middle of the face across and down, its width and height, in
            sides of the image; and the logarithm of the error that it expects.
        """
        answers: Tensor = self.last(self.layers(images))
        return answers


def two_looks(locator: FaceLocator, images: Tensor, side_px: int) -> Tensor:
    """Each image whole, mirrored, and from closer.

    Args:
        locator: says where the faces are.
        images: ``float32 (N, 3, S, S)``, RGB, 0..255.
        side_px: of the looks, s.

    Returns:
        ``float32 (2N, 3, s, s)``, the whole images first.
    """
    closer = closer_look(locator(_small(images) / 255))
    whole = torch.tensor([_MIRRORED], device=images.device)
    return torch.cat([cropped(images, part, side_px) for part in (whole, closer)])


def closer_look(answers: Tensor) -> Tensor:
    """The part of each image to look at again, by what a locator says.

    Args:
        answers: from `FaceLocator`, ``float32 (n, 5)``.

    Returns:
        x0, y0, x1, y1 in shares of the side, inside the image: ``float32 (n, 4)``.
    """
    middle, size = answers[:, :2].clamp(0, 1), answers[:, 2:4].clamp(min=_LEAST)
    half = size * torch.tensor([_MARGIN * _WIDER, _MARGIN], device=answers.device) / 2
    return torch.cat([middle - half, middle + half], dim=1).clamp(0, 1)


def cropped(images: Tensor, parts: Tensor, side_px: int) -> Tensor:
    """Parts of images, interpolated between pixels.

    `locator_training.cut_out` does the same with a sampling grid, faster in PyTorch; but in an
    ONNX file its grids took 1.9 ms an image. Along each side a value is a sum of two pixels, so two
    products of matrices do it, in 0.1 ms, and every runtime knows them.

    Args:
        images: ``float32 (n, 3, S, S)``.
        parts: as `closer_look` gives them; one whose x0 is more than its x1 comes out mirrored.
        side_px: of what comes out, s.

    Returns:
        ``float32 (n, 3, s, s)``.
    """
    across, down = _weights(parts, images.shape[-1], side_px).unsqueeze(2).unbind(dim=1)
    return down @ images @ across.transpose(2, 3)


def _weights(parts: Tensor, pixels: int, side_px: int) -> Tensor:
    """How much of each pixel of a line is in each that comes out, across and down.

    ``float32 (n, 2, side_px, pixels)``.
    """
    low, high = parts[:, :2, None], parts[:, 2:, None]
    steps = (torch.arange(side_px, device=parts.device) + 0.5) / side_px
    # Beyond the middle of its first and last pixel an image goes on with their colours.
    at = ((low + (high - low) * steps) * pixels - 0.5).clamp(0, pixels - 1)
    return relu(1 - (at.unsqueeze(3) - torch.arange(pixels, device=parts.device)).abs())


def _small(images: Tensor) -> Tensor:
    side_px = images.shape[-1]
    if side_px % SIDE_PX == 0:
        small: Tensor = Averaging(side_px // SIDE_PX)(images)
        return small
    return interpolate(images, (SIDE_PX, SIDE_PX), mode="bilinear")
