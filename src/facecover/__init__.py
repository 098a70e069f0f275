"""Is this face covered? Face-mask data, networks and evaluation.

    from facecover import Classifier

    classifier = Classifier()
    print(classifier("photo.jpg").label)

Each command is a function of the same name and defaults: `explore`, `audit`, `prepare`, `train`,
`evaluate`, `compare`, `study`, `predict`, `detect`, `serve`, `export`, `page`.

The public names are those in `__all__`; each is imported when it is first asked for, so that
`import facecover` alone costs next to nothing.
"""

import os

# ONNX Runtime reports to its maker unless told otherwise before it is loaded: a device id and a
# database below HOME, and after some seconds a connection. Nothing is sent anywhere from here.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

TYPE_CHECKING = False  # what typing's says, without the milliseconds that importing typing takes
if TYPE_CHECKING:
    from facecover.dataset.arrays import Dataset
    from facecover.dataset.photo_dataset import PhotoDataset
    from facecover.errors import (
        ConfigError,
        DatasetError,
        FacecoverError,
        ImageError,
        ModelFileError,
        RunError,
    )
    from facecover.inference.classifier import Classifier
    from facecover.inference.prediction import Prediction
    from facecover.scenes.detections import Detections
    from facecover.scenes.detector import Detector
    from facecover.serving.server import serve
    from facecover.serving.write_page import page
    from facecover.workflows.answer_photos import predict
    from facecover.workflows.compare_models import compare
    from facecover.workflows.detect_faces import detect
    from facecover.workflows.evaluate_model import evaluate
    from facecover.workflows.inspect_data import audit, explore
    from facecover.workflows.prepare_data import prepare
    from facecover.workflows.run_study import study
    from facecover.workflows.train_run import Run, export, train

__version__ = "0.1.0"

__all__ = [
    "Classifier",
    "ConfigError",
    "Dataset",
    "DatasetError",
    "Detections",
    "Detector",
    "FacecoverError",
    "ImageError",
    "ModelFileError",
    "PhotoDataset",
    "Prediction",
    "Run",
    "RunError",
    "__version__",
    "audit",
    "compare",
    "detect",
    "evaluate",
    "explore",
    "export",
    "page",
    "predict",
    "prepare",
    "serve",
    "study",
    "train",
]

_PLACES = {
    "Classifier": "facecover.inference.classifier",
    "ConfigError": "facecover.errors",
    "Dataset": "facecover.dataset.arrays",
    "DatasetError": "facecover.errors",
    "Detections": "facecover.scenes.detections",
    "Detector": "facecover.scenes.detector",
    "FacecoverError": "facecover.errors",
    "ImageError": "facecover.errors",
    "ModelFileError": "facecover.errors",
    "PhotoDataset": "facecover.dataset.photo_dataset",
    "Prediction": "facecover.inference.prediction",
    "Run": "facecover.workflows.train_run",
    "RunError": "facecover.errors",
    "audit": "facecover.workflows.inspect_data",
    "compare": "facecover.workflows.compare_models",
    "detect": "facecover.workflows.detect_faces",
    "evaluate": "facecover.workflows.evaluate_model",
    "explore": "facecover.workflows.inspect_data",
    "export": "facecover.workflows.train_run",
    "page": "facecover.serving.write_page",
    "predict": "facecover.workflows.answer_photos",
    "prepare": "facecover.workflows.prepare_data",
    "serve": "facecover.serving.server",
    "study": "facecover.workflows.run_study",
    "train": "facecover.workflows.train_run",
}


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # likewise

    value: object = getattr(import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
