"""Where a network keeps its parameters and spends its arithmetic."""

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import PercentFormatter

from facemask.inference.model_info import LayerFacts, NetworkFacts
from facemask.report.blocks import Figure
from facemask.report.drawing import legend_above
from facemask.report.picture import draw
from facemask.report.style import FIGURE_SIZE, colour


def layers_with_cost(network: NetworkFacts) -> list[LayerFacts]:
    """The layers that learn or calculate something, in order."""
    return [layer for layer in network.layers if layer.parameters or layer.macs]


def layer_figure(network: NetworkFacts) -> Figure:
    """Each layer's share of the parameters and of the multiply-accumulates."""
    layers = layers_with_cost(network)
    parameters = np.array([layer.parameters for layer in layers]) / max(network.parameters, 1)
    macs = np.array([layer.macs for layer in layers]) / max(network.macs, 1)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        rows = np.arange(len(layers))
        axes.barh(rows - 0.19, parameters, 0.36, color=colour("accent"), label="parameters")
        axes.barh(rows + 0.19, macs, 0.36, color=colour("model_4"), label="multiply-accumulates")
        axes.set_yticks(rows, [layer.name for layer in layers])
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        legend_above(figure)

    largest = layers[int(parameters.argmax())]
    busiest = layers[int(macs.argmax())]
    words = (
        f"{largest.name} holds {parameters.max():.0%} of the parameters, {busiest.name} takes "
        f"{macs.max():.0%} of the arithmetic."
    )
    size = (FIGURE_SIZE[0], max(FIGURE_SIZE[1], 0.8 + 0.33 * len(layers)))
    return Figure(
        draw(plot, f"Bars of each layer's share of parameters and arithmetic. {words}", size),
        "Cost by layer",
        words,
    )
