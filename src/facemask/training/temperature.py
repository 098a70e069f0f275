"""One number that makes stated confidences fit the share that is right.

Dividing all logits by a temperature changes no answer, only how sure it sounds (Guo et al., "On
Calibration of Modern Neural Networks", ICML 2017, section 4.2). It is fitted by the negative log
likelihood on validation images. Those may have chosen the weights too, so their errors can be a
little rosy; how good the confidences are is for the test split to say.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torchmetrics.functional.classification import multiclass_calibration_error

from facemask.inference.model import softmax
from facemask.inference.model_info import TemperatureFit

LOWEST, HIGHEST = 0.25, 10.0
"""Bounds of the temperature. Networks that were trained to the end come out between 1 and 4 (Guo
et al. 2017, and the runs of this package); beyond the bounds the images are too few or too easy
to tell."""

MIN_IMAGES = 100
"""With fewer images the temperature stays 1."""

MIN_MISTAKES = 5
"""With fewer answers that are wrong, labels are smoothed for the fit. Without a mistake the
likelihood grows as the temperature falls to zero, whatever the network's true confidence."""

_BINS = 15
"""As in `evaluation.calibration`."""

_DIGITS = 4
"""Of the temperature: the last bits of logits differ between machines, and this hides them."""


def fit_temperature(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> tuple[float, TemperatureFit]:
    """The temperature that makes the labels likeliest, and what it does to the errors.

    Args:
        logits: ``float32 (N, C)``, of validation images.
        labels: ``int64 (N,)``, 0..C-1.
    """
    temperature, note = 1.0, ""
    mistakes = int(np.count_nonzero(logits.argmax(axis=1) != labels))
    as_labelled = np.eye(logits.shape[1])[labels]
    if len(labels) < MIN_IMAGES:
        note = f"not fitted: {len(labels)} validation images, fewer than {MIN_IMAGES}"
    elif mistakes < MIN_MISTAKES:
        temperature, note = _fit(logits, _smoothed(labels, logits.shape[1]))
        words = f"{mistakes} mistakes on validation images, fewer than {MIN_MISTAKES}"
        note = "; ".join(filter(None, (f"fitted to smoothed labels: {words}", note)))
    else:
        temperature, note = _fit(logits, as_labelled)
    return temperature, TemperatureFit(
        images=len(labels),
        log_loss_before=_log_loss(logits, as_labelled, 1.0),
        log_loss_after=_log_loss(logits, as_labelled, temperature),
        ece_before=_calibration_error(logits, labels, 1.0),
        ece_after=_calibration_error(logits, labels, temperature),
        note=note,
    )


def _smoothed(labels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float64]:
    """As if each class had one image more of itself, and one of another.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999, has it so for two classes. The
    surest that an answer may sound then grows with the images that say so.
    """
    counts = np.bincount(labels, minlength=classes)[labels][:, None]
    own = np.eye(classes)[labels] > 0
    return np.where(own, (counts + 1) / (counts + 2), 1 / (counts + 2) / (classes - 1))


def _fit(logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64]) -> tuple[float, str]:
    """The likelihood is concave in 1 / temperature, so it has one peak, which a search finds."""
    bounds = math.log(LOWEST), math.log(HIGHEST)
    found = minimize_scalar(
        lambda log: _log_loss(logits, targets, math.exp(log)), bounds=bounds, method="bounded"
    )
    temperature = round(math.exp(found.x), _DIGITS)
    for bound in (LOWEST, HIGHEST):
        if math.isclose(temperature, bound, rel_tol=1e-3):
            return bound, f"kept at its bound of {bound:g}"
    return temperature, ""


def _log_loss(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64], temperature: float
) -> float:
    log_probabilities = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-(targets * log_probabilities).sum(axis=1).mean())


def _calibration_error(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], temperature: float
) -> float:
    probabilities = torch.from_numpy(softmax(logits, temperature))
    error = multiclass_calibration_error(
        probabilities, torch.from_numpy(labels), num_classes=logits.shape[1], n_bins=_BINS
    )
    return float(error)
