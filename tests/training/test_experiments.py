import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import facecover
from facecover.errors import ConfigError
from facecover.training.config import Experiment
from facecover.training.experiments import (
    experiment_names,
    experiment_to_yaml,
    known_paths,
    load_experiment,
)
from facecover.yaml_text import read_yaml, to_yaml

VALUES = [".".join(path) for path, is_section in known_paths(Experiment).items() if not is_section]


SHORT = "name: own\nnetwork: {name: net1}\n"


def _written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_study_networks_come_with_the_package() -> None:
    assert {"net1", "net2"} <= set(experiment_names())


def test_an_installed_package_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facecover, "__file__", str(tmp_path / "facecover" / "__init__.py"))
    (tmp_path / "facecover" / "experiments").mkdir(parents=True)
    text = experiment_to_yaml(load_experiment(_written(tmp_path, SHORT), ["seed=5"]))
    (tmp_path / "facecover" / "experiments" / "inside.yaml").write_text(text, encoding="utf-8")
    assert experiment_names() == ("inside",)
    assert load_experiment("inside").seed == 5


@pytest.mark.parametrize("name", ["net1", "net2", "maskresnet"])
def test_every_hyperparameter_stands_in_the_file(name: str) -> None:
    path = Path(__file__).parents[2] / "experiments" / f"{name}.yaml"
    written = read_yaml(path.read_text(encoding="utf-8"), str(path))
    # YAML has lists alone.
    assert written == json.loads(json.dumps(load_experiment(name).model_dump()))
    assert written["training"]["test_curves"] is False


@pytest.mark.parametrize("name", ["net1", "net2"])
def test_the_study_used_no_dropout_and_no_augmentation(name: str) -> None:
    experiment = load_experiment(name)
    assert experiment.network.dropout == 0
    assert experiment.augmentation is None


def test_what_is_written_loads_equal(tmp_path: Path) -> None:
    overrides = ("optimizer.weight_decay=1e-5", "training.early_stopping_epochs=3", "seed=7")
    experiment = load_experiment("net2", overrides)
    assert load_experiment(_written(tmp_path, experiment_to_yaml(experiment))) == experiment


def test_sizes_left_out_are_the_networks_own(tmp_path: Path) -> None:
    path = _written(tmp_path, "name: own\nnetwork:\n  name: net2\n")
    assert load_experiment(path).network == load_experiment("net2").network


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("optimizer.learning_rate=1e-3", 0.001),
        ("optimizer.learning_rate=0.25", 0.25),
        ("optimizer.learning_rate=1", 1.0),
        ("training.epochs=010", 10),
        ("training.test_curves=true", True),
        ("training.early_stopping_epochs=null", None),
        ("training.monitor=val_f1", "val_f1"),
    ],
)
def test_overrides_are_read_as_people_mean_them(override: str, value: object) -> None:
    section, key = override.partition("=")[0].split(".")
    assert load_experiment("net1", [override]).model_dump()[section][key] == value


def test_the_last_of_two_overrides_wins() -> None:
    assert load_experiment("net1", ["seed=1", "seed=2"]).seed == 2


