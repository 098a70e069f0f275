"""Is this face covered? Face-mask data, networks and evaluation.

    from facemask import Classifier

    classifier = Classifier()
    print(classifier("photo.jpg").label)

The public names are those in `__all__`; each is imported when it is first asked for, so that
`import facemask` alone costs next to nothing.
"""

TYPE_CHECKING = False  # what typing's says, without the milliseconds that importing typing takes
if TYPE_CHECKING:
    from facemask.errors import ConfigError, FacemaskError, ImageError, ModelFileError
    from facemask.inference.classifier import Classifier
    from facemask.inference.prediction import Prediction

__version__ = "0.1.0"

__all__ = [
    "Classifier",
    "ConfigError",
    "FacemaskError",
    "ImageError",
    "ModelFileError",
    "Prediction",
    "__version__",
]

_PLACES = {
    "Classifier": "facemask.inference.classifier",
    "ConfigError": "facemask.errors",
    "FacemaskError": "facemask.errors",
    "ImageError": "facemask.errors",
    "ModelFileError": "facemask.errors",
    "Prediction": "facemask.inference.prediction",
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
