import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

from facecover.training.lightning_module import MEASURES, measure


def _answers(n_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n_classes)
    labels = torch.randint(0, n_classes, (200,), generator=generator)
    logits = torch.randn(200, n_classes, generator=generator)
    return logits + torch.eye(n_classes)[labels], labels


def test_two_classes_are_measured_as_scikit_learn_does() -> None:
    logits, labels = _answers(2)
    probabilities = logits.double().softmax(1).numpy()
    predicted = probabilities.argmax(1)
    expected = {
        "loss": log_loss(labels, probabilities),
        "accuracy": accuracy_score(labels, predicted),
        "f1": f1_score(labels, predicted),
        "roc_auc": roc_auc_score(labels, probabilities[:, 1]),
    }
    assert measure(logits, labels) == pytest.approx(expected, rel=1e-5)


def test_three_classes_are_measured_as_scikit_learn_does() -> None:
    logits, labels = _answers(3)
    probabilities = logits.double().softmax(1).numpy()
    predicted = probabilities.argmax(1)
    expected = {
        "loss": log_loss(labels, probabilities),
        "accuracy": accuracy_score(labels, predicted),
        "f1": f1_score(labels, predicted, average="macro"),
        "roc_auc": roc_auc_score(labels, probabilities, multi_class="ovr", average="macro"),
    }
    assert measure(logits, labels) == pytest.approx(expected, rel=1e-5)


def test_sure_answers_keep_their_order() -> None:
    """In float32 all four probabilities are 1, and the ROC-AUC is that of a coin."""
    margins = torch.tensor([20.0, 22.0, 24.0, 26.0])
    logits = torch.stack([torch.zeros(4), margins], dim=1)
    found = measure(logits, torch.tensor([0, 0, 1, 1]))
    assert found["roc_auc"] == 1
    assert np.isfinite(list(found.values())).all()
    assert tuple(found) == MEASURES
