"""The worked examples of CONTRIBUTING.md, applied to a copy of the source and used."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = dict(
    re.findall(
        r"^### A new ([^\n]+)\n.*?^```diff\n(.*?)^```",
        (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
        re.M | re.S,
    )
)
MOST_FILES = {"metric": 3, "photo layout": 2, "corruption": 1, "network": 3, "option": 2}

Run = Callable[..., str]


@pytest.fixture
def changed(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs Python with an example's change; the repository stays as it is."""
    for name in ("src", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name)
    diff = EXAMPLES[request.param]
    subprocess.run(
        ["git", "apply", "--unidiff-zero", "-"], input=diff, text=True, check=True, cwd=tmp_path
    )
    settings = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}

    def run(*arguments: object) -> str:
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(
            command, env=settings, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(("name", "most"), MOST_FILES.items())
def test_an_example_takes_few_files(name: str, most: int) -> None:
    assert 1 <= len(re.findall(r"^\+\+\+ ", EXAMPLES[name], re.M)) <= most


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["metric"], indirect=True)
def test_a_new_metric_is_measured_with_an_interval(changed: Run, few_photos: Path) -> None:
    command = ("-m", "facecover", "evaluate", "net1", "--data", few_photos, "--resamples", 100)
    found = json.loads(changed(*command, "--json"))
    assert 0 <= found["specificity"] <= 1
    assert found["ci95"]["specificity"] is not None


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["photo layout"], indirect=True)
def test_a_new_layout_is_read(changed: Run, few_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, path in enumerate(sorted(few_photos.rglob("*.jpg"))):
        shutil.copy(path, photos / f"{path.parent.name}-{number}.jpg")
    found = json.loads(
        changed("-m", "facecover", "explore", photos, "--layout", "prefixes", "--json")
    )
    assert found["counts"]["by_class"] == {"no_mask": 12, "mask": 12}


@pytest.mark.parametrize("changed", ["corruption"], indirect=True)
def test_a_new_corruption_stands_with_the_others(changed: Run) -> None:
    code = (
        "import numpy as np\n"
        "from facecover.evaluation.corruptions import KINDS, corrupted\n"
        "kind = next(kind for kind in KINDS if kind.key == 'dead_pixels')\n"
        "images = np.full((4, 64, 64, 3), 200, np.uint8)\n"
        "print((corrupted(images, kind, 5, rows=np.arange(4)) == 0).mean())\n"
    )
    assert 0.2 < float(changed("-c", code)) < 0.4


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["network"], indirect=True)
def test_a_new_network_has_an_experiment(changed: Run) -> None:
    code = (
        "from facecover.training.experiments import load_experiment\n"
        "from facecover.training.network import describe_network\n"
        "experiment = load_experiment('half', [])\n"
        "print(describe_network(experiment.network, 2).parameters)\n"
    )
    assert 90_000 < int(changed("-c", code)) < 110_000


@pytest.mark.parametrize("changed", ["option"], indirect=True)
def test_a_new_option_of_predict_works(changed: Run, few_photos: Path) -> None:
    out = changed("-m", "facecover", "predict", few_photos, "--limit", 3)
    assert len(out.splitlines()) == 3
