"""How large the photos are, what an input size does to them, and what size alone tells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.tree import DecisionTreeClassifier

from facecover.look.finding import Finding
from facecover.look.statistics import (
    MIN_GROUP,
    Spread,
    halves,
    sources_of,
    splits_of,
    spread_by_class,
    spread_of,
)
from facecover.text import listed, percent

INPUT_SIZES_PX = (32, 64, 128)
"""The input sizes judged: those of Net #1 and Net #2, and the next one up."""

SIZE_COLUMNS = ("width", "height", "short_side", "long_side", "aspect_ratio")

SQUEEZES = (1.25, 1.5, 2.0)
"""Long side by short side; squeezed to a square, the face is stretched by this factor."""


@dataclass(frozen=True)
class InputFit:
    """What squeezing the photos to a square input does to them.

    Attributes:
        under: the share, 0..1, of photos with a side under it: they are enlarged that way.
        over: the share with both sides over it: they are shrunk both ways.
        under_both: the share with both sides under it: enlarged both ways.
        lossless: the share with no side over it: every pixel is kept.
        median_pixels_kept: the median over the photos of the share of pixels kept.
        under_by_split: `under` within each split.
        under_by_class: `under` within each class.
    """

    size_px: int
    under: float
    over: float
    under_both: float
    lossless: float
    median_pixels_kept: float
    under_by_split: dict[str, float]
    under_by_class: dict[str, float]


@dataclass(frozen=True)
class Squeeze:
    """The share, 0..1, of photos whose long side is over `factor` times the short one."""

    factor: float
    share: float


@dataclass(frozen=True)
class Sizes:
    """How large the photos are.

    Attributes:
        spreads: of each of `SIZE_COLUMNS`, in pixels (``aspect_ratio``: width / height).
        by_class: the same for each class, by column and class.
        inputs: what each input size does.
        squeezes: how many photos a square input distorts, and how much.
    """

    spreads: dict[str, Spread | None]
    by_class: dict[str, dict[str, Spread | None]]
    inputs: tuple[InputFit, ...]
    squeezes: tuple[Squeeze, ...]


def measure_sizes(table: pd.DataFrame, sizes_px: Sequence[int] = INPUT_SIZES_PX) -> Sizes:
    """The sizes in a described table, judged for some input sizes."""
    squeeze = table["squeeze"].to_numpy(dtype=np.float64)
    return Sizes(
        spreads={column: spread_of(table[column]) for column in SIZE_COLUMNS},
        by_class={column: spread_by_class(table, column) for column in SIZE_COLUMNS},
        inputs=tuple(_fit(table, size) for size in sizes_px),
        squeezes=tuple(Squeeze(factor, float((squeeze > factor).mean())) for factor in SQUEEZES),
    )


def _fit(table: pd.DataFrame, size_px: int) -> InputFit:
    short, long = table["short_side"].to_numpy(), table["long_side"].to_numpy()
    kept = np.minimum(1, size_px / short) * np.minimum(1, size_px / long)
    under = table["short_side"] < size_px
    by_class = under.groupby(table["class"]).mean()
    by_split = under.groupby(table["split"]).mean()
    return InputFit(
        size_px=size_px,
        under=float(under.mean()),
        over=float((short > size_px).mean()),
        under_both=float((long < size_px).mean()),
        lossless=float((long <= size_px).mean()),
        median_pixels_kept=float(np.median(kept)),
        under_by_split={name: float(by_split[name]) for name in splits_of(table)},
        under_by_class={str(name): float(share) for name, share in by_class.items()},
    )


_MIN_LEAF = 5
"""Photos a leaf of the tree: fewer would be learned by heart."""


@dataclass(frozen=True)
class SizeGuess:
    """How far a decision tree on width and height alone gets.

    One half of the photos (by their file's hash, so that copies stay together) teaches it, the
    other half tests it. A tree sees what a single measure's AUC does not: a class that was cut to
    a few fixed sizes.

    Attributes:
        source: the source that was looked at, or None for all together.
        accuracy: on the half that tests, 0..1.
        low: the lower end of its 95% interval (Wilson).
        high: the upper end.
        majority_share: the accuracy, on the same half, of always answering its largest class.
        n: photos tested.
    """

    source: str | None
    accuracy: float
    low: float
    high: float
    majority_share: float
    n: int


def guess_from_sizes(table: pd.DataFrame) -> tuple[SizeGuess, ...]:
    """The guess over all sources, and within each that has `MIN_GROUP` photos of two classes."""
    half_of = halves(table)
    sources, found = sources_of(table), []
    for source in (None, *(sources if len(sources) > 1 else ())):
        inside = np.full(len(table), True) if source is None else (table["source"] == source)
        teaching = table[np.asarray(inside) & (half_of == 0)]
        testing = table[np.asarray(inside) & (half_of == 1)]
        if _has_two_classes(teaching) and _has_two_classes(testing):
            found.append(_guess(source, teaching, testing))
    return tuple(found)


def _guess(source: str | None, teaching: pd.DataFrame, testing: pd.DataFrame) -> SizeGuess:
    tree = DecisionTreeClassifier(min_samples_leaf=_MIN_LEAF, random_state=0)
    tree.fit(teaching[["width", "height"]].to_numpy(), teaching["label"].to_numpy())
    answers = tree.predict(testing[["width", "height"]].to_numpy())
    right = int((answers == testing["label"].to_numpy()).sum())
    interval = binomtest(right, len(testing)).proportion_ci(method="wilson")
    majority = testing["label"].value_counts(normalize=True).max()
    return SizeGuess(
        source=source,
        accuracy=right / len(testing),
        low=float(interval.low),
        high=float(interval.high),
        majority_share=float(majority),
        n=len(testing),
    )


