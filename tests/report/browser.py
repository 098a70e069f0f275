"""A page in headless Chromium: what it says on its console, and what it asks the network for."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
"""The browser, if one is installed."""

_STILL = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--no-default-browser-check",
    "--disable-dev-shm-usage", "--virtual-time-budget=2000",
)  # fmt: skip
_LOCAL = ("file:", "data:", "about:")
_NOT_THE_PAGE = "not an origin"
"""Chromium's name for who asked, where that is the browser itself, as for its updates."""


@dataclass(frozen=True)
class Loaded:
    """A page that was loaded.

    Attributes:
        dom: the page after its script ran.
        console: each line that it wrote to the console, errors and refused loads among them.
        requests: each address that the page asked for beyond itself.
    """

    dom: str
    console: list[str]
    requests: list[str]


def load(page: Path, scratch: Path, *, width_px: int = 1280) -> Loaded:
    """Load a page from its file, with every host name leading nowhere.

    Args:
        page: the HTML file.
        scratch: an empty folder for the browser's own files.
        width_px: of the window.
    """
    assert CHROMIUM is not None
    log = scratch / "network.json"
    command = [
        CHROMIUM,
        *_STILL,
        f"--window-size={width_px},900",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={scratch / 'profile'}",
        f"--log-net-log={log}",
        "--enable-logging=stderr",
        "--v=0",
        "--dump-dom",
        page.resolve().as_uri(),
    ]
    environment = {**os.environ, "HOME": str(scratch)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=900, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return Loaded(done.stdout, console, _asked_for(log))


def answer_of(html: str, question: str, scratch: Path, *, width_px: int = 1280) -> Any:  # noqa: ANN401  (what JSON holds)
    """What a script finds in a page, where it may click and print.

    Args:
        html: the page; its rule against scripts that are not its own is lifted.
        question: a JavaScript expression whose value can be written as JSON.
        scratch: an empty folder for the page and the browser's own files.
        width_px: of the window.
    """
    open_html = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", html)
    asking = f"document.body.dataset.answer = encodeURIComponent(JSON.stringify({question}))"
    page = scratch / "asked.html"
    page.write_text(open_html.replace("</body>", f"<script>{asking}</script></body>"), "utf-8")
    found = re.search(r'data-answer="([^"]*)"', load(page, scratch, width_px=width_px).dom)
    assert found is not None
    return json.loads(unquote(found[1]))


def _asked_for(log: Path) -> list[str]:
    """Every address away from this machine that the page wanted, whether it was reached or not."""
    events = json.loads(log.read_text("utf-8"))["events"]
    wanted = [event.get("params", {}) for event in events]
    return sorted(
        {
            params["url"]
            for params in wanted
            if params.get("initiator", _NOT_THE_PAGE) != _NOT_THE_PAGE
            and not params["url"].startswith(_LOCAL)
        }
    )
