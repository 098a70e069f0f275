"""A network's layer table for the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from facemask.inference.model_info import NetworkFacts
from facemask.report.words import large, shape


def network_text(network: NetworkFacts) -> RenderableType:
    """Layers, parameters, multiply-accumulates, receptive field, and the share of the budget."""
    table = Table(title=f"{network.name}, input {shape((network.input_size_px,) * 2)} RGB")
    table.add_column("layer")
    table.add_column("kind")
    for heading in ("output", "parameters", "multiply-accumulates", "sees (px)"):
        table.add_column(heading, justify="right")
    for layer in network.layers:
        table.add_row(
            layer.name,
            layer.kind,
            shape(layer.output_shape),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.macs:,}" if layer.macs else "",
            str(layer.receptive_field_px),
        )
    total = (
        f"{network.parameters:,} parameters, {network.share_of_budget:.1%} of the budget of "
        f"{network.budget:,}; {large(network.macs)} multiply-accumulates an image"
    )
    return Group(table, Text(total))
