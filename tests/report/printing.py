"""Sections as a terminal of a width shows them."""

import io

from rich.console import Console

from facecover.report.blocks import Section
from facecover.report.terminal import render


def printed(*sections: Section, width: int = 80) -> str:
    """What is printed, without colours."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None)
    for part in render(sections):
        console.print(part)
    return stream.getvalue()
