"""Answers over HTTP; see `server.serve`. Nothing heavy is imported here."""

from pathlib import Path

from msgspec import Struct

from facecover.images import MAX_PIXELS

PAGE_FOLDER = Path(__file__).parent / "page"
"""Where `make page` builds the page for the browser, and a wheel holds it."""

HOST, PORT = "127.0.0.1", 8000

MAX_UPLOAD_MB = 64
"""A request with more is refused: one photo as large as any that `predict` reads from a stream."""

MAX_WAITING = 256
"""Photos that wait for their answers in a process; at a few milliseconds each, about a second. Of
photos whose faces are to be found, an eighth as many, which takes as long."""

TIMEOUT_SECONDS = 30.0
"""Of an answer, from the last byte of its request."""


class Settings(Struct, frozen=True, kw_only=True):
    """What a serving process needs to know; the same for each.

    Attributes:
        model: as of `Classifier`, likewise `threads`, `threshold` and `uncertain_band`.
        detector: finds the faces of a photo: a detector's model file, or the name of one in the
            package; None takes the package's, if it has one.
        max_pixels: that one photo may have once it is reduced.
        api_key_file: keys, one a line; None answers anybody.
        cors_origins: whose pages may ask; none by default.
    """

    model: str | None = None
    detector: str | None = None
    threads: int | None = None
    threshold: float | None = None
    uncertain_band: tuple[float, float] | None = None
    every_pixel: bool = False
    max_pixels: int = MAX_PIXELS
    api_key_file: Path | None = None
    cors_origins: tuple[str, ...] = ()
    max_upload_bytes: int = MAX_UPLOAD_MB * 2**20
    max_waiting: int = MAX_WAITING
    timeout_seconds: float = TIMEOUT_SECONDS
