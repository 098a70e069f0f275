"""What is answered over HTTP, and what is refused how."""

import io
import socket
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from tests.scenes.example_detector import scene
from tests.serving.running import BOUNDARY, Running, form, running, until

from facecover import detect, predict
from facecover.errors import ConfigError
from facecover.images import read_photo
from facecover.serving import Settings
from facecover.serving.http_app import create_app
from facecover.serving.observed import HEADERS
from facecover.serving.openapi import DetectorFacts, ModelFacts, PhotoAnswer, PhotoFaces, Status
from facecover.serving.page_files import page_routes
from facecover.serving.problems import Problem, Unreadable

KEY = "0123456789abcdef"


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:  # noqa: ANN401
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def coloured(colour: tuple[int, int, int] = (200, 0, 0), side_px: int = 16) -> bytes:
    """About one colour; a blank picture would be an uncertain answer."""
    pixels = np.full((side_px, side_px, 3), colour, np.uint8)
    pixels[: side_px // 2] //= 2
    return encoded(Image.fromarray(pixels))


def checked(problem: Any) -> Problem:  # noqa: ANN401
    return msgspec.convert(problem, Problem)


def test_photos_are_answered_as_predict_does(
    served: Running, model: Path, few_photos: Path, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    large = tmp_path / "large.jpg"  # is decoded at reduced scale, then again from every pixel
    Image.fromarray(noise).save(large)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(large.read_bytes()[:20_000])
    paths = [*sorted(few_photos.rglob("*.jpg")), large, broken]
    answered = served.send("/v1/predict", {f"{number}": path for number, path in enumerate(paths)})
    expected = [
        one | {"path": f"{n}"} for n, one in enumerate(predict(paths, model=model).to_json())
    ]
    assert answered.status == 200
    assert answered.json() == expected
    for one in answered.json():
        msgspec.convert(one, Unreadable if "error" in one else PhotoAnswer)


@pytest.mark.parametrize("kind", ["image/jpeg", "application/x-www-form-urlencoded", ""])
def test_the_body_may_be_the_photo(served: Running, kind: str) -> None:
    answered = served.ask("/v1/predict", coloured(), {"Content-Type": kind} if kind else {})
    assert answered.status == 200
    (answer,) = answered.json()
    assert (answer["path"], answer["label"], answer["width"]) == ("-", "no_mask", 16)


def test_requests_share_batches(served: Running) -> None:
    before = served.metric("facecover_batch_photos_count")
    assert served.send("/v1/predict", {str(n): coloured() for n in range(60)}).status == 200
    assert served.metric("facecover_batch_photos_count") - before < 60


def test_faces_are_found_as_detect_does(served: Running, model: Path, detector: Path) -> None:
    photos = {"two": encoded(scene((0, 64), (96, 0))), "none": encoded(scene())}
    answered = served.send("/v1/detect", {**photos, "no": b"photo"})
    expected = []
    for name, content in photos.items():
        found = detect("-", model=detector, classifier=model, stdin=io.BytesIO(content))
        expected += [one | {"path": name} for one in found.to_json()]
    *found, broken = answered.json()
    assert found == expected
    assert [len(msgspec.convert(one, PhotoFaces).faces) for one in found] == [2, 0]
    msgspec.convert(broken, Unreadable)
    assert served.ask("/v1/detect", b"no photo").status == 415
    one, other = served.ask("/v1/models").json()
    assert (msgspec.convert(one, ModelFacts).task, other["task"]) == ("face", "faces")
    msgspec.convert(other, DetectorFacts)


def test_without_a_detector_there_is_no_such_address(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facecover.serving.http_app.packaged_models", lambda _: ())
    with running(Settings(model=str(model))) as server:
        assert server.ask("/v1/detect", coloured()).status == 404
        assert "/v1/detect" not in server.ask("/openapi.json").json()["paths"]


BOMB = encoded(Image.new("1", (1100, 1000)))
EMPTY_FORM = f"--{BOUNDARY}--\r\n".encode()
TEXT_FORM = form({"": b"text"})[0].replace(b'; filename=""', b"")
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.mark.parametrize(
    ("status", "detail", "body", "headers"),
    [
        (415, "a text file", b"no photo", {}),
        (415, "nothing but zeros", b"\0" * 100, {"Content-Type": "image/jpeg"}),
        (415, "Content-Encoding", coloured(), {"Content-Encoding": "gzip"}),
        (422, "broken image", coloured()[:50], {}),
        (422, "1100 x 1000 pixels; expected at most 1,000,000", BOMB, {}),
        (422, "expected photos, found nothing", b"", {}),
        (422, "expected photos, found nothing", EMPTY_FORM, FORM),
        (422, "form field 'photos': expected files, found text", TEXT_FORM, FORM),
        (422, "the form is cut off", form({"a": coloured(), "b": coloured()})[0][:-60], FORM),
        (422, "Missing boundary", EMPTY_FORM, {"Content-Type": "multipart/form-data"}),
        (422, "Maximum number of files is 64", form({str(n): b"x" for n in range(65)})[0], FORM),
        (422, "none of them could be read", form({"a": b"x", "b": coloured()[:50]})[0], FORM),
        (415, "none of them could be read", form({"a": b"x", "b": b"y"})[0], FORM),
        (413, "expected at most 1,048,576 bytes, found 1,048,577", b"x" * (2**20 + 1), {}),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(
    served: Running, status: int, detail: str, body: bytes, headers: dict[str, str]
) -> None:
    answered = served.ask("/v1/predict", body, headers)
    problem = checked(answered.json())
    assert (answered.status, problem.status) == (status, status)
    assert answered.headers["content-type"] == "application/problem+json"
    assert detail in problem.detail
    assert problem.request_id == answered.headers["x-request-id"]


def test_a_body_that_does_not_say_its_length_is_counted(served: Running) -> None:
    connection = served.connect()
    connection.request("POST", "/v1/predict", iter([b"x" * 2**18] * 5), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/nowhere", "GET", 404), ("/v1/predict", "GET", 405)]
)
def test_other_addresses_and_methods_are_refused(
    served: Running, path: str, method: str, status: int
) -> None:
    answered = served.ask(path, method=method)
    assert (answered.status, checked(answered.json()).status) == (status, status)


def test_every_response_closes_doors_and_has_an_id(served: Running) -> None:
    for path in ("/healthz", "/nowhere", "/openapi.json"):
        headers = served.ask(path, headers={"X-Request-ID": "mine-1"}).headers
        assert {name: headers[name.lower()] for name in HEADERS} == HEADERS
        assert headers["x-request-id"] == "mine-1"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    odd = served.ask("/healthz", headers={"X-Request-ID": "<script>"}).headers["x-request-id"]
    assert len(odd) == 32


def test_states_and_models_and_metrics(served: Running) -> None:
    assert msgspec.convert(served.ask("/healthz").json(), Status).status == "ok"
    assert msgspec.convert(served.ask("/readyz").json(), Status).status == "ready"
    found = msgspec.convert(served.ask("/v1/models").json()[0], ModelFacts)
    assert (found.name, found.classes, found.uncertain_band) == (
        "example",
        ["no_mask", "mask"],
        (0.4, 0.6),
    )
    before = {name: served.metric(name) for name in COUNTED}
    served.send("/v1/predict", {"a": coloured(), "b": coloured((99, 99, 99)), "c": b"no"})
    assert {name: served.metric(name) - before[name] for name in COUNTED} == COUNTED
    assert served.metric("facecover_waiting_photos") == 0


COUNTED = {
    "facecover_answers_total": 2,
    "facecover_uncertain_answers_total": 1,
    "facecover_unreadable_photos_total": 1,
    "facecover_batch_photos_sum": 2,
}


def test_the_description_holds_examples_that_are_true_to_it(served: Running) -> None:
    described = served.ask("/openapi.json").json()
    assert described["paths"].keys() >= {"/v1/predict", "/v1/models", "/healthz", "/readyz"}
    types = {
        "/v1/models": list[ModelFacts],
        "/healthz": Status,
        "/readyz": Status,
    }
    answers = {"/v1/predict": PhotoAnswer, "/v1/detect": PhotoFaces}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                for kind, content in response["content"].items():
                    example = content["example"]
                    if kind == "application/problem+json":
                        assert checked(example).status == int(status)
                    elif path in answers:
                        answer, error = example
                        msgspec.convert(answer, answers[path])
                        msgspec.convert(error, Unreadable)
                    elif kind == "application/json":
                        msgspec.convert(example, types[path])


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Photos are decoded only once this is set."""
    event = threading.Event()

    def wait(*given: Any, **options: Any) -> Any:  # noqa: ANN401
        event.wait(60)
        return read_photo(*given, **options)

    monkeypatch.setattr("facecover.serving.batches.read_photo", wait)
    return event


def test_a_full_queue_says_when_to_come_again(model: Path, held: threading.Event) -> None:
    with running(Settings(model=str(model), max_waiting=2)) as server:
        waits = threading.Thread(target=server.ask, args=("/v1/predict", coloured()))
        waits.start()
        until(lambda: server.metric("facecover_waiting_photos") == 1)
        answered = server.send("/v1/predict", {"a": coloured(), "b": coloured()})
        assert answered.status == 503
        assert int(answered.headers["retry-after"]) >= 1
        held.set()
        waits.join()
        assert server.send("/v1/predict", {str(n): coloured() for n in range(5)}).status == 200
        assert server.ask("/readyz").status == 200


def test_an_answer_that_takes_too_long_is_given_up(model: Path, held: threading.Event) -> None:
    with running(Settings(model=str(model), threads=1, timeout_seconds=0.05)) as server:
        answered = server.ask("/v1/predict", coloured())
        assert (answered.status, checked(answered.json()).status) == (504, 504)
        held.set()
        until(lambda: server.metric("facecover_waiting_photos") == 0)


def test_a_client_that_goes_away_leaves_nothing(model: Path, held: threading.Event) -> None:
    with running(Settings(model=str(model), threads=1, max_waiting=2)) as server:
        head = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: "
        photo = coloured()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(head + b"%d\r\n\r\n" % len(photo) + photo)
            until(lambda: server.metric("facecover_waiting_photos") == 1)
        until(lambda: server.metric("facecover_waiting_photos") == 0)
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(head + b"100\r\n\r\nhalf")
        held.set()
        assert server.ask("/v1/predict", photo).status == 200
        assert b'status="499"' in server.ask("/metrics").body


def test_a_slow_client_is_told_and_others_are_answered(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facecover.serving.uploads.UPLOAD_SECONDS", 0.2)
    monkeypatch.setattr("facecover.serving.server.HEAD_SECONDS", 0.2)
    with (
        running(Settings(model=str(model))) as server,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
        socket.create_connection(("127.0.0.1", server.port)) as silent,
    ):
        slow.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        silent.sendall(b"GET /healthz HT")
        assert server.ask("/v1/predict", coloured()).status == 200
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
        assert silent.recv(100) == b""


def test_no_photo_reaches_a_disk_nor_its_name_the_log(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def rollover(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", rollover)
    with running(Settings(model=str(model))) as server:
        photo = encoded(Image.new("RGB", (1200, 1200)), "BMP")
        assert server.send("/v1/predict", {"secret.bmp": photo, "other": b"secret"}).status == 200
        assert server.send("/v1/predict", {"secret": b"secret"}).status == 415
        assert server.ask("/secret?secret").status == 404
    assert "secret" not in capsys.readouterr().err


def test_what_waits_in_memory_is_bounded(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facecover.serving.uploads.HELD_UPLOADS", 0.5)
    with running(Settings(model=str(model), max_upload_bytes=1000)) as server:
        assert server.ask("/v1/predict", b"x" * 900).status == 503
        assert server.ask("/v1/predict", coloured()).status == 200


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(f"{'z' * 16}\n{KEY}\n", "utf-8")
    return path


def test_a_key_opens(model: Path, keys: Path) -> None:
    with running(Settings(model=str(model), api_key_file=keys)) as server:
        addresses = (("/v1/predict", coloured()), ("/v1/models", None), ("/metrics", None))
        for given in ("", "Bearer no", f"Basic {KEY}", "Bearer \xff"):
            for path, body in addresses:
                answered = server.ask(path, body, {"Authorization": given})
                assert (answered.status, checked(answered.json()).status) == (401, 401)
                assert answered.headers["www-authenticate"] == "Bearer"
        right = {"Authorization": f"Bearer {KEY}"}
        assert server.ask("/v1/predict", coloured(), right).status == 200
        assert server.ask("/metrics", headers=right).status == 200
        assert server.ask("/healthz").status == 200
        described = server.ask("/openapi.json").json()
        assert described["paths"]["/v1/predict"]["post"]["security"] == [{"HTTPBearer": []}]


@pytest.mark.parametrize("text", ["", "short\n", None])
def test_a_key_file_without_keys_is_refused(model: Path, tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "keys"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"api_key_file .*keys"):
        create_app(Settings(model=str(model), api_key_file=path))


def test_pages_of_named_origins_alone_may_ask(model: Path) -> None:
    with running(Settings(model=str(model), cors_origins=("https://a.example",))) as server:
        for origin, allowed in (("https://a.example", True), ("https://b.example", False)):
            answered = server.ask("/v1/predict", coloured(), {"Origin": origin})
            assert ("access-control-allow-origin" in answered.headers) == allowed


def test_the_page_is_offered_where_it_was_built(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>", "utf-8")
    (tmp_path / "assets" / "a.js").write_text("let a", "utf-8")
    for folder, status in ((tmp_path, 200), (tmp_path / "nowhere", 404)):
        routes = page_routes(folder)
        monkeypatch.setattr("facecover.serving.http_app.page_routes", lambda found=routes: found)
        with running(Settings(model=str(model))) as server:
            page, script = server.ask("/"), server.ask("/assets/a.js")
            assert (page.status, script.status) == (status, status)
            assert server.ask("/v1/predict").status == 405
            assert server.ask("/assets/..%2f..%2fmodel.onnx").status == 404
            if status == 200:
                assert "script-src 'self'" in page.headers["content-security-policy"]
                assert "javascript" in script.headers["content-type"]
            else:
                assert "the page is not part of this installation" in page.json()["detail"]


def test_a_bug_is_a_problem_and_stops_nothing(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(Settings(model=str(model))) as server:
        with monkeypatch.context() as patched:
            patched.setattr("facecover.serving.batches.read_photo", lambda *_, **__: 1 / 0)
            answered = server.ask("/v1/predict", coloured())
            assert (answered.status, checked(answered.json()).status) == (500, 500)
        assert server.ask("/v1/predict", coloured()).status == 200
