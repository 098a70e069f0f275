"""A page in headless Chromium: what it says on its console, and what it asks the network for."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

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


def load(page: Path, scratch: Path) -> Loaded:
    """Load a page from its file, with every host name leading nowhere.

    Args:
        page: the HTML file.
        scratch: an empty folder for the browser's own files.
    """
    assert CHROMIUM is not None
    log = scratch / "network.json"
    command = [
        CHROMIUM,
        *_STILL,
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
        command, capture_output=True, text=True, check=False, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return Loaded(done.stdout, console, _asked_for(log))


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
