"""The page in Debian's Chromium: answers as Python's, nothing sent, offline, camera, keyboard."""

import csv
import http.server
import io
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from tests.report.browser import CHROMIUM
from tests.serving.running import Running

import facecover
from facecover import Classifier
from facecover.cli.detect import _columns
from facecover.drawn import draw_face
from facecover.inference.model_file import MODELS_FOLDER
from facecover.serving import PAGE_FOLDER
from facecover.serving.write_page import MARKER_NAME

ROOT = Path(__file__).parents[2]
DETECTOR = MODELS_FOLDER / "faces.onnx"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(
        not (PAGE_FOLDER / MARKER_NAME).is_file(), reason="the page is not built: make page"
    ),
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(served: Running) -> str:
    """As `facecover serve` offers it."""
    return f"http://127.0.0.1:{served.port}/"


@pytest.fixture(scope="module")
def static() -> Iterator[str]:
    """As a plain web server offers it, in a folder."""
    handler = partial(_Quiet, directory=str(PAGE_FOLDER.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{PAGE_FOLDER.name}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    settings = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*settings, *camera])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as context:
        context.set_default_timeout(600_000)
        yield context


@pytest.fixture(scope="module")
def loaded(browser: Browser, address: str) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(600_000)
        page = context.new_page()
        page.goto(address)
        page.get_by_text("Ready.").wait_for()
        yield page


@pytest.fixture
def page(loaded: Page) -> Iterator[Page]:
    """The page, ready and without photos; no error went to its console."""
    errors: list[str] = []
    loaded.on("pageerror", lambda error: errors.append(str(error)))
    yield loaded
    assert errors == []
    if loaded.locator("#one-face").is_visible():
        loaded.locator("#one-face").uncheck()
    loaded.get_by_role("button", name="Clear").click()


def answered(page: Page, photos: int) -> None:
    page.locator("#status").filter(has_text=f"{photos:,} photo").filter(has_not_text="…").wait_for()


def as_one_face(page: Page) -> None:
    """Have each photo taken for one face, where the page could look for faces."""
    if page.locator("#one-face").is_visible():
        page.locator("#one-face").check()


def table(page: Page) -> list[dict[str, str]]:
    """The rows of the table that the page offers."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the table").click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8"))))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 drawn faces of many sizes and formats, some turned or see-through."""
    folder = tmp_path_factory.mktemp("drawn")
    for number in range(200):
        rng = np.random.default_rng(number)
        size = (int(rng.integers(20, 420)), int(rng.integers(20, 420)))
        face = draw_face(rng, number % 2, size)
        kind = ("jpg", "jpg", "jpg", "png", "webp", "bmp", "gif", "jpg")[number % 8]
        if kind == "png":
            face.putalpha(Image.linear_gradient("L").resize(size))
        exif = Image.Exif()
        exif[0x0112] = 1 + number // 8 % 8
        path = folder / f'{number:03} é, "quoted".{kind}'
        if kind == "jpg":
            face.save(path, quality=85, exif=exif)
        else:
            face.save(path)
    return folder


def test_it_answers_as_python_does(page: Page, drawn: Path) -> None:
    paths = sorted(drawn.iterdir())
    as_one_face(page)
    page.set_input_files("#files", paths)
    answered(page, len(paths))
    rows = table(page)
    assert list(rows[0]) == _columns(("no_mask", "mask"))
    found = {row["path"]: row for row in rows}
    expected = Classifier("maskresnet-float32").predict(paths)
    assert len(found) == 200
    for path, prediction in zip(paths, expected, strict=True):
        row = found[path.name]
        assert row["label"] == prediction.label, path
        assert float(row["p_mask"]) == pytest.approx(prediction.probabilities["mask"], abs=0.01)
        assert (row["reason"] or None) == prediction.reason
        assert (int(row["width"]), int(row["height"])) == prediction.size_px


@pytest.mark.skipif(not DETECTOR.is_file(), reason="the package has no detector")
def test_it_finds_the_faces_that_python_finds(page: Page, drawn: Path) -> None:
    paths = [path for path in sorted(drawn.iterdir()) if path.suffix != ".gif"][:12]
    page.set_input_files("#files", paths)
    answered(page, len(paths))
    rows = [row for row in table(page) if row["face"]]
    detector = facecover.Detector(classifier=Classifier("maskresnet-float32"))
    expected = {path.name: detector(path) for path in paths}
    faces = sum(map(len, expected.values()))
    alike = sum(_is_found(row, expected[row["path"]]) for row in rows)
    assert alike == faces == len(rows) > 0


def _is_found(row: dict[str, str], found: facecover.Detections) -> bool:
    """Whether Python found a face there, and answered it likewise."""
    box = np.array([float(row[side]) for side in ("x0", "y0", "x1", "y1")])
    return any(
        np.abs(box - other).max() < 1
        and row["label"] == prediction.label
        and abs(float(row["p_mask"]) - prediction.probabilities["mask"]) < 0.01
        for other, prediction in zip(found.boxes, found.predictions, strict=True)
    )


def test_a_photo_without_light_is_uncertain_for_the_same_reason(page: Page, tmp_path: Path) -> None:
    for light in (0, 20, 21, 128, 234, 235, 255):
        Image.new("RGB", (300, 200), (light,) * 3).save(tmp_path / f"{light:03}.png")
    Image.new("RGB", (300, 7), "grey").save(tmp_path / "thin.png")
    paths = sorted(tmp_path.iterdir())
    as_one_face(page)
    page.set_input_files("#files", paths)
    answered(page, len(paths))
    expected = [prediction.reason for prediction in Classifier().predict(paths)]
    assert [row["reason"] for row in table(page)] == expected
    assert {"too_dark", "too_bright", "blank", "too_small"} == set(expected)
    assert "Uncertain: too dark" in page.locator(".card").first.inner_text()


