"""What tells the class without looking at the face."""

from collections.abc import Iterator, Sequence

from facemask.data.explore import Exploration
from facemask.data.exploring.measures import (
    FILE_MEASURES,
    MIN_GROUP,
    PIXEL_MEASURES,
    ClassDifference,
)
from facemask.data.exploring.size_guess import SizeGuess
from facemask.data.insights.insight import Insight, Level, listed, percent

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
