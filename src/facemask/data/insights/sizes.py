"""What the sizes mean for the input of a network."""

from collections.abc import Iterator

from facemask.data.explore import Exploration
from facemask.data.exploring.sizes import InputFit, Sizes
from facemask.data.insights.insight import Insight, listed, percent

MAX_ENLARGED = 0.25
"""An input that enlarges over a quarter of the training photos computes on pixels that were
never photographed; the study refused 128 because it would have been half."""

TINY_SHARE = 0.01
"""Photos under the smallest input worth a note."""

SQUEEZED_SHARE = 0.05
"""Photos distorted by half or more worth a note."""


def size_insights(exploration: Exploration) -> Iterator[Insight]:
    """What the sizes of an exploration mean."""
    sizes = exploration.sizes
    yield _input_size(sizes)
    yield _pixels_kept(sizes)
    yield from _tiny(sizes.inputs[0])
    yield from _squeezed(sizes)


def _enlarged(fit: InputFit) -> float:
    """The share of photos an input enlarges, of the training photos where they are known."""
    return fit.under_by_split.get("train", fit.under)


def _input_size(sizes: Sizes) -> Insight:
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
    return Insight(
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


def _pixels_kept(sizes: Sizes) -> Insight:
    kept = [f"{percent(fit.median_pixels_kept)} at {fit.size_px}" for fit in sizes.inputs]
    lossless = [f"{percent(fit.lossless)} at {fit.size_px}" for fit in sizes.inputs]
    return Insight(
        "pixels_kept",
        "note",
        "What shrinking costs",
        f"Of its pixels the median photo keeps {listed(kept)}; nothing is lost for "
        f"{listed(lossless)}.",
        "Thin straps and the texture of cloth go first; compare the networks' input sizes.",
        {f"kept_{fit.size_px}": fit.median_pixels_kept for fit in sizes.inputs},
    )


def _tiny(smallest: InputFit) -> Iterator[Insight]:
    if smallest.under > TINY_SHARE:
        yield Insight(
            "tiny_photos",
            "note",
            "Tiny photos",
            f"{percent(smallest.under)} of the photos have a side under {smallest.size_px} "
            "pixels: even the smallest network's input enlarges them.",
            "At that size a mask and a beard look alike; such labels are hard to trust.",
            {"share": smallest.under},
        )


def _squeezed(sizes: Sizes) -> Iterator[Insight]:
    share = {squeeze.factor: squeeze.share for squeeze in sizes.squeezes}
    if share[1.5] > SQUEEZED_SHARE:
        yield Insight(
            "squeezed",
            "note",
            "Squeezed to a square",
            f"{percent(share[1.5])} of the photos are over 1.5 times as long one way as the other "
            f"({percent(share[1.25])} over 1.25, {percent(share[2.0])} over 2 times).",
            "An input is square, and stretches these faces by that much.",
            {f"over_{factor:g}": value for factor, value in share.items()},
        )
