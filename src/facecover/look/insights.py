"""What an exploration's figures mean, in plain sentences; each is said only if they warrant it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from facecover.errors import shown
from facecover.look.class_balance import Counts
from facecover.look.class_differences import (
    FILE_MEASURES,
    MIN_GROUP,
    PIXEL_MEASURES,
    ClassDifference,
    GroupDifference,
)
from facecover.look.exploration import Exploration, as_json
from facecover.look.file_quality import Copies, Flag
from facecover.look.image_sizes import InputFit, SizeGuess, Sizes
from facecover.look.statistics import NOT_SPLIT
from facecover.text import Insight, Level, listed, percent, photos

UNBALANCED_SHARE = 0.8
"""A majority of 4 to 1: always answering it already looks like a good accuracy."""

SPLIT_SHIFT = 0.05
"""Five points between a class's shares in two splits: more than a stratified split leaves."""

TRUSTED_MARGIN = 0.02
"""A test split so small that an accuracy of 95% carries more than 2 points either way cannot
tell apart the networks that this package compares."""

_USUAL_ACCURACY = 0.95
_Z95 = 1.96

LOST_SHARE = 0.01
"""More than one sample in a hundred left out is worth a warning."""


def balance_insights(exploration: Exploration) -> Iterator[Insight]:
    """What the counts of an exploration mean."""
    counts = exploration.counts
    yield _one_class(counts) if len(counts.by_class) == 1 else _balance(counts)
    yield from _one_class_sources(counts)
    yield from _splits(counts)
    yield from _test_size(counts)
    yield from _left_out(counts)


def _one_class(counts: Counts) -> Insight:
    return Insight(
        "one_class",
        "warning",
        "One class only",
        f"Every one of the {photos(counts.n)} is {counts.majority_class}.",
        "There is nothing to tell apart: add photos of the other class.",
        {"n": counts.n},
    )


def _balance(counts: Counts) -> Insight:
    is_unbalanced = counts.majority_share > UNBALANCED_SHARE
    shares = listed([f"{n:,} {name} ({percent(n / counts.n)})" for name, n in _sizes(counts)])
    return Insight(
        "class_balance",
        "warning" if is_unbalanced else "note",
        "Class balance",
        f"The {photos(counts.n)} are {shares}; always answering {counts.majority_class} is right "
        f"on {percent(counts.majority_share)}.",
        "Accuracy hides how the small class fares: read balanced accuracy and F1."
        if is_unbalanced
        else "An accuracy says something only by what it is above that.",
        {"n": counts.n, "majority_share": counts.majority_share},
    )


def _sizes(counts: Counts) -> list[tuple[str, int]]:
    return sorted(counts.by_class.items(), key=lambda item: -item[1])


def _one_class_sources(counts: Counts) -> Iterator[Insight]:
    classes = {
        source: sorted({cell.class_name for cell in counts.cells if cell.source == source})
        for source in counts.by_source
    }
    pure = [source for source in counts.by_source if len(classes[source]) == 1]
    if len(counts.by_class) == 1 or not pure:
        return
    share = sum(counts.by_source[source] for source in pure) / counts.n
    named = [f"{one} ({classes[one][0]}, {photos(counts.by_source[one])})" for one in pure]
    yield Insight(
        "one_class_sources",
        "warning",
        "Source and label go together",
        f"Only one class stands in {listed(named)}: {percent(share)} of all photos."
        f"{_source_guess(counts)}",
        "What sets such a source apart (camera, crop, compression) goes with the label, and a "
        "network may learn that in place of the mask.",
        {"share": share, "source_guess_share": counts.source_guess_share},
    )


def _source_guess(counts: Counts) -> str:
    if counts.source_guess_share <= counts.majority_share:
        return ""
    return (
        f" Answering each source's larger class is right on {percent(counts.source_guess_share)}, "
        f"where the majority class has {percent(counts.majority_share)}."
    )


def _splits(counts: Counts) -> Iterator[Insight]:
    open_n = counts.by_split.get(NOT_SPLIT, 0)
    if open_n == counts.n:
        yield Insight(
            "no_split",
            "note",
            "No split yet",
            "The data brings no split into training and test photos.",
            "facecover prepare makes one, seeded and stratified by class and source.",
        )
    for split in counts.by_split:
        if split not in ("val", "test") or "train" not in counts.by_split:
            continue
        shift, name = max(
            (abs(counts.share_of(one, split=split) - counts.share_of(one, split="train")), one)
            for one in counts.by_class
        )
        if shift > SPLIT_SHIFT:
            yield _shift(counts, split, name, shift)


