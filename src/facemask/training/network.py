"""A network as a PyTorch module, built from the table and an experiment's choices."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from facemask.training.config import NetworkConfig
from facemask.training.face_locator import FaceLocator, two_looks
from facemask.training.networks import NETWORKS, NetworkSpec, ResidualSpec
from facemask.training.residual import MapMean, ResidualBlock, conv_norm

_HEAD_STD = 0.01
"""Of the last layer's first weights: the first logits are near zero, so the first loss is near
log(classes) and the first steps stay small, which a deep network without batch normalisation
needs at a learning rate of 1e-3."""


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of R, G and B over the training images, 0..1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Normalise(nn.Module):
    """Pixels to numbers around zero, on whatever device the images are.

    Args:
        normalisation: of the training images.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, normalisation: Normalisation) -> None:
        super().__init__()
        for name, values in (("mean", normalisation.mean), ("std", normalisation.std)):
            self.register_buffer(name, torch.tensor(values).mul(255).reshape(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, S, S)``, RGB, 0..255, as ``float32 (N, 3, S, S)``, near mean 0 and std 1."""
        return (images.to(torch.float32) - self.mean) / self.std


class Network(nn.Module):
    """A convolutional network that takes pixels and gives logits.

    Its weights are drawn from PyTorch's global random state.

    Args:
        config: the network's name and sizes.
        normalisation: of the training images.
        n_classes: the number of logits.
    """

    def __init__(self, config: NetworkConfig, normalisation: Normalisation, n_classes: int) -> None:
        super().__init__()
        self.input_size_px, self.look_size_px = config.input_size_px, config.look_px
        self.normalise = Normalise(normalisation)
        self.layers = nn.Sequential(_layers(config, n_classes))
        _draw_weights(self.layers)
        self.locator = None if config.look_size_px is None else FaceLocator().requires_grad_(False)
        # A quarter faster to train on a CPU, and the order that a GPU's convolutions prefer.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in stubs

    def forward(self, images: Tensor) -> Tensor:
        """Logits, ``float32 (N, C)``, for images, ``(N, 3, S, S)``, RGB, 0..255 of any dtype.

        Of two looks at an image they are the mean.
        """
        if self.locator is None:
            return self.look(images)
        looks = two_looks(self.locator, images.to(torch.float32), self.look_size_px)
        logits = self.look(looks)
        return logits.reshape(2, -1, logits.shape[1]).mean(dim=0)

    def look(self, images: Tensor) -> Tensor:
        """Logits, ``float32 (N, C)``, for what a single look sees, ``(N, 3, s, s)``, 0..255."""
        logits: Tensor = self.layers(self.normalise(images))
        return logits


def _layers(config: NetworkConfig, n_classes: int) -> OrderedDict[str, nn.Module]:
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


def _draw_weights(layers: nn.Sequential) -> None:
    """Kaiming's normal weights for ReLU (He et al. 2015); biases start at zero."""
    for layer in layers.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=_HEAD_STD)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