def test_a_broken_photo_says_so_and_the_others_are_answered(
    page: Page, tmp_path: Path, drawn: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "empty.png").touch()
    good = sorted(drawn.iterdir())[0]
    (tmp_path / "notes.txt").write_text("no photo")
    page.set_input_files("#files", [*sorted(tmp_path.iterdir()), good])
    answered(page, 3)
    page.get_by_text("1 file that is no photo was left out.").wait_for()
    errors = {row["path"]: row["error"] for row in table(page)}
    assert "cannot read" in errors["broken.jpg"]
    assert errors["empty.png"] == "The file is empty."
    assert errors[good.name] == ""


@pytest.mark.parametrize("host", ["address", "static"])
def test_it_asks_for_its_own_files_alone_and_works_offline(
    host: str, request: pytest.FixtureRequest, context: BrowserContext, drawn: Path
) -> None:
    address: str = request.getfixturevalue(host)
    asked: list[Request] = []
    fetched: list[str] = []

    def note(request: Request) -> None:
        response = request.response()
        if request.url.endswith(".bin") and response and not response.from_service_worker:
            fetched.append(request.url)

    context.on("request", lambda request: asked.append(request))
    context.on("requestfinished", note)
    page = context.new_page()
    page.goto(address)
    page.get_by_text("Ready.").wait_for()
    page.evaluate("navigator.serviceWorker.ready")
    page.set_input_files("#files", sorted(drawn.iterdir())[:3])
    answered(page, 3)
    page.get_by_role("button", name="Use the camera").click()
    page.locator("#live-answer").filter(has_text=re.compile(r"\w")).wait_for()
    context.set_offline(True)
    page.reload()
    page.get_by_text("Ready.").wait_for()
    page.get_by_role("button", name="Answer drawn face 1").click()
    answered(page, 1)
    assert len(fetched) == len(set(fetched)) > 0  # what is large comes once
    own = {address + str(path.relative_to(PAGE_FOLDER)) for path in PAGE_FOLDER.rglob("*")}
    for one in asked:
        assert one.method == "GET"
        assert one.post_data is None
        assert one.url in {address, *own} or one.url.startswith(f"blob:{address[:16]}"), one.url
    assert len(asked) > 8


def test_the_first_visit_is_small() -> None:
    sizes = [path.stat().st_size for path in PAGE_FOLDER.rglob("*") if path.is_file()]
    assert sum(sizes) < 6_000_000  # also where the web host compresses nothing


def test_the_camera_is_answered_and_pictures_are_taken(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    page.locator("#live-answer").filter(has_text=re.compile(r"\w")).wait_for()
    page.get_by_role("button", name="Take a picture").click()
    page.get_by_role("button", name="Take a picture").click()
    answered(page, 2)
    assert {row["path"] for row in table(page)} == {"camera-1.png", "camera-2.png"}
    page.keyboard.press("Escape")
    assert page.locator("#camera").is_hidden()
    assert page.evaluate("document.querySelector('#video').srcObject") is None


def test_a_camera_that_is_refused_says_what_to_do(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(
            "navigator.mediaDevices.getUserMedia = async () => "
            "{ throw new DOMException('', 'NotAllowedError') }"
        )
        page.goto(address)
        page.get_by_text("Ready.").wait_for()
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_text("The camera was refused.").wait_for()


def test_photos_are_dropped_and_pasted(page: Page) -> None:
    given = """async (kind) => {
        const canvas = new OffscreenCanvas(64, 64);
        canvas.getContext('2d').fillRect(0, 0, 32, 64);
        const file = new File([await canvas.convertToBlob()], kind + '.png', {type: 'image/png'});
        const data = new DataTransfer();
        data.items.add(file);
        const event = kind === 'drop'
            ? new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
            : new ClipboardEvent('paste', {clipboardData: data, bubbles: true});
        document.body.dispatchEvent(event);
    }"""
    page.evaluate(given, "drop")
    answered(page, 1)
    page.evaluate(given, "paste")
    answered(page, 2)
    assert [row["path"] for row in table(page)] == ["drop.png", "pasted-1.png"]


def test_everything_is_reached_by_keyboard(page: Page) -> None:
    page.locator(".skip").focus()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = (
            "document.activeElement.innerText || document.activeElement.querySelector('img')?.alt"
        )
        reached.append(page.evaluate(focused))
        if reached[-1] == "Answer drawn face 1":
            page.keyboard.press("Enter")
            break
    assert "Choose photos" in reached
    assert "Use the camera" in reached
    answered(page, 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_accessible_and_fits(
    page: Page, tmp_path: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})
    Image.new("RGB", (300, 200), "black").save(tmp_path / "night.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    for number in (1, 2):
        page.get_by_role("button", name=f"Answer drawn face {number}").click()
    page.set_input_files("#files", list(tmp_path.iterdir()))
    answered(page, 4)
    page.get_by_role("button", name="Use the camera").click()
    page.locator("#live-answer").filter(has_text=re.compile(r"\w")).wait_for()
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")
    assert [
        (one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(moving) == 0
    page.keyboard.press("Escape")


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / "web/package-lock.json").read_text("utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in one and "integrity" in one for one in packages.values())