def _shift(counts: Counts, split: str, name: str, shift: float) -> Insight:
    here, there = (counts.share_of(name, split=one) for one in (split, "train"))
    return Insight(
        f"class_shift_{split}",
        "warning",
        f"Another balance in the {split} split",
        f"{name} is {percent(here)} of the {split} split, but {percent(there)} of the training "
        "split.",
        "Accuracy and precision move with the class balance: compare balanced accuracy, or split "
        "again, stratified.",
        {"shift": shift, "share": here, "train_share": there},
    )


def _test_size(counts: Counts) -> Iterator[Insight]:
    n = counts.by_split.get("test", 0)
    if not n:
        return
    margin = _Z95 * math.sqrt(_USUAL_ACCURACY * (1 - _USUAL_ACCURACY) / n)
    if margin > TRUSTED_MARGIN:
        yield Insight(
            "small_test_split",
            "warning",
            "Few test photos",
            f"The test split has {photos(n)}: an accuracy of {_USUAL_ACCURACY:.0%} on it carries "
            f"{margin * 100:.1f} points either way.",
            "Smaller differences between networks cannot be seen on it.",
            {"n": n, "margin": margin},
        )


def _left_out(counts: Counts) -> Iterator[Insight]:
    lost = sum(counts.left_out.values())
    if not lost:
        return
    share = lost / (lost + counts.n)
    reasons = [f"{n:,} {reason}" for reason, n in sorted(counts.left_out.items())]
    yield Insight(
        "left_out",
        "warning" if share > LOST_SHARE else "note",
        "Left out",
        f"{lost:,} of {lost + counts.n:,} samples ({percent(share)}) were left out: "
        f"{listed(reasons)}.",
        "If one class lost more than the other, what is left is no fair picture of it.",
        {"n": lost, "share": share},
    )


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


STRONG_AUC = 0.7
"""Of two photos, one of each class, the measure alone tells which is which 7 times in 10; for
normal distributions the means are 0.74 standard deviations apart."""

CERTAIN_AUC = 0.6
"""Where the nearer end of the 95% interval must lie, so that few photos raise no alarm."""

SIZE_GAIN = 0.1
"""Points of accuracy over the majority class that width and height alone must surely give."""

DECISIVE_AUC = 0.9
"""A mean face that tells this much leaves a network little to learn."""

_CASES = 4
"""Cases named in one sentence: all photos, and the first sources."""

FORMAT_SHIFT = 0.25
FORMAT_SHARE = 0.01
"""A format counts from one photo in a hundred on, if its classes are shifted by 25 points."""

FORMAT_GAIN = 0.05
"""Points of accuracy over the majority class by answering from the format alone."""

MEASURE_WORDS = {
    "width": "width",
    "height": "height",
    "short_side": "the shorter side",
    "aspect_ratio": "width by height",
    "file_bytes": "file size",
    "jpeg_quality": "JPEG quality",
    "brightness": "brightness",
    "contrast": "contrast",
    "sharpness": "sharpness",
    "saturation": "colourfulness",
    "red": "the mean red",
    "green": "the mean green",
    "blue": "the mean blue",
}


def shortcut_insights(exploration: Exploration) -> Iterator[Insight]:
    """What tells the class of an exploration's photos without looking at the face."""
    yield from _size_guess(exploration)
    differences = exploration.measures.class_differences
    yield from _measures(
        "file_measures",
        "warning",
        "The file gives the label away",
        strong_differences(differences, FILE_MEASURES),
        "That is no property of a face: a network may learn it in place of the mask, and fail "
        "on photos from elsewhere.",
    )
    yield from _measures(
        "pixel_measures",
        "note",
        "Light and colour differ by class",
        strong_differences(differences, PIXEL_MEASURES),
        "It may come from the mask itself, which hides skin and lips, or from how the photos "
        "were taken; the latter does not carry over to other photos.",
    )
    yield from _mean_faces(exploration)
    yield from _formats(exploration)


def strong_differences(
    differences: Sequence[ClassDifference], measures: Sequence[str]
) -> list[ClassDifference]:
    """For each measure that surely tells two classes apart, its strongest case; strongest first."""
    strongest: dict[str, ClassDifference] = {}
    for one in differences:
        is_strong = one.strength > STRONG_AUC and one.least_strength > CERTAIN_AUC
        if one.measure in measures and is_strong:
            best = strongest.get(one.measure)
            if best is None or one.strength > best.strength:
                strongest[one.measure] = one
    return sorted(strongest.values(), key=lambda one: -one.strength)


