"""`page`: the site for the browser, written into a folder."""

from pathlib import Path
from typing import Annotated

import typer

from facecover.cli.console import show
from facecover.serving.write_page import page


def page_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make.")],
) -> None:
    """Write a web page that answers photos in the browser, without sending them anywhere."""
    folder = page(output)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    show(
        f"{folder}: {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB; put it on any web host, under "
        f"https; to try it: python -m http.server --bind 127.0.0.1 --directory {folder}"
    )
