"""The description of the addresses, /openapi.json, with examples."""

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec import Meta, Struct

from facecover.inference.model_info import BandFit
from facecover.inference.prediction import Reason
from facecover.serving.problems import MEDIA_TYPE, Problem, Unreadable
from facecover.serving.uploads import MAX_PHOTOS

Probability = Annotated[float, Meta(ge=0, le=1)]


class PhotoAnswer(Struct, forbid_unknown_fields=True):
    """The answer for one photo, as `facecover predict --json` prints it."""

    path: Annotated[str, Meta(description="The file's name as it was sent; - for a whole body.")]
    label: str
    probability: Probability
    probabilities: dict[str, Probability]
    is_uncertain: Annotated[bool, Meta(description="Whether a person should look.")]
    reason: Annotated[Reason | None, Meta(description="Why it is uncertain; null where it is not.")]
    explanation: Annotated[str | None, Meta(description="The reason as a sentence.")]
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]


class ModelFacts(Struct, forbid_unknown_fields=True):
    """A model that answers here."""

    name: str
    task: str
    precision: str
    input_size_px: int
    parameters: int
    classes: list[str]
    threshold: Probability
    uncertain_band: tuple[Probability, Probability] | None
    band_fit: BandFit | None
    sources: list[str]
    training_images: int
    file_sha256: str
    version: str


class Status(Struct, forbid_unknown_fields=True):
    """That it works."""

    status: str


_ANSWER = PhotoAnswer(
    "a.jpg", "mask", 0.998912, {"no_mask": 0.001088, "mask": 0.998912}, False, None, None, 640, 480
)
_EXAMPLES: dict[str, Any] = {
    "/v1/predict": [_ANSWER, Unreadable("b.jpg", "broken image: image file is truncated")],
    "/v1/models": [
        ModelFacts(
            "maskresnet", "face", "int8", 96, 556_758, ["no_mask", "mask"], 0.5, (0.4, 0.6),
            BandFit(0.995, 889, 0.98, 0.9954), ["photos"], 8_894, "0f" * 32, "0.1.0",
        )
    ],
    "/healthz": Status("ok"),
    "/readyz": Status("ready"),
}  # fmt: skip
_METRICS_EXAMPLE = 'facecover_answers_total{label="mask"} 12.0\n'

_REFUSALS = {
    401: "expected a key in the header: Authorization: Bearer KEY",
    408: "expected the whole request within 60 seconds",
    413: "expected at most 67,108,864 bytes, found 70,000,000 or more",
    415: "not an image that can be read; expected one of JPEG, PNG, WEBP, BMP, GIF",
    422: "expected photos, found nothing",
    503: "256 photos wait already; try again",
    504: "no answer within 30 seconds; send fewer photos",
}
_REFUSED = {"/v1/predict": (408, 413, 415, 422, 503, 504), "/readyz": (503,)}

_IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif")
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "required": True,
    "description": f"Up to {MAX_PHOTOS} photos as files of a form, or one photo as the body. The "
    "content decides what it is, whatever type is named.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["photos"],
                "properties": {
                    "photos": {"type": "array", "minItems": 1, "items": _BYTES["schema"]}
                },
            }
        },
        **{name: _BYTES for name in (*_IMAGE_TYPES, "application/octet-stream")},
    },
}


def operation(path: str, *, has_key: bool) -> dict[str, Any]:
    """What FastAPI cannot see of an address: bodies, responses, examples."""
    if path in _SCHEMAS:
        content: dict[str, Any] = {"application/json": {"schema": _SCHEMAS[path]}}
    else:
        content = {"text/plain": {"schema": {"type": "string"}, "example": _METRICS_EXAMPLE}}
    responses: dict[int, Any] = {200: {"description": "Done.", "content": content}}
    for status in (*((401,) if has_key else ()), *_REFUSED.get(path, ())):
        responses[status] = _refusal(status)
    extra = {"requestBody": _BODY} if path in _BODIES else {}
    name = path.removeprefix("/v1/").strip("/")
    return {"operation_id": name, "responses": responses, "openapi_extra": extra}


_BODIES = ("/v1/predict",)


def _refusal(status: int) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    example = msgspec.to_builtins(Problem(title, status, _REFUSALS[status], "0f" * 16))
    schema = {"$ref": _REFERENCE.format(name="Problem")}
    described: dict[str, Any] = {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        described["headers"] = {"Retry-After": seconds}
    return described


_REFERENCE = "#/components/schemas/{name}"
_STRUCTS = (PhotoAnswer, Unreadable, ModelFacts, Status, Problem)
_COMPONENTS = msgspec.json.schema_components(_STRUCTS, ref_template=_REFERENCE)[1]


def _list_of(*structs: type[Struct]) -> dict[str, Any]:
    items = [{"$ref": _REFERENCE.format(name=struct.__name__)} for struct in structs]
    return {"type": "array", "items": items[0] if len(items) == 1 else {"oneOf": items}}


_STATUS = {"$ref": _REFERENCE.format(name="Status")}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "/v1/predict": _list_of(PhotoAnswer, Unreadable),
    "/v1/models": _list_of(ModelFacts),
    "/healthz": _STATUS,
    "/readyz": _STATUS,
}
"""What a response of status 200 holds."""


def document(app: FastAPI) -> dict[str, Any]:
    """The whole description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        made.setdefault("components", {}).setdefault("schemas", {}).update(_COMPONENTS)
        for path, example in _EXAMPLES.items():  # FastAPI would leave every null out
            for described in made["paths"][path].values():
                content = described["responses"]["200"]["content"]["application/json"]
                content["example"] = msgspec.to_builtins(example)
        app.openapi_schema = made
    return app.openapi_schema
