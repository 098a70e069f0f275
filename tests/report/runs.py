"""Runs and datasets for reports, made from a seed."""

import numpy as np
import pandas as pd
from tests.evaluation.synthetic import evaluation_of, model_info

from facecover.dataset.manifest import Manifest, ManifestInfo, SourceInfo
from facecover.report.run_figures import RunReport, mistakes_of

DIGEST = "ab" * 32


def curves_of(
    epochs: int = 12, *, val_accuracy: float = 0.93, with_test: bool = False
) -> pd.DataFrame:
    """A `metrics.csv` that falls and rises as training does."""
    epoch = np.arange(1, epochs + 1)
    approach = 1 - np.exp(-epoch / 2)
    columns = {"epoch": epoch, "train_loss": 1 - 0.9 * approach, "val_loss": 1 - 0.8 * approach}
    for metric in ("accuracy", "f1", "roc_auc"):
        columns[f"train_{metric}"] = 0.99 * approach
        columns[f"val_{metric}"] = val_accuracy * approach
        if with_test:
            columns[f"test_{metric}"] = 0.9 * approach
    return pd.DataFrame(columns)


def run_of(
    name: str, position: int = 0, *, skill: float = 1.5, n: int = 120, photo_name: str = "{}.jpg"
) -> RunReport:
    """A run with an evaluation, curves and mistakes."""
    evaluation = evaluation_of(name, n, seed=position, skill=skill)
    images = np.random.default_rng(position).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    names = [photo_name.format(i) for i in range(n)]
    return RunReport(
        name=name,
        info=model_info(f"net{position + 1}"),
        evaluations=(evaluation,),
        curves=curves_of(),
        mistakes=mistakes_of(evaluation, images, names, count=6),
        training_seconds=75,
        device="CPU",
        position=position,
    )


def manifest_of(n: int = 60, source: str = "drawn") -> Manifest:
    """A manifest with the columns that reports read."""
    rng = np.random.default_rng(0)
    splits = np.repeat(["train", "val", "test"], n // 3)
    table = pd.DataFrame({"source": [source] * n, "label": rng.integers(0, 2, n), "split": splits})
    info = ManifestInfo(
        sources=(SourceInfo(source, "/photos", "class folders", {"yes": 1, "no": 0}),),
        class_names=("no_mask", "mask"),
        sizes_px=(32, 64),
        channel_mean={},
        channel_std={},
        split_by="random",
        seed=3,
        counts={"read": n, "kept": n},
        digest=DIGEST,
        version="0.1",
    )
    return Manifest(table, info)