def test_a_section_can_be_overridden_whole() -> None:
    network = load_experiment("net1", ["network={name: net2, width: 0.5}"]).network
    assert (network.name, network.input_size_px, network.width) == ("net2", 64, 0.5)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.learning_rte=3", "optimizer.learning_rte: unknown key; did you mean 'learn"),
        ("learning_rate=3", "learning_rate: unknown key; did you mean 'optimizer.learning_rate'"),
        ("qqq=1", "qqq: unknown key; expected one of name, seed, network, optimizer, training"),
        ("seed.more=1", "seed.more: unknown key"),
        ("network={name: net2, widht: 2}", "network.widht: unknown key; did you mean 'width'"),
        ("optimizer.learning_rate=fast", "learning_rate: expected a valid number, found 'fast'"),
        ("optimizer.learning_rate=.nan", "learning_rate: expected"),
        ("optimizer.weight_decay=-1", "expected greater than or equal to 0, found -1"),
        ("training.epochs=1.5", "training.epochs: expected a valid integer, found 1.5"),
        ("training.epochs=true", "training.epochs: expected a valid integer, found True"),
        ("training.test_curves=no", "expected a valid boolean, found 'no'"),
        ("network=3", "network: expected a section of keys, found 3"),
        (
            "network.name=net22",
            "expected one of net1, net2, residual, found 'net22'; did you mean 'net2'?",
        ),
        ("network.input_size_px=36", "expected a multiple of 8, since net1 halves"),
        ("network.first_filter_px=7", "expected 3 or 5, found 7"),
        ("network.dropout=1", "network.dropout: expected less than 1, found 1"),
        ("network.squeeze_excite=true", "squeeze_excite: expected false, since net1 has no blocks"),
        ("network.antialias=true", "antialias: expected false, since net1 has no blocks"),
        ("augmentation={swapped_faces: 0.5}", "augmentation: expected wide_cuts 1 or more with"),
        ("augmentation.wide_cuts=9", "augmentation.wide_cuts: expected"),
        ("augmentation.wide_cuts=twice", "augmentation.wide_cuts: expected a valid integer"),
        (
            "training.monitor=test_loss",
            "expected 'val_loss', 'val_accuracy', 'val_f1', 'val_roc_auc' or",
        ),
        (
            "training={monitor: last_epoch, early_stopping_epochs: 3}",
            "early_stopping_epochs: expected null, since monitor is last_epoch, found 3",
        ),
        (
            "training={test_curves: true, refit: true}",
            "training.refit: expected false with test_curves",
        ),
        ("name=two words", "name: expected match pattern"),
        ("seed", "expected key=value, such as"),
        ("=3", "expected key=value, such as"),
        ("seed=[1", "not YAML: expected ',' or ']'"),
    ],
)
def test_a_wrong_override_names_itself(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_experiment("net1", [override])
    assert str(caught.value).startswith(f"--set {override}: ")
    assert message in str(caught.value)


def test_windows_are_not_taken_from_fewer_pixels_than_the_network_sees() -> None:
    message = r"augmentation\.source_size_px: expected network\.input_size_px 128 or more, found 96"
    with pytest.raises(ConfigError, match=message):
        load_experiment("maskresnet", ["network.input_size_px=128", "network.look_size_px=null"])


def test_a_wrong_key_names_its_file(tmp_path: Path) -> None:
    path = _written(tmp_path, "name: own\nnetwork: {name: net1}\noptimizer: {learning_rte: 1}\n")
    message = r"own\.yaml: optimizer\.learning_rte: unknown key; did you mean 'learning_rate'\?"
    with pytest.raises(ConfigError, match=message):
        load_experiment(path)


def test_a_right_override_does_not_take_the_blame(tmp_path: Path) -> None:
    path = _written(tmp_path, "name: own\nnetwork: {name: net1, width: wide}\n")
    with pytest.raises(ConfigError, match=r"own\.yaml: network\.width: expected a valid number"):
        load_experiment(path, ["network.dropout=0.5"])


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = _written(tmp_path, "seed: -1\nnetwork: {name: net1, depth: 3}\n")
    with pytest.raises(ConfigError, match=r"name: missing; .*seed: .*; .*network\.depth: unknown"):
        load_experiment(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"- a\n- b\n", "expected keys with values, found a list"),
        (b"just words", "expected keys with values, found a str"),
        (b"name: [", "not YAML: .* in line 1, column 8"),
        (b"seed: 1\nseed: 2\n", "not YAML: found duplicate key .seed. .* in line 2, column 1"),
        (b"a: {1: 2, [3]: 4}\n", "a: unknown key"),
        (b"name: !!python/object:os.system x\n", "not YAML: could not determine a constructor"),
        (b"name: caf\xe9\n", r"expected YAML in UTF-8, .* \(byte 9\)"),
        (b"\x89PNG\r\n", "expected YAML in UTF-8"),
        (b"[" * 5000, "nested too deep"),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_experiment(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_experiment_names_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"nett1: no such experiment \(did you mean 'net1'\?\)"):
        load_experiment("nett1")


def test_a_missing_file_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"net1\.yaml: no such experiment"):
        load_experiment(tmp_path / "net1.yaml")


@pytest.mark.parametrize(("said", "times"), [("true", 1), ("false", 0), ("3", 3)])
def test_wide_cuts_are_counted_and_earlier_runs_said_true_or_false(said: str, times: int) -> None:
    changes = [
        f"augmentation.wide_cuts={said}",
        "augmentation.swapped_faces=0",
        "network.look_size_px=null",
    ]
    augmentation = load_experiment("maskresnet", changes).augmentation
    assert augmentation is not None
    assert type(augmentation.wide_cuts) is int
    assert augmentation.wide_cuts == times


def test_a_folder_is_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected an experiment as a YAML file, found a folder"):
        load_experiment(tmp_path)


@given(st.one_of(st.text(), st.builds("{}={}".format, st.sampled_from(VALUES), st.text())))
@example("seed=1e999")
@example("seed=!!timestamp 2024-99-99")
@example("seed=" + "9" * 5000)
@example("training.epochs=!!int x")
@example("name=*a")
@example("name=&a [*a]")
@example("name=!!set {a, b}")
@example("name=!!binary =")
@example("name=!!omap [a]")
@example("name=!!float ''")
@example("network={<<: 3}")
def test_an_override_is_taken_or_refused(override: str) -> None:
    experiment, message = None, ""
    try:
        experiment = load_experiment("net1", [override])
    except ConfigError as error:
        message = str(error)
    if experiment is None:
        assert override in message
    else:
        assert read_yaml(experiment_to_yaml(experiment), "here") == experiment.model_dump(
            mode="json"
        )


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_yaml_numbers_survive(text: str, real: float, whole: int) -> None:
    assert read_yaml(repr(real), "here") == real
    assert read_yaml(str(whole), "here") == whole
    assert read_yaml(to_yaml({"text": text}), "here").keys() == {"text"}
