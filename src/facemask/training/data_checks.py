"""Whether a dataset can be learned from, judged before the first step."""

from collections.abc import Sequence

import numpy as np

from facemask.data.arrays import Dataset
from facemask.errors import DatasetError
from facemask.training.config import Experiment
from facemask.training.loader import load_split
from facemask.training.network import Normalisation


def check_classes(dataset: Dataset, splits: Sequence[str]) -> None:
    """Refuse a dataset that lacks a class in a split that is needed.

    Raises:
        DatasetError: if a split is empty or has no image of some class, or there is one class
            only, or a label without a name.
    """
    names = dataset.manifest.info.class_names
    where = dataset.folder
    if len(names) < 2:
        raise DatasetError(f"{where}: expected at least two classes, found {', '.join(names)}")
    labels = dataset.labels
    if labels.min() < 0 or labels.max() >= len(names):
        raise DatasetError(
            f"{where}: expected labels 0 to {len(names) - 1} ({', '.join(names)}), found "
            f"{labels.min()} to {labels.max()}; run prepare again"
        )
    for split in splits:
        counts = np.bincount(labels[dataset.rows_of(split)], minlength=len(names))
        missing = [name for name, count in zip(names, counts, strict=True) if not count]
        if missing:
            found = ", ".join(f"{c:,} {name}" for name, c in zip(names, counts, strict=True))
            raise DatasetError(
                f"{where}: expected images of every class in the {split} split, found {found}; "
                f"add photos of {', '.join(missing)} and run prepare again"
            )


def check_sources(dataset: Dataset, experiment: Experiment) -> None:
    """Refuse a dataset without the images that augmentation takes its windows from.

    Raises:
        DatasetError: if it was not prepared at their size, or its wide cuts are those of a
            version that did not note where they lie.
    """
    source_px, augmentation = experiment.source_size_px, experiment.augmentation
    wide_cuts = 0 if augmentation is None else augmentation.wide_cuts
    load_split(dataset, "train", source_px, 1, wide_cuts=wide_cuts)


def normalisation_of(dataset: Dataset, size_px: int) -> Normalisation:
    """Mean and standard deviation of a dataset's images at a size.

    Raises:
        DatasetError: if the dataset was not prepared at that size, or all its images are one
            colour.
    """
    dataset.images(size_px)
    info = dataset.manifest.info
    if size_px not in info.channel_mean or size_px not in info.channel_std:
        raise DatasetError(
            f"{dataset.folder}: no mean and standard deviation for {size_px} x {size_px}; run "
            f"prepare again with --size {size_px}"
        )
    std = info.channel_std[size_px]
    if not min(std) > 0:
        raise DatasetError(
            f"{dataset.folder}: expected images that differ, found a standard deviation of 0 in a "
            "colour channel of the training split"
        )
    return Normalisation(info.channel_mean[size_px], std)
