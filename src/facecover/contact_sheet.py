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
        title: below it, cut to the tile's width; may be empty.
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
        tiles: in reading order; each is drawn as it comes, so that a generator keeps memory flat
            but for the sheet itself.
        columns: pictures in a row; fewer where there are fewer.
        tile_px: the side of the square that each picture is fitted into.

    Raises:
        ValueError: if there is no picture, or the columns or the side are under 1.
    """
    if columns < 1 or tile_px < 1:
        raise ValueError(f"expected columns and tile_px of 1 and more, found {columns}, {tile_px}")
    font = ImageFont.load_default(size=11)
    rows: list[Image.Image] = []
    row = _blank_row(columns, tile_px)
    place = 0
    for count, tile in enumerate(tiles):
        place = count % columns
        if place == 0:
            row = _blank_row(columns, tile_px)
            rows.append(row)
        _draw(row, place, tile, tile_px, font)
    if not rows:
        raise ValueError("expected at least one picture for a contact sheet, found none")
    width = row.width if len(rows) > 1 else (place + 1) * (tile_px + _GAP_PX) + _GAP_PX
    sheet = Image.new("RGB", (width, len(rows) * row.height + _GAP_PX), _PAPER)
    for number, one in enumerate(rows):
        sheet.paste(one, (0, number * row.height))
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


def _blank_row(columns: int, tile_px: int) -> Image.Image:
    width = columns * (tile_px + _GAP_PX) + _GAP_PX
    return Image.new("RGB", (width, tile_px + _TITLE_PX + _GAP_PX), _PAPER)


def _draw(
    row: Image.Image,
    place: int,
    tile: SheetTile,
    tile_px: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    left, top = _GAP_PX + place * (tile_px + _GAP_PX), _GAP_PX
    brush = ImageDraw.Draw(row)
    corner = (left + tile_px - 1, top + tile_px - 1)
    brush.rectangle(((left, top), corner), fill=ImageColor.getrgb(tile.colour))
    inside = tile_px - 2 * _EDGE_PX
    image = _fitted(tile.image.convert("RGB"), inside)
    row.paste(
        image,
        (left + (tile_px - image.width) // 2, top + (tile_px - image.height) // 2),
    )
    if tile.title:
        title = _shortened(tile.title, tile_px, brush, font)
        brush.text((left, top + tile_px + 1), title, fill=_INK, font=font)


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
