"""The page at /: files that were built into the package, each at its own address."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from facecover.serving import PAGE_FOLDER
from facecover.serving.problems import Refusal

_HEADERS = {
    "Cache-Control": "no-cache",  # asked for again, by its ETag
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


def page_routes(folder: Path = PAGE_FOLDER) -> list[Route]:
    """A route for each file, and / for the page; a hint there where nothing was built."""
    if not (folder / "index.html").is_file():
        return [Route("/", _not_built)]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    routes = [_route("/" + path.relative_to(folder).as_posix(), path) for path in files]
    return [_route("/", folder / "index.html"), *routes]


def _route(address: str, path: Path) -> Route:
    async def send(_: Request) -> Response:
        return FileResponse(path, headers=_HEADERS)

    return Route(address, send)


async def _not_built(_: Request) -> Response:
    raise Refusal(
        404, "the page is not part of this installation; /openapi.json lists what there is"
    )
