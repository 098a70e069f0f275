"""`evaluate` and `compare` from Python: what the commands do, and not a word printed."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facecover.cli.evaluate import compare_command, evaluate_command
from facecover.errors import ConfigError
from facecover.evaluation.metrics import METRIC_KEYS
from facecover.workflows.compare_models import COMPARISON_NAME, compare
from facecover.workflows.evaluate_detector import EVALUATION_NAME
from facecover.workflows.evaluate_model import evaluate

TABLE = ["model", "metric", "value", "low", "high", "n"]


def test_a_model_is_evaluated_without_a_word(
    class_folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = evaluate("net1", data=class_folders, output=tmp_path / "out", resamples=100)
    assert capfd.readouterr() == ("", "")
    table = found.to_pandas()
    assert list(table.columns) == TABLE
    assert list(table["metric"]) == list(METRIC_KEYS)
    assert (table["n"] == 120).all()
    assert json.loads((tmp_path / "out" / EVALUATION_NAME).read_text("utf-8")) == found.to_json()
    assert "Accuracy" in found._repr_html_()


def test_models_are_compared_without_a_word(
    class_folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = compare(["net1", "net2"], data=class_folders, output=tmp_path / "out", resamples=100)
    assert capfd.readouterr() == ("", "")
    assert list(found.to_pandas()["model"].unique()) == ["net1", "net2"]
    assert json.loads((tmp_path / "out" / COMPARISON_NAME).read_text("utf-8")) == found.to_json()
    assert "net2" in found._repr_html_()
    with pytest.raises(ConfigError, match="expected two models or more, found 1"):
        compare(["net1"], data=class_folders)


@pytest.mark.parametrize(
    ("function", "command"), [(evaluate, evaluate_command), (compare, compare_command)]
)
def test_the_commands_have_the_same_options_with_the_same_defaults(
    function: Callable[..., object], command: Callable[..., object]
) -> None:
    def options(of: Callable[..., object]) -> dict[str, object]:
        found = inspect.signature(of).parameters.values()
        alike = {one.name: one.default for one in found}
        return {name: [] if value == () else value for name, value in alike.items()}

    own, others = options(function), options(command)
    del own["progress"], others["as_json"]
    assert own == others
