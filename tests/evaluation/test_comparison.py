import dataclasses
import json

import numpy as np
import pytest
from tests.evaluation.synthetic import FakeClassifier, evaluation_of, fake_images, model_info

from facecover.errors import DatasetError
from facecover.evaluation.comparison import compare_evaluations
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.evaluation.significance import holm


def _answering(name: str, is_right: list[bool]) -> Evaluation:
    """Right or wrong image by image, on labels 0, 1, 0, 1..."""
    labels = np.arange(len(is_right)) % 2
    answers = np.where(is_right, labels, 1 - labels)
    images = fake_images(np.eye(2)[answers])
    return evaluate_images(FakeClassifier(), images, labels, name=name, resamples=200)


def test_a_better_model_is_called_better_in_either_order() -> None:
    weak, strong = evaluation_of("weak", 400, skill=0.5), evaluation_of("strong", 400, skill=3)
    for order in ((weak, strong), (strong, weak)):
        (pair,) = compare_evaluations(order).pairs
        assert pair.sentence.startswith("strong is better than weak by ")
        assert "on these 400 images" in pair.sentence
        bounds = pair.differences["accuracy"].ci95
        assert bounds is not None
        assert min(abs(bounds[0]), abs(bounds[1])) > 0
    gain = strong.metrics.values["accuracy"] or 0
    assert pair.differences["accuracy"].value == (weak.metrics.values["accuracy"] or 0) - gain


def test_the_sentence_turns_the_interval_with_the_models() -> None:
    weak, strong = evaluation_of("weak", 400, skill=0.5), evaluation_of("strong", 400, skill=3)
    forth, back = (
        compare_evaluations([weak, strong]).pairs[0],
        compare_evaluations([strong, weak]).pairs[0],
    )
    assert forth.sentence == back.sentence
    assert "\N{MINUS SIGN}" not in forth.sentence


def test_models_of_one_skill_show_no_difference() -> None:
    (pair,) = compare_evaluations(
        [evaluation_of("a", 300, seed=1), evaluation_of("b", 300, seed=2)]
    ).pairs
    assert pair.sentence.startswith("No difference shown")
    assert pair.p_value > 0.05


def test_a_model_against_itself() -> None:
    first = evaluation_of("a")
    (pair,) = compare_evaluations([first, dataclasses.replace(first, name="b")]).pairs
    assert pair.sentence == (
        "No difference shown: a and b make the same mistakes on these 120 images."
    )
    assert all(one.value == 0 and one.ci95 is None for one in pair.differences.values())
    assert pair.p_value == 1


def test_equal_scores_with_other_mistakes() -> None:
    first = _answering("a", [True, False] * 10)
    second = _answering("b", [False, True] * 10)
    (pair,) = compare_evaluations([first, second]).pairs
    assert "a score the same" in pair.sentence or "b and a score the same" in pair.sentence
    assert pair.mcnemar is not None
    assert pair.mcnemar.n10 == pair.mcnemar.n01 == 10


def test_always_right_against_always_wrong_has_a_winner_and_no_interval() -> None:
    (pair,) = compare_evaluations(
        [_answering("right", [True] * 20), _answering("wrong", [False] * 20)]
    ).pairs
    assert pair.differences["accuracy"].ci95 is None
    assert pair.sentence == (
        "right is better than wrong by 100.0 points of accuracy (McNemar p < 0.001) on these "
        "20 images."
    )


def _right_and_wrong(n_groups: int) -> tuple[Evaluation, Evaluation]:
    """Always right and always wrong on 40 images in groups of one size."""
    labels = np.arange(40) % 2
    groups = np.arange(40) % n_groups
    right, wrong = (
        evaluate_images(
            FakeClassifier(),
            fake_images(np.eye(2)[answers]),
            labels,
            name=name,
            groups=groups,
            resamples=200,
        )
        for name, answers in (("right", labels), ("wrong", 1 - labels))
    )
    return right, wrong


