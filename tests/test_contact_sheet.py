from pathlib import Path

import pytest
from PIL import Image

from facecover.contact_sheet import SheetTile, contact_sheet, is_sheet, save_sheet


def test_each_picture_stands_at_its_place() -> None:
    colours = ["#ff0000", "#00ff00", "#0000ff"]
    tiles = [SheetTile(Image.new("RGB", (20, 10), colour), f"photo {colour}") for colour in colours]
    sheet = contact_sheet(tiles, columns=2, tile_px=64)
    step = 64 + 8
    seen = [
        sheet.getpixel((8 + x * step + 32, 8 + y * (64 + 24) + 32))
        for x, y in ((0, 0), (1, 0), (0, 1))
    ]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_a_short_row_makes_a_narrow_sheet() -> None:
    one = contact_sheet([SheetTile(Image.new("L", (4, 4)))], columns=8, tile_px=32)
    assert one.width == 32 + 2 * 8


def test_a_long_name_is_cut_and_odd_characters_do_no_harm() -> None:
    tile = SheetTile(Image.new("P", (5, 500)), "a\n\udcffb" * 200, "#123456")
    assert contact_sheet([tile], tile_px=40).mode == "RGB"


def test_nothing_to_show_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
    with pytest.raises(ValueError, match="1 and more"):
        contact_sheet([SheetTile(Image.new("RGB", (1, 1)))], columns=0)


def test_a_sheet_is_known_by_what_its_header_says_not_by_its_bytes(tmp_path: Path) -> None:
    sheet = contact_sheet([SheetTile(Image.new("RGB", (8, 8)))])
    save_sheet(sheet, tmp_path / "ours.png")
    sheet.save(tmp_path / "theirs.png")
    (tmp_path / "notes.png").write_text("Software facecover contact sheet")
    with (tmp_path / "theirs.png").open("ab") as photo:
        photo.write(b"Software\0facecover contact sheet")
    found = [is_sheet(tmp_path / f"{name}.png") for name in ("ours", "theirs", "notes")]
    assert found == [True, False, False]
