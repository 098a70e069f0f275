"""A contact sheet of answered photos."""

from pathlib import Path

from PIL.PngImagePlugin import PngInfo

from facemask.contact_sheet import SheetTile, contact_sheet
from facemask.errors import ConfigError, ImageError, shown
from facemask.files import check_own_file, written_file
from facemask.images import read_photo
from facemask.inference.inputs.answered import Answered

MAX_TILES = 400
"""Photos on one sheet: 50 rows, a picture of about 1,100 x 7,700 pixels."""

_TILE_PX = 128
_MADE_BY = "facemask contact sheet"
"""Stands in each sheet, so that a photo is not taken for an earlier one."""

_COLOURS = {"mask": "#0072b2", "no_mask": "#d55e00", "incorrect_mask": "#a8518a"}
_UNCERTAIN_COLOUR = "#999999"


class Sheet:
    """Collects the first `MAX_TILES` photos, as small as they are shown, and writes them.

    Args:
        path: the PNG file to write.

    Raises:
        ConfigError: if the name does not end in ``.png``.
        OutputError: if a picture that is no sheet stands there.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() != ".png":
            raise ConfigError(f"--sheet {shown(path)}: expected a name that ends in .png")
        check_own_file(path, _MADE_BY.encode(), "a contact sheet")
        self._path = path
        self._tiles: list[SheetTile] = []

    def add(self, answered: Answered) -> None:
        """Take one photo, if there is room."""
        if self.is_full:
            return
        try:
            image = read_photo(answered.photo.source, at_least_px=2 * _TILE_PX).image
        except ImageError:  # it was there when it was answered
            return
        image.thumbnail((_TILE_PX, _TILE_PX))
        given = answered.prediction
        colour = _UNCERTAIN_COLOUR if given.is_uncertain else _COLOURS[given.label]
        mark = "?" if given.is_uncertain else ""
        last = answered.photo.inner.rsplit("/", maxsplit=1)[-1]
        title = f"{given.label}{mark} {given.probability:.0%} {last}"
        self._tiles.append(SheetTile(image, title, colour))

    @property
    def is_full(self) -> bool:
        """Whether no further photo finds a place."""
        return len(self._tiles) >= MAX_TILES

    def write(self) -> int:
        """Write the sheet, unless there is no photo; gives how many are on it.

        Raises:
            OutputError: if it cannot be written; what stood there before still stands.
        """
        if self._tiles:
            with written_file(self._path) as beside:
                made_by = PngInfo()
                made_by.add_text("Software", _MADE_BY)
                sheet = contact_sheet(self._tiles, tile_px=_TILE_PX)
                sheet.save(beside, "PNG", pnginfo=made_by)
        return len(self._tiles)
