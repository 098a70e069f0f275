import pandas as pd
from tests.report.runs import curves_of

from facecover.report.run_figures import curve_columns, curve_figures, epochs_of


def test_columns_are_found_by_split_and_metric() -> None:
    curves = pd.DataFrame(
        {"epoch": [1], "val/loss": [0.5], "train_accuracy": [0.9], "lr": [1e-3],
         "test_f1": [float("nan")]}
    )  # fmt: skip
    assert curve_columns(curves) == {
        ("val", "loss"): "val/loss",
        ("train", "accuracy"): "train_accuracy",
    }


def test_there_is_a_figure_for_each_metric_that_the_run_has() -> None:
    figures = curve_figures({"net": curves_of(with_test=True)}, ["model_1"])
    assert [figure.title for figure in figures] == [
        "Loss by epoch",
        "Accuracy by epoch",
        "F1 by epoch",
        "ROC-AUC by epoch",
    ]
    assert "test 0.8978" in str(figures[1].caption)
    assert ", test" not in str(figures[0].caption)


def test_runs_share_a_drawing_and_a_run_without_the_metric_is_left_out() -> None:
    runs = {"one": curves_of(8), "two": curves_of(5)[["epoch", "val_loss"]]}
    loss, accuracy, *_ = curve_figures(runs, ["model_1", "model_2"], best_epochs={"two": 4})
    assert "two validation" in str(loss.caption)
    assert "two" not in str(accuracy.caption)
    assert "var(--model-2)" in str(loss.markup)
    assert curve_figures({}, []) == ()


def test_epochs_are_counted_from_one_where_the_run_does_not_say() -> None:
    assert epochs_of(pd.DataFrame({"val_loss": [1.0, 0.5]})).tolist() == [1, 2]
    assert epochs_of(pd.DataFrame({"epoch": [0, 1]})).tolist() == [0, 1]
