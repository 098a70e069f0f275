"""Many small pictures as one: each with a title and a coloured edge."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from facecover.images import png_text

_GAP_PX = 8
_EDGE_PX = 3
_TITLE_PX = 16
_PAPER, _INK = "#ffffff", "#222222"


@dataclass(frozen=True, slots=True)
class SheetTile:
    """One picture of a contact sheet.

    Attributes:
        image: what is shown; it is fitted into the tile, small ones are enlarged.
        title: below it, one line or more, each cut to the tile's width; may be empty.
        colour: of the edge, as ``#rrggbb``.
    """

    image: Image.Image
    title: str = ""
    colour: str = "#999999"


def contact_sheet(
    tiles: Iterable[SheetTile], *, columns: int = 8, tile_px: int = 128
) -> Image.Image:
    """The pictures side by side, row by row, as one RGB image.

    Args:
        tiles: in reading order; of a generator's, each picture is let go when it is drawn.
        columns: pictures in a row; fewer where there are fewer.
        tile_px: the side of the square that each picture is fitted into.

    Raises:
        ValueError: if there is no picture, or the columns or the side are under 1.
    """
    if columns < 1 or tile_px < 1:
        raise ValueError(f"expected columns and tile_px of 1 and more, found {columns}, {tile_px}")
    font = ImageFont.load_default(size=11)
    cells = [_drawn(tile, tile_px, font) for tile in tiles]
    if not cells:
        raise ValueError("expected at least one picture for a contact sheet, found none")
    across, down = min(columns, len(cells)), -(-len(cells) // columns)
    step_x, step_y = tile_px + _GAP_PX, max(cell.height for cell in cells) + _GAP_PX
    sheet = Image.new("RGB", (across * step_x + _GAP_PX, down * step_y + _GAP_PX), _PAPER)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        sheet.paste(cell, (_GAP_PX + column * step_x, _GAP_PX + row * step_y))
    return sheet


_SOFTWARE = ("facecover contact sheet", "facemask contact sheet")
"""What stands in each sheet under `Software`; last what the package wrote by its former name."""


def save_sheet(sheet: Image.Image, path: Path) -> None:
    """Write a contact sheet as a PNG file that `is_sheet` knows again."""
    made_by = PngInfo()
    made_by.add_text("Software", _SOFTWARE[0])
    sheet.save(path, "PNG", pnginfo=made_by)


def is_sheet(path: Path) -> bool:
    """Whether a file is a contact sheet that `save_sheet` wrote.

    Raises:
        ImageError: if it cannot be read.
    """
    return png_text(path, "Software") in _SOFTWARE


def _drawn(
    tile: SheetTile, tile_px: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> Image.Image:
    """The picture in its edge, the title below it."""
    lines = tile.title.split("\n")
    cell = Image.new("RGB", (tile_px, tile_px + _TITLE_PX * len(lines)), _PAPER)
    brush = ImageDraw.Draw(cell)
    corner = (tile_px - 1, tile_px - 1)
    brush.rectangle(((0, 0), corner), fill=ImageColor.getrgb(tile.colour))
    image = _fitted(tile.image.convert("RGB"), tile_px - 2 * _EDGE_PX)
    cell.paste(image, ((tile_px - image.width) // 2, (tile_px - image.height) // 2))
    for number, line in enumerate(lines):
        text = _shortened(line, tile_px, brush, font)
        brush.text((0, tile_px + 1 + number * _TITLE_PX), text, fill=_INK, font=font)
    return cell


def _fitted(image: Image.Image, side_px: int) -> Image.Image:
    scale = side_px / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR)


def _shortened(
    text: str,
    width_px: int,
    brush: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> str:
    """The text, its middle left out until it fits: file names differ at both ends."""
    text = "".join(char if char.isprintable() else "?" for char in text)
    shown, keep = text, len(text)
    while keep > 1 and brush.textlength(shown, font=font) > width_px:
        keep -= 1
        half = keep // 2
        shown = f"{text[: keep - half]}…{text[len(text) - half :] if half else ''}"
    return shown
