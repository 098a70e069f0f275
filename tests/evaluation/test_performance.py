import json
import math

import msgspec
import numpy as np
import pytest
from tests.evaluation.synthetic import (
    FakeClassifier,
    binary_answers,
    evaluation_of,
    fake_images,
    model_info,
)

from facecover.errors import DatasetError, ModelFileError
from facecover.evaluation.answers import check_answers
from facecover.evaluation.formatting import flattery
from facecover.evaluation.intervals import measure
from facecover.evaluation.metrics import METRIC_KEYS
from facecover.evaluation.performance import BATCH_SIZE, evaluate_images, most_confident_mistakes

JSON_KEYS = {
    "format_version", "model", "split", "data_digest", "seen_before",
    "seen_in_training", "n", "n_by_class",
    "class_names", "threshold", "accuracy", "balanced_accuracy", "precision", "recall", "f1",
    "roc_auc",
    "average_precision", "brier", "log_loss", "ece", "undefined", "confusion", "ci95",
    "interval_notes", "chance_ece", "bootstrap", "seconds", "images_per_second",
}  # fmt: skip


def test_what_the_model_answers_is_what_is_measured() -> None:
    labels, probabilities = binary_answers(100)
    images = fake_images(probabilities)
    evaluation = evaluate_images(
        FakeClassifier(), images, labels, name="net", resamples=100, seed=3
    )
    expected = measure(labels, evaluation.answers.probabilities, resamples=100, seed=3)
    assert evaluation.metrics == expected
    np.testing.assert_allclose(evaluation.answers.probabilities, probabilities, atol=1 / 255)
    assert evaluation.images_per_second > 0


def test_images_come_in_batches_and_in_order() -> None:
    n = 2 * BATCH_SIZE + 10
    labels, probabilities = binary_answers(n)
    classifier, seen = FakeClassifier(), list[int]()
    evaluate_images(
        classifier, fake_images(probabilities), labels, name="net", resamples=100,
        on_batch=seen.append,
    )  # fmt: skip
    assert classifier.batches == seen == [BATCH_SIZE, BATCH_SIZE, 10]


def test_rows_choose_images_labels_and_groups() -> None:
    labels, probabilities = binary_answers(60)
    images, rows = fake_images(probabilities), np.arange(0, 60, 3)
    groups = np.arange(60) // 6
    part = evaluate_images(
        FakeClassifier(), images, labels, name="net", rows=rows, groups=groups, resamples=100
    )
    np.testing.assert_array_equal(part.answers.labels, labels[rows])
    np.testing.assert_array_equal(part.rows, rows)
    assert part.metrics.n == 20
    assert part.metrics.n_units == 10


def test_json_keys_are_stable() -> None:
    document = evaluation_of("net").to_json()
    assert set(document) == JSON_KEYS
    assert set(METRIC_KEYS) < JSON_KEYS
    assert set(document["ci95"]) == {*METRIC_KEYS, "confusion"}
    assert document["model"] == {
        "name": "net",
        "experiment": "net1",
        "input_size_px": 32,
        "parameters": 400_000,
        "macs": 1_627_584,
        "temperature": 1.0,
        "weights_sha256": "cd" * 32,
        "file_sha256": "0" * 64,
        "trained_on": "ab" * 32,
        "version": "0.1",
    }


def test_json_holds_numbers_only_where_there_are_any() -> None:
    images = fake_images(binary_answers(3)[1])
    labels = np.zeros(3, dtype=np.int64)
    info = model_info(temperature=math.nan)
    document = evaluate_images(
        FakeClassifier(info=info), images, labels, name="net", resamples=100
    ).to_json()
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document
    assert document["roc_auc"] is None
    assert document["ci95"]["roc_auc"] is None
    assert document["undefined"]["roc_auc"] == "no image of 3 is mask"
    assert document["model"]["temperature"] is None


def test_arrays_that_do_not_fit_are_refused() -> None:
    labels, probabilities = binary_answers(10)
    images = fake_images(probabilities)
    with pytest.raises(DatasetError, match="a label for each of 10 images, found 9"):
        evaluate_images(FakeClassifier(), images, labels[:9], name="net")
    with pytest.raises(DatasetError, match="at least one image"):
        evaluate_images(
            FakeClassifier(), images, labels, name="net", rows=np.array([], dtype=np.int64)
        )
    with pytest.raises(DatasetError, match="incorrect_mask"):
        evaluate_images(FakeClassifier(), images, labels + 1, name="net")


