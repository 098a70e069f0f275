"""What the base install must do alone: answer, and say what the rest needs.

Packages of the train extra are kept out by a finder that refuses them, as if they were missing.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.inference.example_model import SIZE_PX, sealed_example

from facecover.cli import TRAIN_MODULES

ROOT = Path(__file__).parents[1]

MODULE_NAMES = {"scikit-learn": "sklearn", "ruamel.yaml": "ruamel"}
"""Distributions that are imported by another name than their own."""

BLOCKED = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(TRAIN_MODULES)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""
RUN = "from facecover.cli import main; sys.argv[0] = 'facecover'; main()"
LOADED = f"\nfound = set(sys.modules) & {set(TRAIN_MODULES)!r}\nprint('loaded:', *sorted(found))\n"

Done = subprocess.CompletedProcess[str]


def python(code: str, *arguments: object) -> Done:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(sealed_example())
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE_PX * 4, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


def test_the_extra_is_listed_completely() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = document["project"]["optional-dependencies"]["train"]
    names = [re.split(r"[<>=\[ ]", requirement)[0] for requirement in wanted]
    assert {MODULE_NAMES.get(name, name) for name in names} == TRAIN_MODULES


def test_answering_needs_nothing_of_the_extra(model: Path, photo: Path) -> None:
    code = (
        "from facecover import Classifier\n"
        "classifier = Classifier(sys.argv[1])\n"
        "print(classifier(sys.argv[2]).label)\n"
        "assert len(list(classifier.predict([sys.argv[2]] * 3))) == 3\n"
    )
    done = python(BLOCKED + code + LOADED, model, photo)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() in (["mask", "loaded:"], ["no_mask", "loaded:"])


def test_the_command_loads_nothing_of_the_extra(model: Path, photo: Path) -> None:
    """It stands ready to be loaded here."""
    run = f"import atexit\nimport onnxruntime\natexit.register(lambda: exec({LOADED!r}))\n"
    done = python("import sys\n" + run + RUN, "predict", photo, "--model", model)
    assert done.returncode == 0, done.stderr
    assert "photo.jpg" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_needs_nothing_of_the_extra(arguments: tuple[str, ...]) -> None:
    done = python(BLOCKED + RUN, *arguments)
    assert done.returncode == 0, done.stderr


def test_every_commands_help_and_its_refusal_of_wrong_usage_need_nothing_of_the_extra() -> None:
    code = BLOCKED + (
        "from contextlib import redirect_stderr, redirect_stdout\n"
        "from io import StringIO\n"
        "from facecover.cli.app import _COMMANDS, app\n"
        "for name in _COMMANDS:\n"
        "    for option, status in (('--help', 0), ('--no-such-option', 2)):\n"
        "        text = StringIO()\n"
        "        try:\n"
        "            with redirect_stdout(text), redirect_stderr(text):\n"
        "                app([name, option])\n"
        "        except SystemExit as stop:\n"
        "            assert (stop.code or 0) == status, (name, text.getvalue())\n"
        "        assert 'Usage: ' in text.getvalue(), name\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_a_command_that_needs_the_extra_says_so_in_one_line() -> None:
    commands = (
        ("explore", "photos"),
        ("prepare", "photos", "-o", "dataset"),
        ("train", "net1", "--data", "dataset", "-o", "run"),
        ("evaluate", "model.onnx", "--data", "dataset"),
        ("compare", "a.onnx", "b.onnx", "--data", "dataset"),
        ("demo",),
    )
    code = BLOCKED + (
        "from facecover.cli import main\n"
        f"for command in {commands}:\n"
        "    sys.argv = ['facecover', *command]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as stop:\n"
        "        assert stop.code == 1, command\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(commands)
    for line in lines:
        assert re.fullmatch(
            r"facecover: this command needs \w[\w.]*, which is not installed; "
            r"pip install 'facecover\[train\]'",
            line,
        )


def test_a_module_that_is_missing_by_mistake_keeps_its_traceback() -> None:
    code = BLOCKED + (
        "import facecover.cli.app\n"
        "facecover.cli.app._COMMANDS['draw'] = 'facecover.cli.nowhere:draw_command'\n"
    )
    done = python(code + RUN, "draw", "-o", "folder")
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'facecover.cli.nowhere'" in done.stderr


def test_the_summary_of_each_command_is_its_docstrings() -> None:
    code = (
        "import importlib, sys\n"
        "from facecover.cli.app import _COMMANDS, _summary\n"
        "for place in _COMMANDS.values():\n"
        "    print(bool(_summary(place)))\n"
    )
    done = python(code)
    assert set(done.stdout.split()) == {"True"}, done.stderr
