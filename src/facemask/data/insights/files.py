"""What the files mean: names that lie, copies, photos that stand out."""

from collections.abc import Iterator

from facemask.data.explore import Exploration
from facemask.data.exploring.columns import NOT_SPLIT
from facemask.data.exploring.copies import Copies
from facemask.data.exploring.flags import Flag
from facemask.data.insights.insight import Insight, listed, percent, photos

COPIES_SHARE = 0.01
"""One sample in a hundred that is a copy: a random split then tests on photos it trained on."""

FLAG_SHARE = 0.01
"""Photos that stand out are worth a note from one in a hundred on."""

_FLAG_WORDS = {
    "grey": (
        "Grey photos", "are grey",
        "Colour cannot help with them, and misleads where it stands for the label.",
    ),
    "dark": (
        "Dark photos", "are dark", "A black mask and a shadow are easily confused in them.",
    ),
    "bright": (
        "Nearly white photos", "are nearly white",
        "Most are cut-outs before white, unlike photos taken outside.",
    ),
    "flat": (
        "Photos without contrast", "have hardly any contrast",
        "Drawings, silhouettes and fog are among such photos.",
    ),
    "soft": (
        "Blurred photos", "are blurred even at 64 x 64",
        "A network sees no edge of a mask in them.",
    ),
    "blank": (
        "Photos of one colour", "are of nearly one colour",
        "They show no face; look at them and leave them out.",
    ),
}  # fmt: skip
"""By flag: a title, what the photos are, and what follows."""


def file_insights(exploration: Exploration) -> Iterator[Insight]:
    """What the files of an exploration mean."""
    yield from _wrong_suffixes(exploration)
    yield from _copies(exploration)
    yield from _copies_across_splits(exploration.copies)
    yield from _conflicts(exploration.copies)
    for flag in exploration.flags:
        if flag.share > FLAG_SHARE or (flag.name == "blank" and flag.n):
            yield _flag(flag)


def _wrong_suffixes(exploration: Exploration) -> Iterator[Insight]:
    files = exploration.files
    if files.wrong_suffixes:
        example = files.wrong_suffix_examples[0]
        yield Insight(
            "wrong_suffixes",
            "note",
            "File names",
            f"The names of {files.wrong_suffixes:,} files promise another format than they hold, "
            f"such as {example.path} in {example.source}, which is {example.format}.",
            "This package goes by the content; a tool that goes by the name may fail on them.",
            {"n": files.wrong_suffixes},
        )


def _copies(exploration: Exploration) -> Iterator[Insight]:
    copies, n = exploration.copies, exploration.counts.n
    if not copies.extra:
        return
    across = (
        f"; {copies.across_sources:,} of these stand in more than one source"
        if copies.across_sources
        else ""
    )
    is_unsplit = NOT_SPLIT in exploration.counts.by_split
    yield Insight(
        "exact_copies",
        "warning" if copies.extra / n > COPIES_SHARE else "note",
        "Exact copies",
        f"{copies.extra:,} of {n:,} samples ({percent(copies.extra / n)}) are byte for byte copies "
        f"of another: {photos(copies.groups)} occur more than once{across}.",
        "Copies of a photo must stay in one split; a random split would test on photos that were "
        "trained on."
        if is_unsplit
        else "What occurs twice weighs twice, in training and in the scores.",
        {"extra": copies.extra, "groups": copies.groups, "share": copies.extra / n},
    )


def _copies_across_splits(copies: Copies) -> Iterator[Insight]:
    if copies.across_splits:
        tested = (
            f"; {percent(copies.test_share)} of the test photos were seen before"
            if copies.test_share
            else ""
        )
        yield Insight(
            "copies_across_splits",
            "warning",
            "Copies across splits",
            f"{copies.across_splits:,} files stand in more than one split{tested}.",
            "Scores on them measure memory, not skill: they come out too good.",
            {"n": copies.across_splits, "test_share": copies.test_share or 0.0},
        )


def _conflicts(copies: Copies) -> Iterator[Insight]:
    if copies.with_several_labels:
        yield Insight(
            "copies_with_both_labels",
            "warning",
            "Two labels on one photo",
            f"{copies.with_several_labels:,} photos stand in the data under more than one label, "
            f"such as {listed(copies.conflict_examples[0])}.",
            "One of the labels is wrong; correct it at the source.",
            {"n": copies.with_several_labels},
        )


def _flag(flag: Flag) -> Insight:
    title, what, reason = _FLAG_WORDS[flag.name]
    shares = [f"{percent(share)} of {name}" for name, share in flag.share_by_class.items()]
    return Insight(
        f"{flag.name}_photos",
        "note",
        title,
        f"{flag.n:,} photos ({percent(flag.share)}) {what}: {listed(shares)}.",
        reason,
        {"n": flag.n, "share": flag.share},
    )