def _has_two_classes(rows: pd.DataFrame) -> bool:
    return int((rows["label"].value_counts() >= MIN_GROUP).sum()) >= 2


MAX_ENLARGED = 0.25
"""An input that enlarges over a quarter of the training photos computes on pixels that were
never photographed; the study refused 128 because it would have been half."""

TINY_SHARE = 0.01
"""Photos under the smallest input worth a note."""

SQUEEZED_SHARE = 0.05
"""Photos distorted by half or more worth a note."""


def size_findings(sizes: Sizes) -> Iterator[Finding]:
    """What the sizes mean."""
    yield _input_size(sizes)
    yield _pixels_kept(sizes)
    yield from _tiny(sizes.inputs[0])
    yield from _squeezed(sizes)


def _enlarged(fit: InputFit) -> float:
    """The share of photos an input enlarges, of the training photos where they are known."""
    return fit.under_by_split.get("train", fit.under)


def _input_size(sizes: Sizes) -> Finding:
    fits = sizes.inputs
    of = "training photos" if "train" in fits[0].under_by_split else "photos"
    smallest = f"under {fits[0].size_px} pixels for {percent(_enlarged(fits[0]))} of the {of}"
    others = [f"under {fit.size_px} for {percent(_enlarged(fit))}" for fit in fits[1:]]
    suited = [fit.size_px for fit in fits if _enlarged(fit) <= MAX_ENLARGED]
    advice = (
        f"{suited[-1]} x {suited[-1]} is the largest of these inputs that enlarges at most "
        f"{MAX_ENLARGED:.0%} of them."
        if suited
        else f"Each of these inputs enlarges more than {MAX_ENLARGED:.0%} of them: detail that a "
        "network would need was never photographed."
    )
    return Finding(
        "input_size",
        "note" if suited else "warning",
        "Input size",
        f"The shorter side is {listed([smallest, *others])}{_median(sizes)}.",
        advice,
        {f"under_{fit.size_px}": _enlarged(fit) for fit in fits},
    )


def _median(sizes: Sizes) -> str:
    width, height = sizes.spreads["width"], sizes.spreads["height"]
    if width is None or height is None:
        return ""
    return (
        f"; over all photos the median width is {width.median:.0f}, the median height "
        f"{height.median:.0f}"
    )


def _pixels_kept(sizes: Sizes) -> Finding:
    kept = [f"{percent(fit.median_pixels_kept)} at {fit.size_px}" for fit in sizes.inputs]
    lossless = [f"{percent(fit.lossless)} at {fit.size_px}" for fit in sizes.inputs]
    return Finding(
        "pixels_kept",
        "note",
        "What shrinking costs",
        f"Of its pixels the median photo keeps {listed(kept)}; nothing is lost for "
        f"{listed(lossless)}.",
        "Thin straps and the texture of cloth go first; compare the networks' input sizes.",
        {f"kept_{fit.size_px}": fit.median_pixels_kept for fit in sizes.inputs},
    )


def _tiny(smallest: InputFit) -> Iterator[Finding]:
    if smallest.under > TINY_SHARE:
        yield Finding(
            "tiny_photos",
            "note",
            "Tiny photos",
            f"{percent(smallest.under)} of the photos have a side under {smallest.size_px} "
            "pixels: even the smallest network's input enlarges them.",
            "At that size a mask and a beard look alike; such labels are hard to trust.",
            {"share": smallest.under},
        )


def _squeezed(sizes: Sizes) -> Iterator[Finding]:
    share = {squeeze.factor: squeeze.share for squeeze in sizes.squeezes}
    if share[1.5] > SQUEEZED_SHARE:
        yield Finding(
            "squeezed",
            "note",
            "Squeezed to a square",
            f"{percent(share[1.5])} of the photos are over 1.5 times as long one way as the other "
            f"({percent(share[1.25])} over 1.25, {percent(share[2.0])} over 2 times).",
            "An input is square, and stretches these faces by that much.",
            {f"over_{factor:g}": value for factor, value in share.items()},
        )


SIZE_GAIN = 0.1
"""Points of accuracy over the majority class that width and height alone must surely give."""


_CASES = 4
"""Cases named in one sentence: all photos, and the first sources."""


def size_guess_findings(guesses: Sequence[SizeGuess]) -> Iterator[Finding]:
    """Whether width and height give the label away."""
    sure = [guess for guess in guesses if guess.low - guess.majority_share > SIZE_GAIN]
    if not sure:
        return
    ordered = sorted(sure, key=lambda guess: guess.source is not None)
    cases = [_case(guess) for guess in ordered]
    yield Finding(
        "sizes_tell_the_class",
        "warning",
        "Size gives the label away",
        f"A guess from width and height alone is right on {listed(cases, _CASES)}.",
        "The classes were collected in different ways. A network sees the sizes through blur and "
        "distortion, so its accuracy on these photos may say little of faces elsewhere. (Exact "
        "copies were kept apart; near copies may raise the figure.)",
        {"accuracy": sure[0].accuracy, "majority_share": sure[0].majority_share},
    )


def _case(guess: SizeGuess) -> str:
    place = f"within {guess.source}" if guess.source else "of all photos"
    return (
        f"{percent(guess.accuracy)} {place} ({percent(guess.low)} to {percent(guess.high)}; "
        f"majority class {percent(guess.majority_share)})"
    )
