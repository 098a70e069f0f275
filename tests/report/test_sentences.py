import dataclasses

import pytest
from tests.evaluation.synthetic import evaluation_of, model_info
from tests.report.runs import curves_of, run_of

from facecover.report.blocks import Cell, table
from facecover.report.run_figures import RunReport
from facecover.report.run_page import headline, run_sentences, training_sentences
from facecover.text import counted, duration, large, shape


def _said(run: RunReport) -> str:
    return " ".join(run_sentences(run))


def _said_of_training(run: RunReport) -> str:
    assert run.curves is not None
    return " ".join(training_sentences(run, run.curves))


def test_the_headline_is_the_accuracy_with_its_interval() -> None:
    evaluation = evaluation_of("Net #1")
    share = evaluation.metrics.values["accuracy"] or 0
    assert headline(evaluation).startswith(f"Net #1 answers {100 * share:.1f}% of 120 test images")
    assert "95% interval" in headline(evaluation)


def test_mistakes_are_counted_by_kind() -> None:
    run = run_of("net")
    (_, alarms), (missed, _) = run.evaluations[0].metrics.confusion
    assert f"It missed {missed} mask" in _said(run)
    assert f"raised {alarms} false alarm" in _said(run)


def test_a_late_best_epoch_is_called_out_and_an_early_one_is_not() -> None:
    run = run_of("net")
    late = dataclasses.replace(run, curves=curves_of(12))
    early = dataclasses.replace(run, curves=curves_of(40))
    assert "The best epoch, 12 of 12, is among the last" in _said_of_training(late)
    assert "best epoch" not in _said_of_training(early)
    last = dataclasses.replace(late, info=model_info(chosen_by="last, epoch 12"))
    assert "best epoch" not in _said_of_training(last)


def test_learning_by_heart_is_called_out_where_it_is_seen() -> None:
    run = run_of("net")
    gap = dataclasses.replace(run, curves=curves_of(40, val_accuracy=0.9))
    none = dataclasses.replace(run, curves=curves_of(40, val_accuracy=0.985))
    assert "99.0% of the training images and 90.0% of the validation images" in _said_of_training(
        gap
    )
    assert "by heart" not in _said_of_training(none)


@pytest.mark.parametrize(
    ("chosen_by", "words", "epoch"),
    [
        ("val_loss, epoch 12", "validation loss, epoch 12", 12),
        ("val_roc_auc, epoch 3", "validation roc auc, epoch 3", 3),
        ("test_loss, epoch 0", "test loss, epoch 0", 0),
        ("last, epoch 67", "the last epoch, 67", 67),
        ("what comes", "what comes", None),
    ],
)
def test_what_chose_the_weights_is_read(chosen_by: str, words: str, epoch: int | None) -> None:
    info = model_info(chosen_by=chosen_by)
    assert info.chosen_in_words == words
    assert info.kept_epoch == epoch


@pytest.mark.parametrize(
    ("count", "words"),
    [(950, "950"), (1_000, "1 thousand"), (402_112, "402 thousand"), (999_600, "1 million"),
     (27_640_000, "27.6 million"), (1_400_000_000, "1.4 billion"), (0, "0")],
)  # fmt: skip
def test_large_counts_in_words(count: int, words: str) -> None:
    assert large(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.41, "0.4 s"), (48.2, "48 s"), (59.7, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min"),
     (3600, "1 h"), (3599.9, "1 h")],
)  # fmt: skip
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_and_shapes() -> None:
    assert counted(1, "mask") == "1 mask"
    assert counted(1332, "test image") == "1,332 test images"
    assert shape((16, 32, 32)) == "16 \N{MULTIPLICATION SIGN} 32 \N{MULTIPLICATION SIGN} 32"


def test_a_table_aligns_and_sorts_numbers_as_numbers() -> None:
    made = table(
        ("name", "count", "share", "mixed"),
        [("a", 1200, 0.12345, 1), (Cell("b"), None, 2.0, "x")],
        "a caption",
    )
    assert made.numeric == (False, True, True, False)
    assert [cell.text for cell in made.rows[0]] == ["a", "1,200", "0.123", "1"]
    assert made.rows[0][1].sort == 1200
    assert made.rows[1][1].text == "\N{EN DASH}"
    assert table(("empty",), []).numeric == (False,)
