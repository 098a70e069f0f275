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


class FaceAnswer(Struct, forbid_unknown_fields=True):
    """The answer for one face."""

    label: str
    probability: Probability
    probabilities: dict[str, Probability]
    is_uncertain: Annotated[bool, Meta(description="Whether a person should look.")]
    reason: Annotated[Reason | None, Meta(description="Why it is uncertain; null where it is not.")]
    explanation: Annotated[str | None, Meta(description="The reason as a sentence.")]


Name = Annotated[str, Meta(description="The file's name as it was sent; - for a whole body.")]
Side = Annotated[int, Meta(ge=1, description="Of the upright photo, in pixels.")]


class PhotoAnswer(FaceAnswer):
    """The answer for a photo of one face, as `facecover predict --json` prints it."""

    path: Name
    width: Side
    height: Side


class FoundFace(FaceAnswer):
    """One of the faces of a photo."""

    box: Annotated[
        tuple[float, float, float, float],
        Meta(description="x0, y0, x1, y1 in pixels of the upright photo."),
    ]
    score: Annotated[float, Meta(ge=0, le=1, description="How sure it is that it is a face.")]


class PhotoFaces(Struct, forbid_unknown_fields=True):
    """The faces of a photo, the likeliest first, as `facecover detect --json` prints them."""

    path: Name
    width: Side
    height: Side
    faces: list[FoundFace]


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


class DetectorFacts(Struct, forbid_unknown_fields=True):
    """A model that finds faces here."""

    name: str
    task: str
    precision: str
    parameters: int
    threshold: Probability
    sources: list[str]
    photos: Annotated[int, Meta(description="That it learned from, with so many faces.")]
    faces: int
    weights_sha256: str
    file_sha256: str
    version: str


class Status(Struct, forbid_unknown_fields=True):
    """That it works."""

    status: str


_ANSWER: dict[str, Any] = {
    "label": "mask",
    "probability": 0.998912,
    "probabilities": {"no_mask": 0.001088, "mask": 0.998912},
    "is_uncertain": False,
    "reason": None,
    "explanation": None,
}
_BROKEN = Unreadable("b.jpg", "broken image: image file is truncated")
_FACE = FoundFace(**_ANSWER, box=(212.0, 96.5, 300.5, 204.0), score=0.971)
_EXAMPLES: dict[str, Any] = {
    "/v1/predict": [PhotoAnswer(**_ANSWER, path="a.jpg", width=640, height=480), _BROKEN],
    "/v1/detect": [PhotoFaces("a.jpg", 640, 480, [_FACE]), _BROKEN],
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
_OF_PHOTOS = (408, 413, 415, 422, 503, 504)
_REFUSED = {"/v1/predict": _OF_PHOTOS, "/v1/detect": _OF_PHOTOS, "/readyz": (503,)}

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
    extra = {"requestBody": _BODY} if _REFUSED.get(path) == _OF_PHOTOS else {}
    name = path.removeprefix("/v1/").strip("/")
    return {"operation_id": name, "responses": responses, "openapi_extra": extra}


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
_STRUCTS = (PhotoAnswer, PhotoFaces, Unreadable, ModelFacts, DetectorFacts, Status, Problem)
_COMPONENTS = msgspec.json.schema_components(_STRUCTS, ref_template=_REFERENCE)[1]


def _list_of(*structs: type[Struct]) -> dict[str, Any]:
    items = [{"$ref": _REFERENCE.format(name=struct.__name__)} for struct in structs]
    return {"type": "array", "items": items[0] if len(items) == 1 else {"oneOf": items}}


_STATUS = {"$ref": _REFERENCE.format(name="Status")}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "/v1/predict": _list_of(PhotoAnswer, Unreadable),
    "/v1/detect": _list_of(PhotoFaces, Unreadable),
    "/v1/models": _list_of(ModelFacts, DetectorFacts),
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
        for path in made["paths"].keys() & _EXAMPLES.keys():
            for described in made["paths"][path].values():
                content = described["responses"]["200"]["content"]["application/json"]
                # FastAPI would leave every null out.
                content["example"] = msgspec.to_builtins(_EXAMPLES[path])
        app.openapi_schema = made
    return app.openapi_schema
