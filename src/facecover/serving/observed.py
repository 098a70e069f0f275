"""What is known of requests: ids, logs, metrics. Neither photos nor their names are among it."""

import json
import logging
import re
import time
import uuid
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facecover.inference.prediction import Prediction
from facecover.scenes.detections import Detections
from facecover.serving.problems import CLIENT_GONE, problem_response

logger = logging.getLogger("facecover.serving")

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every response that does not set them itself."""

_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class ServerMetrics:
    """What is counted, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry, "namespace": "facecover"}
        self.requests = Counter("requests", "Requests.", ["route", "status"], **own)
        self.seconds = Histogram(
            "request_seconds", "From the head of a request to the end of its response.", ["route"],
            buckets=_SECONDS, **own,
        )  # fmt: skip
        self.answers = Counter("answers", "Answers for faces, by label.", ["label"], **own)
        self.uncertain = Counter("uncertain_answers", "Those of them that are uncertain.", **own)
        self.unreadable = Counter("unreadable_photos", "What was sent and is no photo.", **own)
        self.waiting = Gauge(
            "waiting_photos", "Photos without an answer yet.", ["task"],
            multiprocess_mode="livesum", **own,
        )  # fmt: skip
        self.batches = Histogram(
            "batch_photos", "Photos that went through the network together.",
            buckets=(1, 2, 4, 8, 16, 32), **own,
        )  # fmt: skip

    def count(self, answer: Prediction | Detections) -> None:
        """Count the answers for one photo."""
        for one in (answer,) if isinstance(answer, Prediction) else answer.predictions:
            self.answers.labels(one.label).inc()
            self.uncertain.inc(one.is_uncertain)


class Observed:
    """Gives each request an id, headers that close doors, a line in the log, and a count."""

    def __init__(self, app: ASGIApp, metrics: ServerMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        facts: dict[str, Any] = {}
        scope.setdefault("state", {}).update(request_id=request_id, facts=facts)
        status = CLIENT_GONE

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _closed(message.get("headers", ()), request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:
            logger.exception("bug", extra={"facts": {"request_id": request_id}})
            if status == CLIENT_GONE:  # nothing was sent yet
                detail = "a fault of the server; its log has more under this id"
                await problem_response(request_id, 500, detail)(scope, receive, send_marked)
        seconds = time.perf_counter() - began
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        logger.info(
            "request",
            extra={
                "facts": {
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "seconds": round(seconds, 6),
                    **facts,
                }
            },
        )


def _request_id(scope: Scope) -> str:
    """The client's own id where it is harmless, or a new one."""
    given = str(Headers(scope=scope).get("x-request-id", ""))
    return given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex


def _closed(headers: Any, request_id: str) -> list[tuple[bytes, bytes]]:  # noqa: ANN401
    own = list(headers)
    names = {name.lower() for name, _ in own}
    added = [pair for pair in _HEADERS if pair[0] not in names]
    return [*own, *added, (b"x-request-id", request_id.encode())]


class JsonLines(logging.Formatter):
    """A line of JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts)


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLines}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": level, "propagate": False}
        for name, level in (
            ("facecover.serving", "INFO"),
            ("uvicorn", "WARNING"),
            ("python_multipart", "ERROR"),  # warns of every form that is wrong
        )
    },
}
"""For `logging.config.dictConfig`: lines of JSON to standard error."""
