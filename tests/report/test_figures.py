import re

import numpy as np
import pytest
from tests.evaluation.synthetic import FakeClassifier, evaluation_of, fake_images, model_info

from facecover.evaluation.comparison import compare_evaluations
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.report.comparison_page import differences_figure, intervals_figure
from facecover.report.metric_figures import (
    confusion_figure,
    ranking_figures,
    reliability_figure,
    roc_figure,
    score_figure,
)
from facecover.report.run_figures import layer_figure


def _perfect(n: int = 40) -> Evaluation:
    labels = np.arange(n) % 2
    return evaluate_images(FakeClassifier(), fake_images(np.eye(2)[labels]), labels, resamples=100)


def _alternative(markup: str) -> str:
    found = re.search(r'aria-label="([^"]*)"', markup)
    assert found is not None
    return found[1]


def test_every_figure_has_a_caption_and_an_alternative_text() -> None:
    evaluations = [evaluation_of("one"), evaluation_of("two", seed=1)]
    comparison = compare_evaluations(evaluations)
    figures = [
        *ranking_figures(evaluations, ["model_1", "model_2"]),
        reliability_figure(evaluations, ["model_1", "model_2"]),
        score_figure(evaluations[0]),
        confusion_figure(evaluations[0]),
        intervals_figure(comparison),
        differences_figure(comparison.pairs[0]),
        layer_figure(model_info().network),
    ]
    assert len({figure.title for figure in figures}) == len(figures)
    for figure in figures:
        assert len(_alternative(str(figure.markup))) > 30
        assert str(figure.caption).endswith(".")
        assert len(str(figure.markup)) < 100_000
        assert "nan" not in _alternative(str(figure.markup))


def test_the_confusion_matrix_is_told_in_words_too() -> None:
    evaluation = evaluation_of("net")
    words = _alternative(str(confusion_figure(evaluation).markup))
    (right, _), (missed, _) = evaluation.metrics.confusion
    n_bare, n_mask = evaluation.metrics.n_by_class
    assert f"{right} of {n_bare} no_mask answered no_mask" in words
    assert f"{missed} of {n_mask} mask answered no_mask" in words


def test_a_good_model_is_drawn_close_up() -> None:
    assert "Only the upper left corner" in str(roc_figure([_perfect()], ["model_1"]).caption)
    weak = evaluation_of("net", skill=0.3)
    assert "Only the upper left corner" not in str(roc_figure([weak], ["model_1"]).caption)


def test_the_operating_point_is_in_the_caption() -> None:
    caption = str(roc_figure([_perfect()], ["model_1"]).caption)
    assert "100.0% of the masks found at 0.0% false alarms" in caption


def test_a_class_without_images_has_no_shares_of_it() -> None:
    images = fake_images(np.full((20, 2), 0.5))
    one_sided = evaluate_images(FakeClassifier(), images, np.ones(20, dtype=int), resamples=100)
    markup = str(confusion_figure(one_sided).markup)
    assert "of mask" in markup
    assert "% of no_mask" not in markup


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_ranking_and_every_other_figure(label: int) -> None:
    images = fake_images(np.tile([0.3, 0.7], (12, 1)))
    one_sided = evaluate_images(FakeClassifier(), images, np.full(12, label), resamples=100)
    assert ranking_figures([one_sided], ["model_1"]) == ()
    for figure in (
        reliability_figure([one_sided], ["model_1"]),
        score_figure(one_sided),
        confusion_figure(one_sided),
    ):
        assert "nan" not in str(figure.markup).lower()


def test_models_are_told_apart_by_their_colours() -> None:
    evaluations = [evaluation_of("one"), evaluation_of("two", seed=1)]
    markup = str(roc_figure(evaluations, ["model_1", "model_2"]).markup)
    assert "var(--model-1)" in markup
    assert "var(--model-2)" in markup


def test_the_layer_figure_names_the_largest_layers() -> None:
    caption = str(layer_figure(model_info().network).caption)
    assert caption == "output holds 99.7% of the parameters, conv1 takes 75% of the arithmetic."


def test_a_difference_that_may_be_chance_is_not_counted() -> None:
    comparison = compare_evaluations(
        [evaluation_of("one", 300, seed=1), evaluation_of("two", 300, seed=2)]
    )
    caption = str(differences_figure(comparison.pairs[0]).caption)
    assert "No metric differs beyond chance." in caption