@pytest.mark.parametrize("names", [("cat", "dog"), ("mask", "no_mask")])
def test_a_model_of_other_classes_is_refused(names: tuple[str, str]) -> None:
    labels, probabilities = binary_answers(10)
    info = msgspec.structs.replace(model_info(), class_names=names)
    with pytest.raises(ModelFileError, match=rf"found {names[0]}, {names[1]}; its answers cannot"):
        evaluate_images(FakeClassifier(info=info), fake_images(probabilities), labels)


@pytest.mark.parametrize(
    ("split", "digest", "said"),
    [
        ("train", "ab" * 32, "It learned from these images"),
        ("val", "ab" * 32, "These images chose its weights"),
        ("test", "ab" * 32, ""),
        ("val", "cd" * 32, ""),
    ],
)
def test_images_that_the_model_has_met_before_are_named(split: str, digest: str, said: str) -> None:
    labels, probabilities = binary_answers(40)
    images = fake_images(probabilities)
    evaluation = evaluate_images(
        FakeClassifier(), images, labels, split=split, data_digest=digest, resamples=100
    )
    assert bool(evaluation.to_json()["seen_before"]) == bool(said)
    assert "".join(flattery(evaluation)).startswith(said)
    assert bool(flattery(evaluation)) == bool(said)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_model_that_was_refit_learned_from_the_test_images(split: str) -> None:
    labels, probabilities = binary_answers(40)
    evaluation = evaluate_images(
        FakeClassifier(model_info(config={"training": {"refit": True}})),
        fake_images(probabilities),
        labels,
        split=split,
        data_digest="ab" * 32,
        resamples=100,
    )
    assert evaluation.seen_before == "it learned from these images"


def test_a_model_of_the_last_epoch_has_its_temperature_from_validation_alone() -> None:
    labels, probabilities = binary_answers(40)
    evaluation = evaluate_images(
        FakeClassifier(model_info(chosen_by="last, epoch 3")),
        fake_images(probabilities),
        labels,
        split="val",
        data_digest="ab" * 32,
        resamples=100,
    )
    assert flattery(evaluation) == (
        "These images chose its temperature; calibration and log loss on other images will be less "
        "good.",
    )


def test_the_models_own_threshold_is_used_unless_another_is_given() -> None:
    labels, probabilities = binary_answers(60)
    images, classifier = fake_images(probabilities), FakeClassifier(model_info(threshold=0.8))
    own = evaluate_images(classifier, images, labels, resamples=100)
    other = evaluate_images(classifier, images, labels, resamples=100, threshold=0.2)
    assert own.metrics.threshold == 0.8
    assert other.metrics.threshold == 0.2
    assert own.name == "net1"


def test_what_was_seen_in_training_is_said_with_the_figure_on_the_others() -> None:
    labels, probabilities = binary_answers(120)
    seen = np.arange(120) < 90
    evaluation = evaluate_images(
        FakeClassifier(), fake_images(probabilities), labels, seen=seen, resamples=200
    )
    others = measure(labels[~seen], evaluation.answers.probabilities[~seen], resamples=200)
    assert evaluation.to_json()["seen_in_training"] == {
        "n": 90,
        "n_others": 30,
        "accuracy_on_others": others.values["accuracy"],
        "ci95": list(others.ci95["accuracy"] or ()),
    }
    (sentence,) = flattery(evaluation)
    assert sentence.startswith("90 of these 120 images were seen in training; on the other 30 the")
    every, none = (
        evaluate_images(
            FakeClassifier(), fake_images(probabilities), labels, seen=one, resamples=200
        )
        for one in (np.ones(120, bool), np.zeros(120, bool))
    )
    assert none.to_json()["seen_in_training"]["n_others"] == 120
    assert flattery(none) == ()
    assert flattery(every) == (
        "All 120 images were seen in training; figures on other images will be less good.",
    )


def test_the_most_confident_come_first_and_only_mistakes() -> None:
    answers = check_answers(*binary_answers(200))
    chosen = most_confident_mistakes(answers, 10)
    assert len(set(chosen.tolist())) == 10
    assert not answers.is_right[chosen].any()
    assert (np.diff(answers.confidence[chosen]) <= 0).all()
    others = np.setdiff1d(np.flatnonzero(~answers.is_right), chosen)
    assert answers.confidence[others].max() <= answers.confidence[chosen].min()


def test_a_perfect_model_makes_none() -> None:
    labels = np.array([0, 1, 1])
    assert most_confident_mistakes(check_answers(labels, np.eye(2)[labels]), 5).size == 0
