"""Small photos that the tests draw themselves."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Several test processes share the machine: one thread each, and for the processes they start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Matplotlib's list of fonts is made once for all of them, and not in HOME.
os.environ.setdefault("MPLCONFIGDIR", str(Path(tempfile.gettempdir()) / "facecover-tests"))

import numpy as np
import pytest
from hypothesis import settings

from facecover.drawn.drawn_dataset import draw_face

# A slow machine is no fault, and the same examples are tried each time.
settings.register_profile("seeded", deadline=None, derandomize=True)
settings.load_profile("seeded")
settings.register_profile("fuzz", settings.get_profile("seeded"), max_examples=5000)

# Shells start what runs in the background with Ctrl-C switched off, and children inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 photos of each class in `with_mask/` and `without_mask/`; do not write into it."""
    root = tmp_path_factory.mktemp("photos") / "faces"
    for label, name in enumerate(("without_mask", "with_mask")):
        (root / name).mkdir(parents=True)
        for number in range(60):
            size = (40 + number, 48 + 2 * (number % 30))
            photo = draw_face(np.random.default_rng(1000 * label + number), label, size)
            photo.save(root / name / f"face {number}.jpg", quality=88)
    return root


@pytest.fixture(scope="session")
def few_photos(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 12 photos of each class, where any number serves; do not write into it."""
    root = tmp_path_factory.mktemp("few") / "faces"
    for folder in class_folders.iterdir():
        (root / folder.name).mkdir(parents=True)
        for number in range(12):
            shutil.copy(folder / f"face {number}.jpg", root / folder.name)
    return root


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """`export_model`, which exports one network of each shape and gives its file for the others."""
    from facecover.training.onnx_export import export_model

    kept: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("exported")

    def export(network: Any, experiment: Any, dataset: Any, path: Path, **options: str) -> None:  # noqa: ANN401
        shape = experiment.network.model_dump_json()
        if shape not in kept:
            export_model(network, experiment, dataset, path, **options)
            kept[shape] = Path(shutil.copy(path, folder / f"{len(kept)}.onnx"))
        shutil.copy(kept[shape], path)

    return export


@pytest.fixture
def exported_once(exported: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what the model answers is beside the point: exporting takes longer than training."""
    monkeypatch.setattr("facecover.training.fit.export_model", exported)
