"""The value of each metric on the images themselves, through scikit-learn where it has it."""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn import metrics as sk

from facemask.evaluation.answers import Answers
from facemask.evaluation.calibration import expected_calibration_error
from facemask.evaluation.metric_kinds import METRIC_KEYS
from facemask.evaluation.weighted import squared_errors
from facemask.labels import MASK


def confusion_counts(answers: Answers) -> list[list[int]]:
    """Images by true class (rows) and answer (columns)."""
    all_labels = range(len(answers.class_names))
    counts = sk.confusion_matrix(answers.labels, answers.predicted, labels=all_labels)
    return [[int(count) for count in row] for row in counts]


def point_values(answers: Answers, undefined: Mapping[str, str]) -> dict[str, float | None]:
    """The point value of each metric, None where it is undefined."""
    labels, predicted = answers.labels, answers.predicted
    is_binary = len(answers.class_names) == 2
    scores = answers.probabilities[:, MASK] if is_binary else answers.probabilities
    average = "binary" if is_binary else "macro"
    all_labels = range(len(answers.class_names))
    one_hot = labels if is_binary else np.eye(len(all_labels))[labels]
    recipes: dict[str, Callable[[], float]] = {
        "accuracy": lambda: sk.accuracy_score(labels, predicted),
        "balanced_accuracy": lambda: sk.recall_score(labels, predicted, average="macro"),
        "precision": lambda: sk.precision_score(labels, predicted, average=average),
        "recall": lambda: sk.recall_score(labels, predicted, average=average),
        "f1": lambda: sk.f1_score(labels, predicted, average=average),
        "roc_auc": lambda: sk.roc_auc_score(one_hot, scores, average="macro"),
        "average_precision": lambda: sk.average_precision_score(one_hot, scores, average="macro"),
        "brier": lambda: (
            sk.brier_score_loss(labels, scores, pos_label=MASK)
            if is_binary
            else squared_errors(answers).mean()
        ),
        "log_loss": lambda: sk.log_loss(labels, answers.probabilities, labels=all_labels),
        "ece": lambda: expected_calibration_error(answers),
    }
    return {key: None if key in undefined else float(recipes[key]()) for key in METRIC_KEYS}
