"""How a model stands up to spoilt images: the figures.

As JSON it has these keys, which stay:

| key | value |
| --- | --- |
| ``format_version`` | of this layout; 1 |
| ``n``, ``units`` | images, and what the bootstrap drew: images, or groups of them |
| ``size_px`` | the side of the images that were spoilt, before the model's own size |
| ``clean`` | ``accuracy``, its ``ci95``, ``balanced_accuracy`` of the same images unspoilt |
| ``reference`` | the name of the model that errors are compared with; null without one |
| ``mce``, ``mce_ci95``, ``mce_undefined`` | the mean of the kinds' ``ce``, or why there is none |
| ``kinds`` | for each kind, the worst mean accuracy first: ``key``, ``title``, ``unit``, \
``source``, ``mean_accuracy``, ``mean_flip_rate``, ``ce``, ``ce_ci95``, ``ce_undefined`` and \
``severities`` |
| ``severities`` | ``severity``, ``amount``, ``n``, ``accuracy``, ``balanced_accuracy``, \
``flip_rate``, ``ci95`` of accuracy and flip rate |
| ``seed``, ``resamples``, ``seconds`` | of the chances and the bootstrap; the time it took |
"""

from dataclasses import dataclass

from facemask.evaluation.corruptions import Kind
from facemask.evaluation.exact import Interval
from facemask.evaluation.plain import Json, plain_json

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Severity:
    """A model on images spoilt by one kind at one severity.

    Attributes:
        severity: from 1 on.
        amount: see the kind's `unit`.
        n: images.
        accuracy: the share answered right, 0..1.
        accuracy_ci95: its 95% interval.
        balanced_accuracy: the mean of the classes' shares; None where a class has no image.
        flip_rate: the share of images answered otherwise than unspoilt, 0..1.
        flip_ci95: its 95% interval.
    """

    severity: int
    amount: float
    n: int
    accuracy: float
    accuracy_ci95: Interval
    balanced_accuracy: float | None
    flip_rate: float
    flip_ci95: Interval

    def to_json(self) -> dict[str, Json]:
        """With the keys of this module's table."""
        return {
            "severity": self.severity,
            "amount": self.amount,
            "n": self.n,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "flip_rate": self.flip_rate,
            "ci95": {
                "accuracy": plain_json(self.accuracy_ci95),
                "flip_rate": plain_json(self.flip_ci95),
            },
        }


@dataclass(frozen=True, slots=True)
class Ratio:
    """A corruption error: a model's errors, divided by the reference's on the same images.

    Attributes:
        value: under 1 the model errs less; None where it is undefined.
        ci95: its 95% interval; None where there is none.
        undefined: why it is undefined; empty where it is not.
    """

    value: float | None
    ci95: Interval | None
    undefined: str


@dataclass(frozen=True, slots=True)
class KindResult:
    """A model on images spoilt by one kind.

    Attributes:
        kind: of corruption.
        severities: from 1 on.
        ce: its corruption error, over all severities together.
    """

    kind: Kind
    severities: tuple[Severity, ...]
    ce: Ratio

    @property
    def mean_accuracy(self) -> float:
        """Of its severities."""
        return sum(one.accuracy for one in self.severities) / len(self.severities)

    @property
    def mean_flip_rate(self) -> float:
        """Of its severities."""
        return sum(one.flip_rate for one in self.severities) / len(self.severities)

    def to_json(self) -> dict[str, Json]:
        """With the keys of this module's table."""
        return {
            "key": self.kind.key,
            "title": self.kind.title,
            "unit": self.kind.unit,
            "source": self.kind.source,
            "mean_accuracy": self.mean_accuracy,
            "mean_flip_rate": self.mean_flip_rate,
            "ce": self.ce.value,
            "ce_ci95": plain_json(self.ce.ci95),
            "ce_undefined": self.ce.undefined or None,
            "severities": [one.to_json() for one in self.severities],
        }


@dataclass(frozen=True, slots=True)
class Robustness:
    """A model on images spoilt in every way.

    Attributes:
        size_px: the side of the images that were spoilt.
        clean: on the same images as they are, brought to the model's size the same way.
        n_units: what was resampled: images, or fewer groups of images that belong together.
        kinds: the worst mean accuracy first.
        reference: the name of the model that errors are compared with; empty without one.
        mce: the mean of the kinds' corruption errors.
        seed: of the chances and of the bootstrap.
        resamples: of the bootstrap.
        seconds: that it took, with the reference.
    """

    size_px: int
    clean: Severity
    n_units: int
    kinds: tuple[KindResult, ...]
    reference: str
    mce: Ratio
    seed: int
    resamples: int
    seconds: float

    def to_json(self) -> dict[str, Json]:
        """The figures with the keys of this module's table, ready for `json.dumps`."""
        return {
            "format_version": FORMAT_VERSION,
            "n": self.clean.n,
            "units": self.n_units,
            "size_px": self.size_px,
            "clean": {
                "accuracy": self.clean.accuracy,
                "ci95": plain_json(self.clean.accuracy_ci95),
                "balanced_accuracy": self.clean.balanced_accuracy,
            },
            "reference": self.reference or None,
            "mce": self.mce.value,
            "mce_ci95": plain_json(self.mce.ci95),
            "mce_undefined": self.mce.undefined or None,
            "kinds": [kind.to_json() for kind in self.kinds],
            "seed": self.seed,
            "resamples": self.resamples,
            "seconds": self.seconds,
        }
