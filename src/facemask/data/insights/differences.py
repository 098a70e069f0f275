"""What differs between sources, and between training and test photos."""

from collections.abc import Iterator, Sequence

from facemask.data.explore import Exploration
from facemask.data.exploring.measures import GroupDifference
from facemask.data.insights.insight import Insight, listed
from facemask.data.insights.shortcuts import MEASURE_WORDS

SOURCE_DISTANCE = 0.3
"""A Kolmogorov-Smirnov distance of normal distributions 0.77 standard deviations apart."""

SPLIT_DISTANCE = 0.1
"""The same for 0.25 standard deviations: splits of one pile of photos lie closer."""

SURE_P = 0.01
"""The chance of a false alarm over all comparisons together (Bonferroni)."""


def difference_insights(exploration: Exploration) -> Iterator[Insight]:
    """What differs between the groups of an exploration."""
    yield from _sources(exploration.measures.source_differences)
    yield from _splits(exploration.measures.split_differences)


def _sources(differences: Sequence[GroupDifference]) -> Iterator[Insight]:
    far = _strongest(differences, SOURCE_DISTANCE)
    sources = {one.first for one in differences}
    if len(sources) == 2:
        far = far[:1]  # of two, each is the other's rest
    if not far:
        return
    named = [f"{one.first} in {MEASURE_WORDS[one.measure]} ({one.distance:.2f})" for one in far]
    yield Insight(
        "sources_differ",
        "note",
        "Sources differ",
        f"Against the photos of all other sources, {listed(named)} stand out (Kolmogorov-Smirnov "
        "distance, 0 to 1).",
        "A score within a source says little of the others: test on a source left out, too.",
        {one.first: one.distance for one in far},
    )


def _splits(differences: Sequence[GroupDifference]) -> Iterator[Insight]:
    for split in dict.fromkeys(one.second for one in differences):
        inside = [one for one in differences if one.second == split]
        for worst in _strongest(inside, SPLIT_DISTANCE):
            yield Insight(
                f"{split}_differs",
                "warning",
                f"The {split} photos differ",
                f"The {split} photos differ from the training photos, most of all in "
                f"{MEASURE_WORDS[worst.measure]} (Kolmogorov-Smirnov distance "
                f"{worst.distance:.2f}, p {_p(worst.p_value)}).",
                "The split is not one of a single pile: a score on it measures that difference "
                "too.",
                {"distance": worst.distance, "p_value": worst.p_value},
            )


def _strongest(
    differences: Sequence[GroupDifference], least_distance: float
) -> list[GroupDifference]:
    """For each first group its largest sure difference over a distance; largest first."""
    strongest: dict[str, GroupDifference] = {}
    for one in differences:
        is_sure = one.p_value * len(differences) < SURE_P
        if is_sure and one.distance > least_distance:
            best = strongest.get(one.first)
            if best is None or one.distance > best.distance:
                strongest[one.first] = one
    return sorted(strongest.values(), key=lambda one: -one.distance)


def _p(value: float) -> str:
    return "under 0.0001" if value < 0.0001 else f"{value:.4f}"