def _measures(
    key: str, level: Level, title: str, strong: Sequence[ClassDifference], reason: str
) -> Iterator[Insight]:
    if not strong:
        return
    first = strong[0]
    low, high = sorted((first.least_strength, max(first.high, 1 - first.low)))
    way = "larger" if first.auc > 0.5 else "smaller"
    measure = MEASURE_WORDS[first.measure]
    text = (
        f"{measure[0].upper()}{measure[1:]} alone tells {first.second} from {first.first} with an "
        f"AUC of {first.strength:.2f} ({low:.2f} to {high:.2f}){_place(first)}; it is {way} for "
        f"{first.second}."
    )
    others = [f"{MEASURE_WORDS[one.measure]} {one.strength:.2f}{_place(one)}" for one in strong[1:]]
    text += f" Also: {listed(others)}." if others else ""
    yield Insight(key, level, title, text, reason, {one.measure: one.auc for one in strong})


def _place(difference: ClassDifference) -> str:
    return f" within {difference.source}" if difference.source else ""


def _size_guess(exploration: Exploration) -> Iterator[Insight]:
    sure = [
        guess for guess in exploration.size_guesses if guess.low - guess.majority_share > SIZE_GAIN
    ]
    if not sure:
        return
    ordered = sorted(sure, key=lambda guess: guess.source is not None)
    cases = [_case(guess) for guess in ordered]
    yield Insight(
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


def _mean_faces(exploration: Exploration) -> Iterator[Insight]:
    test = exploration.mean_face_test
    if test is None or test.auc < STRONG_AUC or test.low < CERTAIN_AUC:
        return
    yield Insight(
        "mean_faces",
        "warning" if test.auc > DECISIVE_AUC else "note",
        "The mean face alone",
        f"The mean faces of one half of the photos tell the classes of the other half apart with "
        f"an AUC of {test.auc:.2f} ({test.low:.2f} to {test.high:.2f}); answering the nearer one "
        f"is right on {percent(test.balanced_accuracy)}, both classes weighing the same.",
        "That much needs no network: colour at a fixed place is enough. A network is worth what "
        "it adds.",
        {"auc": test.auc, "balanced_accuracy": test.balanced_accuracy},
    )


def _formats(exploration: Exploration) -> Iterator[Insight]:
    counts, files = exploration.counts, exploration.files
    cases, figures = [], {}
    for name, n in files.formats.items():
        if n < max(MIN_GROUP, FORMAT_SHARE * counts.n):
            continue
        shares = {one: files.formats_by_class[one].get(name, 0) / n for one in counts.by_class}
        shift, one = max((shares[one] - counts.by_class[one] / counts.n, one) for one in shares)
        if shift > FORMAT_SHIFT:
            cases.append(f"{percent(shares[one])} of the {n:,} {name} photos are {one}")
            figures[name] = shares[one]
    if cases:
        gain = files.format_guess_share - counts.majority_share
        yield Insight(
            "formats_by_class",
            "warning" if gain > FORMAT_GAIN else "note",
            "Format and label go together",
            f"{listed(cases)}; of all photos {percent(counts.majority_share)} are "
            f"{counts.majority_class}.",
            "Formats leave traces in the pixels (JPEG blocks, flat PNG backgrounds) that a network "
            "can see.",
            figures,
        )


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


SOURCE_DISTANCE = 0.3
"""A Kolmogorov-Smirnov distance of normal distributions 0.77 standard deviations apart."""

SPLIT_DISTANCE = 0.1
"""The same for 0.25 standard deviations: splits of one pile of photos lie closer."""

SURE_P = 0.01
"""The chance of a false alarm over all comparisons together (Bonferroni)."""


def difference_insights(exploration: Exploration) -> Iterator[Insight]:
    """What differs between the groups of an exploration."""
    yield from _sources(exploration.measures.source_differences)
    yield from _split_differences(exploration.measures.split_differences)


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


def _split_differences(differences: Sequence[GroupDifference]) -> Iterator[Insight]:
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


def insights(exploration: Exploration) -> tuple[Insight, ...]:
    """The key insights, warnings first; each key occurs once.

    Args:
        exploration: from `explore.explore`.
    """
    found = chain(
        balance_insights(exploration),
        size_insights(exploration),
        shortcut_insights(exploration),
        file_insights(exploration),
        difference_insights(exploration),
    )
    # Names of sources and files stand in the sentences.
    printable = [replace(one, text=shown(one.text)) for one in found]
    return tuple(sorted(printable, key=lambda insight: not insight.is_warning))


def exploration_json(exploration: Exploration) -> dict[str, object]:
    """All numbers and the key insights, ready for `json.dumps`.

    The keys of `Exploration.to_json`, and ``insights``: a list of objects with ``key``, ``level``
    (``note`` or ``warning``), ``title``, ``text``, ``reason`` and ``figures``, warnings first.
    """
    return {**exploration.to_json(), "insights": as_json(insights(exploration))}
