"""`page`: the site that answers photos in the browser, for any web host."""

import shutil
from pathlib import Path

from facecover.errors import ConfigError
from facecover.files import written_folder
from facecover.serving import PAGE_FOLDER

MARKER_NAME = "facecover.webmanifest"
"""A file of the site, by which a folder is known to hold one."""


def page_folder() -> Path:
    """The folder of the built site.

    Raises:
        ConfigError: if it was not built.
    """
    if not (PAGE_FOLDER / MARKER_NAME).is_file():
        raise ConfigError(
            f"{PAGE_FOLDER}: the page is not built; run 'make page' in a checkout (it needs "
            "Node.js 20.19 or later with npm), or install a wheel that was built after that"
        )
    return PAGE_FOLDER


def page(output: str | Path) -> Path:
    """Write the site that answers photos in the browser; gives its folder.

    Args:
        output: the folder to make; a site that this function wrote before is replaced.

    Raises:
        ConfigError: if the site was not built.
        OutputError: if the folder holds something else or cannot be written.
    """
    built, folder = page_folder(), Path(output)
    holding = [path.name for path in built.iterdir()]
    with written_folder(folder, replace_if=MARKER_NAME, holding=holding) as beside:
        shutil.copytree(built, beside, dirs_exist_ok=True)
    return folder
