"""The container's steps, without an engine: what is copied, what runs, and as whom."""

import json
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.cli.running import run_here
from tests.serving.test_server import started

ROOT = Path(__file__).parents[2]


def steps() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with what follows it."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(name, rest) for name, _, rest in pairs]


def words(name: str) -> list[str]:
    """The last instruction of a name in its JSON form."""
    found: list[str] = json.loads(re.findall(r"\[.*\]", dict(steps())[name])[0])
    return found


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").split()
    kept = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    copied = [
        name
        for kind, rest in steps()
        if kind == "COPY" and "--from" not in rest
        for name in shlex.split(rest)[:-1]
    ]
    assert {"src", "pyproject.toml"} <= {*copied}
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(fnmatch(name, pattern) for pattern in kept), name


def test_it_runs_without_rights_and_compose_keeps_the_root_closed() -> None:
    user = [rest for kind, rest in steps() if kind == "USER"]
    assert len(user) == 1
    assert int(user[0].partition(":")[0]) > 0
    service: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")["services"]["facecover"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_a_command_runs_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def gettempdir() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", gettempdir)
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    assert run_here("models").status == 0


@pytest.mark.slow
def test_its_command_starts_and_its_health_check_tells(model: Path) -> None:
    assert words("ENTRYPOINT") == ["facecover"]
    command, *options = words("CMD")
    assert command == "serve"
    check = [sys.executable, *words("HEALTHCHECK")[1:]]
    with started("--model", model, *options) as (_, server):
        there = [word.replace(":8000", f":{server.port}") for word in check]
        assert there != check
        assert subprocess.run(there, check=False, timeout=60).returncode == 0
    gone = subprocess.run(there, check=False, timeout=60, capture_output=True)
    assert gone.returncode == 1
