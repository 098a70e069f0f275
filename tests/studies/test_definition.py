from pathlib import Path

import pytest

from facecover.errors import ConfigError
from facecover.studies.definition import changed_study, check_variants, read_study, study_names
from facecover.studies.runs import experiment_of, input_sizes
from facecover.training.network import check_budget, describe_network

GOOD = """\
name: own
question: Is it so?
variants:
  - {name: plain, experiment: net1}
  - {name: wide, experiment: net1, set: {network.width: 2.0, optimizer.learning_rate: 1e-4}}
divisions: [merged-group]
"""


def _written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_studies_come_with_the_package() -> None:
    expected = [
        "data-size",
        "epochs",
        "first-filter",
        "input-size",
        "regularisation",
        "splits",
        "width",
    ]
    assert set(expected) <= set(study_names())


@pytest.mark.parametrize("name", study_names())
def test_every_study_that_comes_along_is_whole(name: str) -> None:
    study = read_study(name)
    assert study.name == name
    assert study.question.endswith("?")
    assert study.expects
    for variant in study.variants:
        check_budget(describe_network(experiment_of(variant, 0).network))
    if study.divisions == ["merged-group"]:
        assert study.judged_on == "val"
        assert len(study.seeds) >= 3


def test_a_study_says_what_it_leaves_out(tmp_path: Path) -> None:
    study = read_study(_written(tmp_path, GOOD))
    assert study.seeds == [0, 1, 2]
    assert study.baseline == "plain"
    assert study.pairs == (("wide", "plain"),)
    wide = experiment_of(study.variants[1], 7, ["training.epochs=3"])
    assert (wide.name, wide.seed, wide.network.width) == ("wide", 7, 2.0)
    assert (wide.optimizer.learning_rate, wide.training.epochs) == (1e-4, 3)
    assert input_sizes(study) == (32,)
    assert input_sizes(study, ["network.input_size_px=64"]) == (64,)
    assert input_sizes(study, ["augmentation.source_size_px=48"]) == (32, 48)


def test_an_experiment_may_lie_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nnetwork: {name: net2}\n", encoding="utf-8")
    study = read_study(
        _written(tmp_path, GOOD.replace("experiment: net1}", "experiment: mine.yaml}"))
    )
    assert experiment_of(study.variants[0], 0).network.name == "net2"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("question:", "qestion:", "qestion: unknown key; did you mean 'question'"),
        ("{name: plain, experiment", "{name: plain, experimnt", "variant 1: experimnt: unknown"),
        ("{name: plain, experiment: net1}", "plain", "variant 1: expected keys with values"),
        ("[merged-group]", "[merged]", "expected 'each-random', 'each-group'"),
        ("[merged-group]", "[]", "divisions: expected at least 1 item"),
        ("[merged-group]", "[left-out, left-out]", "divisions: 'left-out' stands twice"),
        ("[merged-group]", "[left-out]\njudged_on: val", "judged_on: 'left-out' has its photos"),
        ("name: wide", "name: plain", "variants: 'plain' stands twice"),
        ("name: wide", "name: 2wide", "variant 2: name: expected match pattern"),
        ("net1}", "net1, data_share: 2}", "variant 1: data_share: expected less than or equal"),
        ("net1}", "net1, baseline: yes}", "variant 1: baseline: expected a valid boolean"),
        ("divisions:", "seeds: [0, 0]\ndivisions:", "seeds: 0 stands twice"),
        ("divisions:", "seeds: [-1]\ndivisions:", "seeds.0: expected greater than or equal to 0"),
        ("divisions:", "expects: [{better: x}]\ndivisions:", "(plain, wide), found 'x'"),
        ("divisions:", "expects: [{better: plain}]\ndivisions:", "cannot be better than itself"),
        ("divisions:", "expects: [{than: plain}]\ndivisions:", "either 'better' or 'at_least'"),
        (GOOD, "", "the file is empty; expected a study like splits"),
        (GOOD, "- a", "expected keys with values, found a list"),
        (GOOD, "name: [", "not YAML"),
    ],
)
def test_a_wrong_study_is_refused_in_one_line(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    path = _written(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(ConfigError) as caught:
        read_study(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text
    assert ": : " not in text


def test_a_wrong_value_of_a_variant_names_it(tmp_path: Path) -> None:
    study = read_study(_written(tmp_path, GOOD.replace("network.width", "network.widht")))
    with pytest.raises(ConfigError, match=r"variant wide: --set network\.widht=2\.0: .*'width'"):
        input_sizes(study)


def test_no_variant_learns_from_what_it_is_measured_on(tmp_path: Path) -> None:
    study = read_study(_written(tmp_path, GOOD))
    with pytest.raises(ConfigError, match=r"variant \w+: training\.refit: expected false"):
        input_sizes(study, ["training.refit=true"])


def test_a_missing_study_names_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"split: no such study \(did you mean 'splits'\?\)"):
        read_study("split")


def test_a_study_can_be_changed_and_is_checked_again() -> None:
    study = changed_study(read_study("width"), {"seeds": [5], "divisions": ["merged-random"]})
    assert (study.seeds, study.divisions) == ([5], ["merged-random"])
    with pytest.raises(ConfigError, match="width: seeds: 5 stands twice"):
        changed_study(study, {"seeds": [5, 5]})
    with pytest.raises(ConfigError, match="--only wide: width has no such variant; expected one"):
        check_variants(study, ["wide"])
