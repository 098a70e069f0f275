"""Pictures and annotation files as data sets have them."""

from collections import Counter
from pathlib import Path

from PIL import Image

from facecover.sources.rows import Source


def put(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def picture(path: Path, size: tuple[int, int] = (40, 20), orientation: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(path, "JPEG", exif=exif.tobytes())
    return path


def reasons(source: Source) -> Counter[tuple[str, str]]:
    return Counter((drop.path.name, drop.reason) for drop in source.drops)
