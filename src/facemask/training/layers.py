"""A network's layer table: shapes, parameters, multiply-accumulates and receptive fields."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from facemask.errors import ConfigError
from facemask.inference.model_info import LayerFacts, NetworkFacts
from facemask.training.config import NetworkConfig
from facemask.training.face_locator import SIDE_PX, FaceLocator
from facemask.training.network import Network, Normalisation
from facemask.training.residual import Blur, MapMean, ResidualBlock, SqueezeExcite

_ANY_COLOURS = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def describe_network(config: NetworkConfig, n_classes: int = 2) -> NetworkFacts:
    """A network's layers and costs, counted on the module itself without making its weights.

    Args:
        config: the network's name and sizes.
        n_classes: the number of logits.
    """
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
        """What is seen after a layer; of a residual block, along its two convolutions.

        Squeeze-excite, which weighs whole channels by what all pixels hold, does not count.
        """
        if isinstance(layer, ResidualBlock):
            return self.through(layer.blur).through(layer.first).through(layer.second)
        if isinstance(layer, nn.Sequential):
            return self.through(layer[0])
        if isinstance(layer, Blur):
            return _Sight(self.side_px + 2 * self.step_px, self.step_px)
        if not isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            return self
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
    if isinstance(layer, nn.Conv2d):
        return f"convolution {layer.kernel_size[0]} x {layer.kernel_size[1]}, ReLU"
    if isinstance(layer, nn.Sequential) and isinstance(layer[0], nn.Conv2d):
        side, stride = layer[0].kernel_size[0], layer[0].stride[0]
        return f"convolution {side} x {side}, stride {stride}, batch normalisation, ReLU"
    if isinstance(layer, ResidualBlock):
        excite = ", squeeze-excite" if isinstance(layer.excite, SqueezeExcite) else ""
        blur = "blur, " if isinstance(layer.blur, Blur) else ""
        return f"residual block 3 x 3, {blur}stride {layer.stride}{excite}"
    if isinstance(layer, FaceLocator):
        return f"face locator, sees {SIDE_PX} x {SIDE_PX}; two looks follow"
    if isinstance(layer, MapMean):
        return "mean over the map"
    if isinstance(layer, nn.MaxPool2d):
        side = _first(layer.kernel_size)
        return f"maximum pooling {side} x {side}"
    if isinstance(layer, nn.Dropout):
        return f"dropout {layer.p:g}"
    return "fully connected"


def _macs(layer: nn.Module, values: Tensor) -> int:
    """Every output value of a layer with weights takes one per weight that it is made with."""
    if isinstance(layer, Blur):
        return values[0].numel() * layer.weights[0].numel()
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        return 0
    return values[0].numel() * math.prod(layer.weight.shape[1:])
