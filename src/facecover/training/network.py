"""A network as a PyTorch module, built from the table and an experiment's choices."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from facecover.errors import ConfigError
from facecover.inference.model_info import LayerFacts, NetworkFacts
from facecover.training.config import NetworkConfig
from facecover.training.residual_blocks import SIDE_PX, FaceLocator, MapMean, layers_of, two_looks

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
        self.layers = nn.Sequential(layers_of(config, n_classes))
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


def _draw_weights(layers: nn.Sequential) -> None:
    """Kaiming's normal weights for ReLU (He et al. 2015); biases start at zero."""
    for layer in layers.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=_HEAD_STD)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)


_ANY_COLOURS = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def describe_network(config: NetworkConfig, n_classes: int = 2) -> NetworkFacts:
    """A network's layers and costs, counted on the module itself without making its weights."""
    with torch.device("meta"):
        network = Network(config, _ANY_COLOURS, n_classes)
        values = torch.zeros(1, 3, config.look_px, config.look_px)
        small = torch.zeros(1, 3, SIDE_PX, SIDE_PX)
    layers: list[LayerFacts] = []
    sight = _Sight()
    # Batch normalisation in training wants more than one value a channel.
    network.eval()
    looks = 1
    if network.locator is not None:
        answers, macs = _counted(network.locator, small)
        layers.append(_facts("locator", network.locator, answers, macs, config.input_size_px))
        looks = 2
    for name, layer in network.layers.named_children():
        values, macs = _counted(layer, values)
        sight = sight.through(layer)
        if not isinstance(layer, nn.ReLU | nn.Flatten):
            takes_all = isinstance(layer, nn.Linear | MapMean)
            sees_all = takes_all and sight.side_px < config.look_px
            side_px = config.look_px if sees_all else sight.side_px
            layers.append(_facts(name, layer, values, looks * macs, side_px))
    return NetworkFacts(
        name=config.name,
        input_size_px=config.input_size_px,
        layers=tuple(layers),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=sum(layer.macs for layer in layers),
        receptive_field_px=sight.side_px,
        budget=config.budget,
    )


def check_budget(facts: NetworkFacts) -> None:
    """Refuse a network that is larger than its budget.

    Raises:
        ConfigError: if it has more parameters.
    """
    if facts.parameters > facts.budget:
        raise ConfigError(
            f"{facts.name}: expected at most {facts.budget:,} parameters (network.budget), found "
            f"{facts.parameters:,}; make it smaller (network.width, network.input_size_px) or "
            f"raise the budget by name: --set network.budget={facts.parameters}"
        )


@dataclass(frozen=True)
class _Sight:
    """How much of the input one value sees, and how far neighbours are apart there, in pixels.

    Follows Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks,
    Distill 2019, equation 2 read from the input on.
    """

    side_px: int = 1
    step_px: int = 1

    def through(self, layer: nn.Module) -> "_Sight":
        """What is seen after a layer; of a block, along its `path`.

        Squeeze-excite, which weighs whole channels by what all pixels hold, does not count.
        """
        seen = self
        for part in getattr(layer, "path", ()):
            seen = seen.through(part)
        if isinstance(layer, nn.Sequential):
            return self.through(layer[0])
        if not isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            return seen
        side, stride = _first(layer.kernel_size), _first(layer.stride)
        return _Sight(self.side_px + (side - 1) * self.step_px, self.step_px * stride)


def _first(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]


def _counted(layer: nn.Module, values: Tensor) -> tuple[Tensor, int]:
    """What a layer gives, and the multiply-accumulates of all that is in it."""
    macs: list[int] = []
    hooks = [
        part.register_forward_hook(lambda part, _, output: macs.append(_macs(part, output)))
        for part in layer.modules()
    ]
    try:
        return layer(values), sum(macs)
    finally:
        for hook in hooks:
            hook.remove()


def _facts(name: str, layer: nn.Module, values: Tensor, macs: int, side_px: int) -> LayerFacts:
    return LayerFacts(
        name=name,
        kind=_kind(layer),
        output_shape=tuple(values.shape[1:]),
        parameters=sum(parameter.numel() for parameter in layer.parameters()),
        macs=macs,
        receptive_field_px=side_px,
    )


def _kind(layer: nn.Module) -> str:
    """A layer in words; a block of ours says it itself."""
    if isinstance(layer, nn.Conv2d):
        return f"convolution {layer.kernel_size[0]} x {layer.kernel_size[1]}, ReLU"
    if isinstance(layer, nn.Sequential) and isinstance(layer[0], nn.Conv2d):
        side, stride = layer[0].kernel_size[0], layer[0].stride[0]
        return f"convolution {side} x {side}, stride {stride}, batch normalisation, ReLU"
    if isinstance(layer, nn.MaxPool2d):
        side = _first(layer.kernel_size)
        return f"maximum pooling {side} x {side}"
    if isinstance(layer, nn.Dropout):
        return f"dropout {layer.p:g}"
    return str(getattr(layer, "kind", "fully connected"))


def _macs(layer: nn.Module, values: Tensor) -> int:
    """Every output value of a layer with weights takes one per weight that it is made with."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        return values[0].numel() * math.prod(layer.weight.shape[1:])
    return values[0].numel() * int(getattr(layer, "macs_a_value", 0))
