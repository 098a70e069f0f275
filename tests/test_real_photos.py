"""The study's first steps on real photos, where some are at hand.

Put photos in class folders under `../shared/datasets/techyhoney` beside the checkout, or name
another folder in the environment variable FACECOVER_PHOTOS.
"""

import os
from pathlib import Path

import pytest

from facecover.dataset.split import Shares
from facecover.inference.classifier import Classifier
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.reading import read_source
from facecover.sources.rows import Source

PHOTOS = Path(
    os.environ.get(
        "FACECOVER_PHOTOS",
        Path(__file__).parents[2] / "shared" / "datasets" / "techyhoney",
    )
)
EVERY = 5
"""One photo in five is enough to see a network learn."""


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"no real photos at {PHOTOS}")
def test_net1_learns_real_photos_in_two_epochs(tmp_path: Path) -> None:
    from facecover.training.experiments import load_experiment
    from facecover.training.fit import fit
    from facecover.workflows.train_run import Run

    whole = read_source(PHOTOS, "photos")
    part = Source(whole.name, whole.root, whole.layout, whole.rows[::EVERY])
    dataset = write_dataset([part], tmp_path / "dataset", PrepareOptions(shares=Shares(0.1, 0.3)))
    experiment = load_experiment("net1", ["training.epochs=2"])
    fit(experiment, dataset, tmp_path / "run")
    result = Run.open(tmp_path / "run")
    assert len(result.curves) == 2
    rows = dataset.rows_of("test")
    classifier = Classifier(result.files.model)
    answers = classifier.classify_images(dataset.images(32)[rows]).argmax(axis=1)
    labels = dataset.labels[rows]
    most_common = max((labels == label).mean() for label in (0, 1))
    # Far above guessing, so the pixels, labels and model file belong together.
    assert (answers == labels).mean() > most_common + 0.15
