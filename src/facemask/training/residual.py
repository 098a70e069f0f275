"""The block of a residual network."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

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

    weights: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
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

    def forward(self, maps: Tensor) -> Tensor:
        """``float32 (N, C, H, W)``; H and W are those of the input over the stride."""
        learned = self.excite(self.second(torch.relu(self.first(self.blur(maps)))))
        return torch.relu(self.shortcut(maps) + learned)
