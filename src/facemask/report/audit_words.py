"""How findings are named and said in short, on a page and in a terminal."""

from facemask.data.audit.cues import CUE_WORDS
from facemask.data.audit.finding import Finding
from facemask.data.audit.leakage import RANDOM
from facemask.data.insights.insight import percent

TITLES = {
    "duplicates": "Duplicates",
    "leakage": "Leakage",
    "conflicts": "Conflicts",
    "shortcuts": "Shortcuts",
    "suspects": "Suspicious labels",
    "outliers": "Outliers",
}
"""Of each of `CHECKS`."""

FOUND, FINE, NO_SPLIT, NOT_MEASURED = "found", "fine", "no split yet", "not measured"


def state(finding: Finding) -> str:
    """`FOUND`, `FINE`, `NOT_MEASURED`, or `NO_SPLIT`: what a random one would leak."""
    if not finding.is_measured:
        return NOT_MEASURED
    if finding.facts.get("split_by") == RANDOM:
        return NO_SPLIT
    return FOUND if finding.is_failed else FINE


def headline(finding: Finding) -> tuple[str, str]:
    """The key number of a finding, and what it counts together with its state."""
    if not finding.is_measured:
        return "\N{EN DASH}", NOT_MEASURED
    number, words = _HEADLINES[finding.check](finding)
    return number, f"{words}: {state(finding)}"


def cue_words(cue: str) -> str:
    """A cue of `CUE_WORDS` as a list or a drawing has it."""
    return "all of this together" if cue == "together" else CUE_WORDS[cue].removeprefix("the ")


def _duplicates(finding: Finding) -> tuple[str, str]:
    copies = finding.facts["images"] - finding.facts["pictures"]
    return percent(copies / finding.facts["images"]), f"{copies:,} of the images are copies"


def _leakage(finding: Finding) -> tuple[str, str]:
    worst = max(finding.facts["splits"], key=lambda one: float(one["twin_share"]))
    words = f"of the {worst['split']} images have a twin in training"
    if finding.facts["split_by"] == RANDOM:
        words = "of the images would have a twin in training, if split at random"
    return f"{worst['twin_share']:.1%}", words


def _conflicts(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['pictures']:,}", "pictures with several labels"


def _shortcuts(finding: Finding) -> tuple[str, str]:
    strongest = max(finding.facts["cues"], key=lambda one: float(one["balanced_accuracy"]))
    return f"{strongest['accuracy']:.0%}", "of the labels follow from " + (
        "what is not the face" if strongest["cue"] == "together" else CUE_WORDS[strongest["cue"]]
    )


def _suspects(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['suspects']:,}", "labels that networks contradict"


def _outliers(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['outliers']:,}", "images that are hardly one face"


_HEADLINES = {
    "duplicates": _duplicates,
    "leakage": _leakage,
    "conflicts": _conflicts,
    "shortcuts": _shortcuts,
    "suspects": _suspects,
    "outliers": _outliers,
}
