"""The addresses, as an ASGI application: `create_app`."""

import asyncio
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated

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
from facecover.serving import Settings
from facecover.serving.batches import Answer, Batches
from facecover.serving.observed import Metrics, Observed
from facecover.serving.openapi import document, operation
from facecover.serving.page_files import page_routes
from facecover.serving.problems import CLIENT_GONE, Refusal, Unreadable, refused
from facecover.serving.uploads import Upload, Uploads

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
    app.state.model_name = service.classifier.info.name
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


def classifier_of(settings: Settings) -> Classifier:
    """The classifier that answers.

    Raises:
        ConfigError: if a setting is out of range.
        ModelFileError: if the model cannot be used.
    """
    return Classifier(
        settings.model,
        settings.threads,
        threshold=settings.threshold,
        uncertain_band=settings.uncertain_band,
        max_pixels=settings.max_pixels,
    )


class _Service:
    """What the routes share."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._settings = settings
        self.classifier = classifier_of(settings)
        self._uploads = Uploads(settings.max_upload_bytes)
        self._batches: Batches | None = None
        self._key_digests = key_digests(settings)

    @asynccontextmanager
    async def run(self, _: FastAPI) -> AsyncIterator[None]:
        """Threads that answer, from start to stop."""
        self._batches = Batches(
            self.classifier,
            max_pixels=self._settings.max_pixels,
            threads=self._settings.threads,
            every_pixel=self._settings.every_pixel,
            on_batch=self.metrics.batches.observe,
            on_waiting=self.metrics.waiting.set,
        )
        yield
        await asyncio.to_thread(self._batches.close)

    def add_routes(self, app: FastAPI) -> None:
        """Put each address into the application."""
        bearer = HTTPBearer(auto_error=False, description="A key of --api-key-file.")

        async def allowed(
            given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        ) -> None:
            self._check_key(given.credentials if given else "")

        keyed = [Depends(allowed)] if self._key_digests else []
        routes: tuple[tuple[str, str, Callable[..., Awaitable[Response]], bool], ...] = (
            ("POST", "/v1/predict", self.predict, True),
            ("GET", "/v1/models", self.models, True),
            ("GET", "/healthz", self.healthz, False),
            ("GET", "/readyz", self.readyz, False),
            ("GET", "/metrics", self.show_metrics, True),
        )
        for method, path, endpoint, needs_key in routes:
            app.add_api_route(
                path,
                endpoint,
                methods=[method],
                dependencies=keyed if needs_key else [],
                response_class=Response,
                **operation(path, has_key=bool(keyed) and needs_key),
            )

    def _check_key(self, given: str) -> None:
        digest = hashlib.sha256(given.encode()).digest()
        # Every key is compared, each in constant time.
        if not any([hmac.compare_digest(digest, key) for key in self._key_digests]):
            raise Refusal(401, "expected a key in the header: Authorization: Bearer KEY")

    async def predict(self, request: Request) -> Response:
        """Say of each photo, which shows one face, whether the face is covered."""
        try:
            async with self._uploads.photos(request) as photos:
                request.state.facts["photos"] = len(photos)
                request.state.facts["bytes"] = sum(len(photo.content) for photo in photos)
                answers = await self._answered(request, photos)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        return _as_json(self._outcomes(photos, answers))

    async def _answered(self, request: Request, photos: list[Upload]) -> list[Answer]:
        batches = self._running()
        if batches.waiting + len(photos) > self._settings.max_waiting:
            raise Refusal(503, f"{batches.waiting:,} photos wait already; try again")
        work = asyncio.gather(*(batches.answer(photo.content) for photo in photos))
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

    def _outcomes(self, photos: list[Upload], answers: list[Answer]) -> list[object]:
        """What `predict --json` says of each; a refusal where none could be answered."""
        outcomes: list[object] = []
        errors: list[Unreadable] = []
        for photo, answer in zip(photos, answers, strict=True):
            if isinstance(answer, ImageError):
                reason = str(answer).removeprefix("image bytes: ")
                errors.append(Unreadable(photo.path, reason))
                outcomes.append(errors[-1])
                self.metrics.unreadable.inc()
            else:
                outcomes.append({"path": photo.path, **answer.to_json()})
                self.metrics.count(answer)
        if len(errors) == len(photos):
            is_photo = any(not isinstance(one, NotAnImageError) for one in answers)
            what = errors[0].error if len(errors) == 1 else "none of them could be read"
            raise Refusal(422 if is_photo else 415, what, errors)
        return outcomes

    def _running(self) -> Batches:
        if self._batches is None or not self._batches.is_alive:
            raise Refusal(503, "the model is not running; try again")
        return self._batches

    async def models(self, request: Request) -> Response:
        """List the models that answer here."""
        return _as_json([self.classifier.info.to_json()])

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


def _collected(metrics: Metrics) -> CollectorRegistry:
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
