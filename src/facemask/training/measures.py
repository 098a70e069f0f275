"""Loss, accuracy, F1 and ROC-AUC of one epoch."""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_f1_score,
    multiclass_accuracy,
    multiclass_auroc,
    multiclass_f1_score,
)

from facemask.labels import MASK

MEASURES = ("loss", "accuracy", "f1", "roc_auc")
"""What is measured after every epoch on every split, in the order of the columns."""


def measure(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Loss, accuracy, F1 and ROC-AUC by name.

    F1 and ROC-AUC are those of the class mask with two classes, and the mean over the classes
    with more.

    Args:
        logits: ``float32 (N, C)``, finite.
        labels: ``int64 (N,)``, 0..C-1, every class among them.
    """
    n_classes = logits.shape[1]
    # In float64, so that a sure network's probabilities do not fall together near 1.
    log_probabilities = log_softmax(logits.double(), dim=1)
    probabilities = log_probabilities.exp()
    predicted = probabilities.argmax(dim=1)
    if n_classes == 2:
        f1 = binary_f1_score(predicted, labels)
        roc_auc = binary_auroc(probabilities[:, MASK], labels)
    else:
        f1 = multiclass_f1_score(predicted, labels, n_classes)
        roc_auc = multiclass_auroc(probabilities, labels, n_classes)
    accuracy = multiclass_accuracy(predicted, labels, n_classes, average="micro")
    values = torch.stack([nll_loss(log_probabilities, labels), accuracy, f1, roc_auc])
    return dict(zip(MEASURES, values.tolist(), strict=True))