def test_images_of_one_group_show_no_difference() -> None:
    (pair,) = compare_evaluations(_right_and_wrong(1)).pairs
    assert pair.sentence == (
        "No difference shown: right has 100.0 points more accuracy than wrong, which may be chance "
        "(1 group of images that belong together give no interval; McNemar p < 0.001) on these 40 "
        "images."
    )


def test_many_groups_that_all_differ_have_a_winner_without_an_interval() -> None:
    (pair,) = compare_evaluations(_right_and_wrong(20)).pairs
    assert pair.sentence == (
        "right is better than wrong by 100.0 points of accuracy (20 groups of images that belong "
        "together give no interval; McNemar p < 0.001) on these 40 images."
    )


def test_paired_intervals_are_narrower_than_the_models_own() -> None:
    first = evaluation_of("a", 400)
    flipped = first.answers.probabilities.copy()
    flipped[:4] = flipped[:4, ::-1]
    images = fake_images(flipped)
    second = evaluate_images(
        FakeClassifier(), images, first.answers.labels, name="b", data_digest=first.data_digest,
        resamples=200,
    )  # fmt: skip
    bounds = compare_evaluations([first, second]).pairs[0].differences["accuracy"].ci95
    own = first.metrics.ci95["accuracy"]
    assert bounds is not None
    assert own is not None
    assert bounds[1] - bounds[0] < 0.5 * (own[1] - own[0])


def test_three_models_make_three_pairs() -> None:
    comparison = compare_evaluations([evaluation_of(name, seed=i) for i, name in enumerate("abc")])
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    text = json.dumps(comparison.to_json(), allow_nan=False)
    assert set(json.loads(text)) == {"evaluations", "contenders", "pairs"}


def test_the_sentence_of_the_best_and_its_next_rival_stands_first() -> None:
    right = {"middle": 14, "best": 20, "worst": 2}
    found = compare_evaluations(
        [_answering(name, [i < n for i in range(20)]) for name, n in right.items()]
    )
    heads = [sentence.split(" by ")[0] for sentence in found.sentences]
    assert heads[0].startswith(("best is better than middle", "No difference shown: best has"))
    assert heads[1:] == ["best is better than worst", "middle is better than worst"]


def test_other_images_are_refused() -> None:
    first = evaluation_of("a")
    with pytest.raises(DatasetError, match="found data abababababab and cdcdcdcdcdcd"):
        compare_evaluations([first, evaluation_of("b", data_digest="cd" * 32)])
    with pytest.raises(DatasetError, match="120 of test and 120 of val"):
        compare_evaluations([first, evaluation_of("b", split="val")])
    with pytest.raises(DatasetError, match="120 of test and 60 of test"):
        compare_evaluations([first, evaluation_of("b", rows=np.arange(60))])
    relabelled = dataclasses.replace(first.answers, labels=1 - first.answers.labels)
    with pytest.raises(DatasetError, match="other labels"):
        compare_evaluations([first, dataclasses.replace(first, name="b", answers=relabelled)])


def test_models_need_names_and_company() -> None:
    first = evaluation_of("a")
    with pytest.raises(DatasetError, match="two models or more to compare, found 1"):
        compare_evaluations([first])
    with pytest.raises(DatasetError, match="a name of its own for each model, found a, a"):
        compare_evaluations([first, first])


def _seeded(name: str, seed: int, *, skill: float, experiment: str = "net1") -> Evaluation:
    """A model of an experiment with a seed in its file."""
    info = model_info(experiment, config={"network": {"name": experiment}, "seed": seed})
    return dataclasses.replace(evaluation_of(name, 300, seed=seed, skill=skill), model=info)


