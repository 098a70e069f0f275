"""Whatever is sent: an answer or a reason, and the next one is answered all the same."""

import io
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.running import Running, form

from facecover.drawn.drawn_dataset import draw_face
from facecover.serving.openapi import PhotoAnswer, PhotoFaces
from facecover.serving.problems import Problem, Unreadable


def _photos() -> list[bytes]:
    face = draw_face(np.random.default_rng(0), 1, (60, 80))
    files = []
    for format in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        file = io.BytesIO()
        face.save(file, format)
        files.append(file.getvalue())
    progressive = io.BytesIO()
    face.convert("CMYK").save(progressive, "JPEG", progressive=True)
    return [*files, progressive.getvalue()]


PHOTOS = _photos()
FORM, FORM_TYPE = form({"a.jpg": PHOTOS[0], "b.png": PHOTOS[1]})

changes = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(("set", "cut", "insert", "drop")),
        st.binary(max_size=9),
    ),
    min_size=1,
    max_size=6,
)


def mutated(content: bytes, how: list[tuple[float, str, bytes]]) -> bytes:
    """The bytes with a few changes, each at a place that is given as a share of the length."""
    for share, kind, new in how:
        at = int(share * len(content))
        head, tail = content[:at], content[at:]
        if kind == "cut":
            content = head
        elif kind == "drop":
            content = head + tail[max(len(new), 1) :]
        else:
            content = head + new + (tail if kind == "insert" else tail[len(new) :])
    return content


def check(served: Running, path: str, body: bytes, kind: str) -> None:
    answered = served.ask(path, body, {"Content-Type": kind})
    if answered.status != 200:
        assert answered.status in (413, 415, 422)
        assert msgspec.convert(answered.json(), Problem).status == answered.status
        return
    for one in answered.json():
        answer = PhotoAnswer if path == "/v1/predict" else PhotoFaces
        msgspec.convert(one, Unreadable if "error" in one else answer)


@pytest.mark.fuzz
@given(st.sampled_from(PHOTOS), changes, st.sampled_from(("/v1/predict", "/v1/detect")))
def test_a_mutated_photo_is_answered_or_refused(
    served: Running, photo: bytes, how: list[tuple[float, str, bytes]], path: str
) -> None:
    check(served, path, mutated(photo, how), "image/jpeg")


@pytest.mark.fuzz
@given(changes)
def test_a_mutated_form_is_answered_or_refused(
    served: Running, how: list[tuple[float, str, bytes]]
) -> None:
    check(served, "/v1/predict", mutated(FORM, how), FORM_TYPE)


HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(PHOTOS[1])


@pytest.mark.fuzz
@given(changes)
def test_a_mutated_request_is_answered_or_refused(
    served: Running, how: list[tuple[float, str, bytes]]
) -> None:
    connection = served.connect()
    connection.connect()
    head = mutated(HEAD, how)
    connection.sock.sendall(head + PHOTOS[1])
    connection.sock.shutdown(1)  # no more comes, whatever length it named
    found = connection.sock.recv(100)
    connection.close()
    assert not found or int(found.split()[1]) < 500
    assert served.ask("/v1/predict", PHOTOS[0]).status == 200


@pytest.mark.slow
@pytest.mark.fuzz
def test_all_that_its_description_allows(served: Running, tmp_path: Path) -> None:
    """Schemathesis makes requests from it and checks statuses, types and bodies against it."""
    examples = max(5, settings().max_examples // 20)
    command = [
        *(Path(sys.executable).parent / "schemathesis", "run"),
        f"http://127.0.0.1:{served.port}/openapi.json",
        *("--checks", "all"),
        # That bytes are a photo cannot be described.
        *("--exclude-checks", "positive_data_acceptance"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", examples, "--seed", 1),
        *("--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=tmp_path,  # it leaves a folder there
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
