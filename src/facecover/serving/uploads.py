"""What clients send: photos, read into memory within limits, never onto a disk."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from fastapi import Request
from msgspec import Struct
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from facecover.serving.problems import Refusal

MAX_PHOTOS = 64
"""In one request."""

UPLOAD_SECONDS = 60.0
"""For the whole body of a request."""

HELD_UPLOADS = 4
"""So many of the largest requests may be in memory, as may any number of smaller ones that are
together no larger."""

_MAX_FIELDS = 8

_EXAMPLE = "curl -F photos=@a.jpg -F photos=@b.jpg, or --data-binary @a.jpg"


class Upload(Struct, frozen=True):
    """One photo of a request.

    Attributes:
        path: its name, as the client has it; ``-`` where it is the request's body.
        content: the bytes of its file.
    """

    path: str
    content: bytes


class _InMemory(MultiPartParser):
    spool_max_size = 2**62  # the default writes parts above 1 MiB to a temporary file

    @property
    def begun(self) -> list[IO[bytes]]:
        """The files of the form, also one that the form ends in the middle of."""
        return list(self._files_to_close_on_error)


class Uploads:
    """Reads requests; counts what all of them hold in memory.

    Args:
        max_bytes: of one request.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0

    @asynccontextmanager
    async def photos(self, request: Request) -> AsyncIterator[list[Upload]]:
        """The photos of a request, which count as held until the end of the block.

        Raises:
            Refusal: 408 where they take too long, 413 where they are too large, 415 where they are
                compressed, 422 where there is none, 503 where too much is held already.
            ClientDisconnect: where the client has gone.
        """
        self._check_headers(request)
        held = 0

        async def chunks() -> AsyncGenerator[bytes, None]:
            nonlocal held
            async for chunk in request.stream():
                held += len(chunk)
                self._held += len(chunk)
                self._check_sizes(held)
                yield chunk

        try:
            try:
                async with asyncio.timeout(UPLOAD_SECONDS):
                    photos = await _read(request, chunks())
            except TimeoutError:
                raise Refusal(
                    408, f"expected the whole request within {UPLOAD_SECONDS:g} seconds"
                ) from None
            yield photos
        finally:
            self._held -= held

    def _check_headers(self, request: Request) -> None:
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Refusal(415, "expected a photo as it is, found a Content-Encoding")
        length = request.headers.get("content-length", "")
        if length.isdecimal():
            self._check_sizes(int(length))

    def _check_sizes(self, of_request: int) -> None:
        if of_request > self._max_bytes:
            raise Refusal(
                413, f"expected at most {self._max_bytes:,} bytes, found {of_request:,} or more"
            )
        if self._held > HELD_UPLOADS * self._max_bytes:
            raise Refusal(503, "too many photos are being sent; try again")


async def _read(request: Request, chunks: AsyncGenerator[bytes, None]) -> list[Upload]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        photos = await _from_form(request, chunks)
    else:  # the content decides what it is
        photos = [Upload("-", b"".join([chunk async for chunk in chunks]))]
    if not any(photo.content for photo in photos):
        raise Refusal(422, f"expected photos, found nothing; {_EXAMPLE}")
    return photos


async def _from_form(request: Request, chunks: AsyncGenerator[bytes, None]) -> list[Upload]:
    parser = _InMemory(request.headers, chunks, max_files=MAX_PHOTOS, max_fields=_MAX_FIELDS)
    try:
        form = await parser.parse()
        photos = [_upload(name, value) for name, value in form.multi_items()]
        if len(photos) != len(parser.begun):
            raise Refusal(422, "multipart/form-data: the form is cut off; send it again")
        return photos
    except MultiPartException as error:
        raise Refusal(422, f"multipart/form-data: {error.message}") from error
    finally:
        for file in parser.begun:
            file.close()


def _upload(name: str, value: UploadFile | str) -> Upload:
    if isinstance(value, str):
        raise Refusal(422, f"form field {name!r:.80}: expected files, found text; {_EXAMPLE}")
    return Upload(value.filename or "-", value.file.read())
