"""What a run's figures say, in sentences made from them."""

import pandas as pd

from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.wording import flattery, interval, joined, kind_of, number, percent
from facemask.labels import MASK, NO_MASK
from facemask.report.curves import curve_columns
from facemask.report.run import Run
from facemask.report.words import counted

LATE_SHARE = 0.9
"""A best epoch in the last tenth of the training says that it may not have been at its end."""

GAP_POINTS = 0.02
"""A training accuracy this far over the validation accuracy is worth a sentence."""


def headline(evaluation: Evaluation) -> str:
    """How many images were answered right, and how sure that is."""
    metrics = evaluation.metrics
    kind, bounds = kind_of("accuracy"), metrics.ci95["accuracy"]
    between = f" (95% interval {interval(kind, bounds)})" if bounds else ""
    return (
        f"{evaluation.name} answers {number(kind, metrics.values['accuracy'])} of "
        f"{evaluation.counted_images} right{between}."
    )


def run_sentences(run: Run) -> tuple[str, ...]:
    """What else there is to say of a run: its errors, its confidence, what chose its weights."""
    sentences: list[str] = []
    if run.evaluations:
        sentences += flattery(run.evaluations[0])
        sentences += [*_error_sentences(run.evaluations[0]), *_calibration(run.evaluations[0])]
    if run.info.chosen_by:
        sentences.append(_choice(run))
    return tuple(sentences)


def _error_sentences(evaluation: Evaluation) -> list[str]:
    metrics = evaluation.metrics
    most = max(metrics.n_by_class) / metrics.n
    known = metrics.class_names[metrics.n_by_class.index(max(metrics.n_by_class))]
    base = f"Always answering {known} would be right for {percent(most)} of these images."
    if len(metrics.class_names) > 2 or 0 in metrics.n_by_class:
        return [base]
    (_, alarms), (missed, _) = metrics.confusion
    return [
        f"It missed {counted(missed, 'mask')} of {metrics.n_by_class[MASK]:,} and raised "
        f"{counted(alarms, 'false alarm')} on {counted(metrics.n_by_class[NO_MASK], 'bare face')}. "
        f"{base}",
    ]


def _calibration(evaluation: Evaluation) -> list[str]:
    metrics = evaluation.metrics
    error = metrics.values["ece"]
    if error is None:
        return []
    stated = percent(float(evaluation.answers.confidence.mean()))
    right = percent(float(evaluation.answers.is_right.mean()))
    sentence = f"On average it states {stated} confidence and is right for {right}"
    if error <= metrics.chance_ece:
        return [f"{sentence}; its calibration error of {percent(error)} may be chance."]
    return [f"{sentence}; its calibration error of {percent(error)} is more than chance gives."]


def _choice(run: Run) -> str:
    if run.info.keeps_last_epoch:
        return f"Its weights are those of {run.info.chosen_in_words}; no measure chose them."
    split = next((name for name in ("train", "val", "test") if name in run.info.chosen_by), "")
    if split == "val":
        note = "; the test images took no part in the choice"
    elif split == "test":
        note = "; the test images chose them, so the test figures are too good"
    else:
        note = ""
    return f"Its weights were chosen by {run.info.chosen_in_words}{note}."


def training_sentences(run: Run, curves: pd.DataFrame) -> tuple[str, ...]:
    """What its curves say of a run: whether it was at its end, and whether it learned by heart."""
    sentences = []
    epochs, best = len(curves), run.info.kept_epoch
    is_late = best is not None and epochs >= 5 and best >= LATE_SHARE * epochs
    if is_late and not run.info.keeps_last_epoch:
        sentences.append(
            f"The best epoch, {best} of {epochs}, is among the last: more epochs may still gain."
        )
    columns = curve_columns(curves)
    pair = [columns.get((split, "accuracy")) for split in ("train", "val")]
    if pair[0] and pair[1]:
        train, val = (float(curves[column].dropna().iloc[-1]) for column in pair)
        if train - val >= GAP_POINTS:
            sentences.append(
                f"At the end it was right for {percent(train)} of the training images and "
                f"{percent(val)} of the validation images: it has learned some by heart."
            )
    return tuple(sentences)


def undefined_sentence(evaluation: Evaluation) -> str:
    """Why there are no ranking figures; empty where there are."""
    reasons = evaluation.metrics.undefined
    if "roc_auc" not in reasons:
        return ""
    titles = [kind_of(key).title for key in ("roc_auc", "average_precision") if key in reasons]
    return f"There are no curves for {joined(titles)}: {reasons['roc_auc']}."
