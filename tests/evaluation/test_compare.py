import dataclasses
import json

import numpy as np
import pytest
from tests.evaluation.synthetic import FakeClassifier, evaluation_of, fake_images

from facemask.errors import DatasetError
from facemask.evaluation.compare import compare
from facemask.evaluation.evaluate import evaluate
from facemask.evaluation.evaluation import Evaluation


def _answering(name: str, is_right: list[bool]) -> Evaluation:
    """Right or wrong image by image, on labels 0, 1, 0, 1..."""
    labels = np.arange(len(is_right)) % 2
    answers = np.where(is_right, labels, 1 - labels)
    images = fake_images(np.eye(2)[answers])
    return evaluate(FakeClassifier(), images, labels, name=name, resamples=200)


def test_a_better_model_is_called_better_in_either_order() -> None:
    weak, strong = evaluation_of("weak", 400, skill=0.5), evaluation_of("strong", 400, skill=3)
    for order in ((weak, strong), (strong, weak)):
        (pair,) = compare(order).pairs
        assert pair.sentence.startswith("strong is better than weak by ")
        assert "on these 400 images" in pair.sentence
        bounds = pair.differences["accuracy"].ci95
        assert bounds is not None
        assert min(abs(bounds[0]), abs(bounds[1])) > 0
    gain = strong.metrics.values["accuracy"] or 0
    assert pair.differences["accuracy"].value == (weak.metrics.values["accuracy"] or 0) - gain


def test_the_sentence_turns_the_interval_with_the_models() -> None:
    weak, strong = evaluation_of("weak", 400, skill=0.5), evaluation_of("strong", 400, skill=3)
    forth, back = compare([weak, strong]).pairs[0], compare([strong, weak]).pairs[0]
    assert forth.sentence == back.sentence
    assert "\N{MINUS SIGN}" not in forth.sentence


def test_models_of_one_skill_show_no_difference() -> None:
    (pair,) = compare([evaluation_of("a", 300, seed=1), evaluation_of("b", 300, seed=2)]).pairs
    assert pair.sentence.startswith("No difference shown")
    assert pair.mcnemar.p_value > 0.05


def test_a_model_against_itself() -> None:
    first = evaluation_of("a")
    (pair,) = compare([first, dataclasses.replace(first, name="b")]).pairs
    assert pair.sentence == (
        "No difference shown: a and b make the same mistakes on these 120 images."
    )
    assert all(one.value == 0 and one.ci95 is None for one in pair.differences.values())
    assert pair.mcnemar.p_value == 1


def test_equal_scores_with_other_mistakes() -> None:
    first = _answering("a", [True, False] * 10)
    second = _answering("b", [False, True] * 10)
    (pair,) = compare([first, second]).pairs
    assert "a score the same" in pair.sentence or "b and a score the same" in pair.sentence
    assert pair.mcnemar.n10 == pair.mcnemar.n01 == 10


def test_always_right_against_always_wrong_has_a_winner_and_no_interval() -> None:
    (pair,) = compare([_answering("right", [True] * 20), _answering("wrong", [False] * 20)]).pairs
    assert pair.differences["accuracy"].ci95 is None
    assert pair.sentence == (
        "right is better than wrong by 100.0 points of accuracy (McNemar p < 0.001) on these "
        "20 images."
    )


def test_paired_intervals_are_narrower_than_the_models_own() -> None:
    first = evaluation_of("a", 400)
    flipped = first.answers.probabilities.copy()
    flipped[:4] = flipped[:4, ::-1]
    images = fake_images(flipped)
    second = evaluate(
        FakeClassifier(), images, first.answers.labels, name="b", data_digest=first.data_digest,
        resamples=200,
    )  # fmt: skip
    bounds = compare([first, second]).pairs[0].differences["accuracy"].ci95
    own = first.metrics.ci95["accuracy"]
    assert bounds is not None
    assert own is not None
    assert bounds[1] - bounds[0] < 0.5 * (own[1] - own[0])


def test_three_models_make_three_pairs() -> None:
    comparison = compare([evaluation_of(name, seed=i) for i, name in enumerate("abc")])
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    text = json.dumps(comparison.to_json(), allow_nan=False)
    assert set(json.loads(text)) == {"evaluations", "pairs"}


def test_other_images_are_refused() -> None:
    first = evaluation_of("a")
    with pytest.raises(DatasetError, match="found data abababababab and cdcdcdcdcdcd"):
        compare([first, evaluation_of("b", data_digest="cd" * 32)])
    with pytest.raises(DatasetError, match="120 of test and 120 of val"):
        compare([first, evaluation_of("b", split="val")])
    with pytest.raises(DatasetError, match="120 of test and 60 of test"):
        compare([first, evaluation_of("b", rows=np.arange(60))])
    relabelled = dataclasses.replace(first.answers, labels=1 - first.answers.labels)
    with pytest.raises(DatasetError, match="other labels"):
        compare([first, dataclasses.replace(first, name="b", answers=relabelled)])


def test_models_need_names_and_company() -> None:
    first = evaluation_of("a")
    with pytest.raises(DatasetError, match="two models or more to compare, found 1"):
        compare([first])
    with pytest.raises(DatasetError, match="a name of its own for each model, found a, a"):
        compare([first, first])
