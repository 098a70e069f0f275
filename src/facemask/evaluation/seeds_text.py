"""Several seeds of one experiment, in words."""

from facemask.evaluation.compare import Comparison
from facemask.evaluation.contenders import Contender
from facemask.evaluation.wording import interval, kind_of, percent, points


def seed_sentences(comparison: Comparison) -> tuple[str, ...]:
    """A sentence for each experiment that stands there with several seeds."""
    return tuple(_sentence(one) for one in comparison.contenders if one.seeds)


def _sentence(one: Contender) -> str:
    mean, bounds = one.values["accuracy"], one.ci95["accuracy"]
    if mean is None:
        return f"{one.name}: accuracy undefined."
    low, high = one.ranges["accuracy"]
    between = f"95% interval {interval(kind_of('accuracy'), bounds)}; " if bounds else ""
    return (
        f"{one.name}: {percent(mean)} mean accuracy ({between}single seeds {percent(low)} to "
        f"{percent(high)}, standard deviation {points(one.spread['accuracy'])})."
    )
