"""The addresses, as an ASGI application: `create_app`."""

import asyncio
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

import facecover
from facecover.documents import to_document
from facecover.errors import ConfigError, ImageError, NotAnImageError, shown
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import packaged_models
from facecover.inference.prediction import Prediction
from facecover.scenes.detections import Detections
from facecover.scenes.detector import Detector
from facecover.serving import Settings
from facecover.serving.batches import Scenes, SharedBatches, Waiting
from facecover.serving.observed import Observed, ServerMetrics
from facecover.serving.openapi import document, operation
from facecover.serving.page_files import page_routes
from facecover.serving.problems import CLIENT_GONE, Refusal, Unreadable, refused
from facecover.serving.uploads import Upload, Uploads

_Answer = TypeVar("_Answer", Prediction, Detections)

SHORTEST_KEY = 16
"""Characters of a key; shorter ones can be guessed."""


def create_app(settings: Settings) -> FastAPI:
    """The application of one process, for any ASGI server, with its model in memory.

    Raises:
        ConfigError: if a setting is out of range, or the key file holds no key.
        ModelFileError: if the model cannot be used.
    """
    service = _Service(settings)
    app = FastAPI(
        title="facecover",
        summary="Is this face covered?",
        version=facecover.__version__,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        lifespan=service.run,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for kind in (Refusal, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refused)
    service.add_routes(app)
    app.state.model_name = service.models.classifier.info.name
    app.router.routes.extend(page_routes())
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    app.add_middleware(Observed, metrics=service.metrics)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


class Models(NamedTuple):
    """What answers, and what finds faces, if anything does."""

    classifier: Classifier
    detector: Detector | None


def models_of(settings: Settings) -> Models:
    """The models that answer.

    Raises:
        ConfigError: if a setting is out of range.
        ModelFileError: if a model cannot be used.
    """
    classifier = Classifier(
        settings.model,
        settings.threads,
        threshold=settings.threshold,
        uncertain_band=settings.uncertain_band,
        max_pixels=settings.max_pixels,
    )
    if settings.detector is None and not packaged_models("faces"):
        return Models(classifier, None)
    detector = Detector(
        settings.detector, classifier, threads=settings.threads, max_pixels=settings.max_pixels
    )
    return Models(classifier, detector)


class _Service:
    """What the routes share."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = ServerMetrics()
        self.models = models_of(settings)
        self._settings = settings
        self._uploads = Uploads(settings.max_upload_bytes)
        self._batches: SharedBatches | None = None
        self._scenes: Scenes | None = None
        self._key_digests = key_digests(settings)

    @asynccontextmanager
    async def run(self, _: FastAPI) -> AsyncIterator[None]:
        """Threads that answer, from start to stop."""
        classifier, detector = self.models
        self._batches = SharedBatches(
            classifier,
            max_pixels=self._settings.max_pixels,
            threads=self._settings.threads,
            every_pixel=self._settings.every_pixel,
            on_batch=self.metrics.batches.observe,
            on_waiting=self.metrics.waiting.labels("face").set,
        )
        if detector is not None:
            waiting = self.metrics.waiting.labels("faces").set
            self._scenes = Scenes(detector, on_waiting=waiting)
        yield
        await asyncio.to_thread(self._batches.close)
        if self._scenes is not None:
            await asyncio.to_thread(self._scenes.close)

    def add_routes(self, app: FastAPI) -> None:
        """Put each address into the application."""
        bearer = HTTPBearer(auto_error=False, description="A key of --api-key-file.")

        async def allowed(
            given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        ) -> None:
            self._check_key(given.credentials if given else "")

        keyed = [Depends(allowed)] if self._key_digests else []
        for path, (method, endpoint, needs_key) in self._routes().items():
            app.add_api_route(
                path,
                endpoint,
                methods=[method],
                dependencies=keyed if needs_key else [],
                response_class=Response,
                **operation(path, has_key=bool(keyed) and needs_key),
            )

    def _routes(self) -> dict[str, tuple[str, Callable[..., Awaitable[Response]], bool]]:
        """Method, function, and whether it needs a key, by address."""
        routes: dict[str, tuple[str, Callable[..., Awaitable[Response]], bool]] = {
            "/v1/predict": ("POST", self.predict, True),
            "/v1/detect": ("POST", self.detect, True),
            "/v1/models": ("GET", self.list_models, True),
            "/healthz": ("GET", self.healthz, False),
            "/readyz": ("GET", self.readyz, False),
            "/metrics": ("GET", self.show_metrics, True),
        }
        if self.models.detector is None:
            del routes["/v1/detect"]
        return routes

    def _check_key(self, given: str) -> None:
        digest = hashlib.sha256(given.encode()).digest()
        # Every key is compared, each in constant time.
        if not any([hmac.compare_digest(digest, key) for key in self._key_digests]):
            raise Refusal(401, "expected a key in the header: Authorization: Bearer KEY")

    async def predict(self, request: Request) -> Response:
        """Say of each photo, which shows one face, whether the face is covered."""
        return await self._asked(request, self._running(), self._settings.max_waiting)

    async def detect(self, request: Request) -> Response:
        """Find the faces of each photo, and say of each whether it is covered."""
        self._running()
        assert self._scenes is not None  # noqa: S101  (there is no address without it)
        return await self._asked(request, self._scenes, max(1, self._settings.max_waiting // 8))

    async def _asked(self, request: Request, queue: Waiting[_Answer], max_waiting: int) -> Response:
        facts = request.state.facts
        try:
            async with self._uploads.photos(request) as photos:
                facts["photos"] = len(photos)
                facts["bytes"] = sum(len(photo.content) for photo in photos)
                if queue.waiting + len(photos) > max_waiting and queue.waiting:
                    raise Refusal(503, f"{queue.waiting:,} photos wait already; try again")
                waiting = [queue.answer(photo.content) for photo in photos]
                work = asyncio.gather(*waiting, return_exceptions=True)
                answers = await self._finished(request, work)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        return _as_json(self._outcomes(photos, answers))

    async def _finished(
        self, request: Request, work: asyncio.Future[list[_Answer | BaseException]]
    ) -> list[_Answer | BaseException]:
        gone = asyncio.ensure_future(_gone(request))
        gone.add_done_callback(lambda _: work.cancel())  # what nobody waits for is not begun
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await work
        except TimeoutError:
            seconds = self._settings.timeout_seconds
            raise Refusal(504, f"no answer within {seconds:g} seconds; send fewer photos") from None
        except asyncio.CancelledError:
            if gone.done() and not gone.cancelled():
                raise ClientDisconnect from None
            raise
        finally:
            gone.cancel()

    def _outcomes(
        self, photos: list[Upload], answers: Sequence[_Answer | BaseException]
    ) -> list[object]:
        """What `--json` says of each photo; a refusal where none could be answered."""
        outcomes: list[object] = []
        errors: list[Unreadable] = []
        for photo, answer in zip(photos, answers, strict=True):
            if isinstance(answer, ImageError):
                reason = str(answer).removeprefix("image bytes: ")
                errors.append(Unreadable(photo.path, reason))
                outcomes.append(errors[-1])
            elif isinstance(answer, BaseException):
                raise answer
            else:
                outcomes.append({"path": photo.path, **answer.to_json()})
                self.metrics.count(answer)
        self.metrics.unreadable.inc(len(errors))
        if len(errors) == len(photos):
            is_photo = any(not isinstance(one, NotAnImageError) for one in answers)
            what = errors[0].error if len(errors) == 1 else "none of them could be read"
            raise Refusal(422 if is_photo else 415, what, errors)
        return outcomes

    def _running(self) -> SharedBatches:
        if self._batches is None or not self._batches.is_alive:
            raise Refusal(503, "the model is not running; try again")
        return self._batches

    async def list_models(self, request: Request) -> Response:
        """List the models that answer here."""
        return _as_json([model.info.to_json() for model in self.models if model is not None])

    async def healthz(self, request: Request) -> Response:
        """Say that the process lives."""
        return _as_json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """Say that a photo sent now will be answered soon; 503 if it will not."""
        waiting = self._running().waiting
        if waiting >= self._settings.max_waiting:
            raise Refusal(503, f"{waiting:,} photos wait already; try again")
        return _as_json({"status": "ready"})

    async def show_metrics(self, request: Request) -> Response:
        """Show what was counted, as Prometheus reads it."""
        return Response(generate_latest(_collected(self.metrics)), media_type=CONTENT_TYPE_LATEST)


def _collected(metrics: ServerMetrics) -> CollectorRegistry:
    """This process's figures, or those of all where several serve."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return metrics.registry
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _as_json(facts: object) -> Response:
    return Response(msgspec.json.encode(to_document(facts)), media_type="application/json")


async def _gone(request: Request) -> None:
    """Returns when the client has."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def key_digests(settings: Settings) -> list[bytes]:
    """SHA-256 of each key in the key file.

    Raises:
        ConfigError: if it cannot be read, or holds no key or one that is too short.
    """
    path = settings.api_key_file
    if path is None:
        return []
    try:
        keys = path.read_bytes().decode("utf-8-sig").split()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError(f"api_key_file {shown(path)}: cannot be read: {reason}") from error
    shortest = min(map(len, keys), default=0)
    if shortest < SHORTEST_KEY:
        raise ConfigError(
            f"api_key_file {shown(path)}: expected one key a line, each of {SHORTEST_KEY} "
            f"characters or more, found {'no key' if not keys else f'one of {shortest}'}; "
            "make one with: openssl rand -hex 32"
        )
    return [hashlib.sha256(key.encode()).digest() for key in keys]