def test_p_values_of_three_models_are_corrected_and_called_so() -> None:
    pairs = compare_evaluations(
        [evaluation_of(name, 200, seed=i) for i, name in enumerate("abc")]
    ).pairs
    assert [pair.p_holm for pair in pairs] == holm([pair.p_value for pair in pairs])
    assert all("after Holm's correction for 3 pairs" in pair.sentence for pair in pairs)
    (alone,) = compare_evaluations([evaluation_of("a", 200), evaluation_of("b", 200, seed=1)]).pairs
    assert alone.p_holm is None
    assert "Holm" not in alone.sentence


def test_seeds_of_one_experiment_are_compared_by_their_mean() -> None:
    weak = [_seeded(f"weak {seed}", seed, skill=0.6) for seed in range(3)]
    strong = [_seeded(f"strong {seed}", seed, skill=3, experiment="net2") for seed in range(3)]
    comparison = compare_evaluations([*weak, *strong])
    assert [one.name for one in comparison.contenders] == ["net1 (3 seeds)", "net2 (3 seeds)"]
    accuracies = [one.metrics.values["accuracy"] or 0.0 for one in weak]
    first = comparison.contenders[0]
    assert first.values["accuracy"] == pytest.approx(np.mean(accuracies))
    assert first.spread["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    assert first.ranges["accuracy"] == (min(accuracies), max(accuracies))
    (pair,) = comparison.pairs
    assert pair.mcnemar is None
    assert pair.test == "sign flips"
    assert pair.sentence.startswith("net2 (3 seeds) is better than net1 (3 seeds) by ")
    json.dumps(comparison.to_json(), allow_nan=False)


def test_seeds_widen_the_interval_of_their_mean() -> None:
    unlike = [_seeded(f"m{seed}", seed, skill=skill) for seed, skill in enumerate((0.3, 1.5, 4))]
    together = compare_evaluations(unlike).contenders[0].ci95["accuracy"]
    alone = unlike[1].metrics.ci95["accuracy"]
    assert together is not None
    assert alone is not None
    assert together[1] - together[0] > alone[1] - alone[0]


def test_the_order_of_the_runs_changes_nothing() -> None:
    first = [_seeded(f"a{seed}", seed, skill=skill) for seed, skill in enumerate((1.2, 1.5, 1.8))]
    other = [
        _seeded(f"b{seed}", seed, skill=skill, experiment="net2")
        for seed, skill in ((3, 1.3), (4, 1.6), (5, 1.9))
    ]
    (forth,), (back,) = (
        compare_evaluations([*first, *seconds]).pairs for seconds in (other, other[::-1])
    )
    assert forth == back


def test_what_a_seed_does_to_both_falls_out_of_their_difference() -> None:
    skills = (0.5, 1.5, 4)
    first, same = (
        [_seeded(f"{name}{seed}", seed, skill=skills[seed], experiment=name) for seed in range(3)]
        for name in ("net1", "net2")
    )
    others = [
        dataclasses.replace(
            one, model=model_info("net3", config={"seed": seed + 3}), name=f"c{seed}"
        )
        for seed, one in enumerate(first)
    ]
    (paired,), (unpaired,) = (
        compare_evaluations([*first, *second]).pairs for second in (same, others)
    )
    assert paired.differences["accuracy"].ci95 is None  # they answer alike, seed by seed
    assert unpaired.differences["accuracy"].ci95 is not None


def test_all_seeds_of_one_experiment_leave_nothing_to_compare() -> None:
    comparison = compare_evaluations([_seeded(f"m{seed}", seed, skill=1.5) for seed in range(3)])
    assert len(comparison.contenders) == 1
    assert comparison.pairs == ()


def test_the_same_seed_twice_or_other_settings_are_no_seeds_of_one() -> None:
    twice = [_seeded("a", 1, skill=1), _seeded("b", 1, skill=2)]
    assert [one.seeds for one in compare_evaluations(twice).contenders] == [(), ()]
    other = [_seeded("a", 1, skill=1), _seeded("b", 2, skill=2, experiment="net2")]
    assert [one.name for one in compare_evaluations(other).contenders] == ["a", "b"]
