"""Refusals over HTTP: problem details, RFC 9457."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"

RETRY_SECONDS = 1
"""What `Retry-After` says: a full queue is answered in about that time."""

CLIENT_GONE = 499
"""Stands in logs and metrics where nobody was left to answer; the number is nginx's."""


class Unreadable(Struct, forbid_unknown_fields=True):
    """What was sent as a photo, and why it could not be answered."""

    path: str
    error: str


class Problem(Struct, forbid_unknown_fields=True):
    """Why a request was refused (RFC 9457)."""

    title: Annotated[str, Meta(description="The status in words.")]
    status: int
    detail: Annotated[str, Meta(description="What was expected and found, and what to do.")]
    request_id: Annotated[str, Meta(description="As in the header X-Request-ID and in the log.")]
    errors: list[Unreadable] | UnsetType = UNSET


class Refusal(Exception):
    """Ends a request with a problem.

    Args:
        status: of HTTP, 400..599.
        detail: what was expected and found, and what to do.
        errors: of each photo, where it is about photos.
    """

    def __init__(self, status: int, detail: str, errors: list[Unreadable] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors


def problem_response(
    request_id: str,
    status: int,
    detail: str,
    errors: list[Unreadable] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem as a response."""
    title = "Client Gone" if status == CLIENT_GONE else HTTPStatus(status).phrase
    body = Problem(title, status, detail, request_id, errors or UNSET)
    added = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        added["Retry-After"] = str(RETRY_SECONDS)
    if status == HTTPStatus.UNAUTHORIZED:
        added["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(body), status, added, MEDIA_TYPE)


async def refused(request: Request, error: Exception) -> Response:
    """The response to what a route raised."""
    request_id = request.state.request_id
    if isinstance(error, Refusal):
        return problem_response(request_id, error.status, error.detail, error.errors)
    if isinstance(error, RequestValidationError):
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return problem_response(request_id, HTTPStatus.UNPROCESSABLE_ENTITY, wrong)
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for these three alone)
    detail = _DETAILS.get(error.status_code, str(error.detail))
    return problem_response(
        request_id, error.status_code, detail, headers=dict(error.headers or {})
    )


_DETAILS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "no such address; /openapi.json lists what there is",
    HTTPStatus.METHOD_NOT_ALLOWED: "another method is expected here, see the header Allow",
}
