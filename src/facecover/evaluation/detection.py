"""How well faces are found in whole photos, and answered: figures with intervals over photos.

Average precision is COCO's: precision at 101 levels of recall, each the best at that recall or a
higher one, averaged; matching is by its library, see `face_matching`. Faces under
`SMALLEST_FACE_PX` are neither to be found nor false alarms.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facecover.documents import Json, to_document
from facecover.errors import DatasetError
from facecover.evaluation.face_matching import (
    COCO_IOUS,
    DetectedBoxes,
    Faces,
    Flags,
    Floats,
    Ints,
    Matches,
    TrueFaces,
    flat,
    match,
)
from facecover.evaluation.intervals import (
    Bootstrap,
    Metrics,
    interval_of,
    measure,
    share_interval,
    units_of,
)
from facecover.evaluation.performance import Estimate

SMALLEST_FACE_PX = 16.0

SIZES: tuple[tuple[float, float], ...] = ((16, 32), (32, 64), (64, 128), (128, np.inf))
"""From, and below: the square root of a box's area, in pixels of the photo."""

_ALL_SIZES = (SMALLEST_FACE_PX, np.inf)
_RECALLS = np.linspace(0, 1, 101)
_FOUND_IOUS = (0.5, 0.4)
_CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class Precision:
    """Average precision of one class and range of sizes.

    Attributes:
        size: from, and below, in pixels; None for all.
        ap50: at an overlap of 0.5; what finds a face that nobody annotated is a false alarm.
        ap50_second_opinion: the same, but what a second opinion agrees with, or is not sure of, is
            left aside.
        ap: the mean over overlaps of 0.5 to 0.95, COCO's; None where it was not measured.
        ap_second_opinion: likewise.
    """

    class_name: str
    size: tuple[float, float] | None
    ap50: Estimate
    ap50_second_opinion: Estimate
    ap: Estimate | None = None
    ap_second_opinion: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """The share of faces that are found at the detector's threshold, at an overlap of 0.5.

    Attributes:
        class_name: None for all.
        size: None for all.
        right: the share that is found and rightly answered.
    """

    class_name: str | None
    size: tuple[float, float] | None
    found: Estimate
    right: Estimate


@dataclass(frozen=True, slots=True)
class Curve:
    """What lower and lower thresholds bring, at an overlap of 0.5.

    Attributes:
        threshold: ``float64 (K,)``, falling.
        found: the share of faces found.
        false_alarms: per photo, unannotated faces counted.
        false_alarms_second_opinion: per photo, without those.
    """

    threshold: Floats
    found: Floats
    false_alarms: Floats
    false_alarms_second_opinion: Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each face and detection at the threshold, at an overlap of 0.5.

    Attributes:
        truths: all true faces.
        detected: all detections at any score.
        scores: of these, ``float64 (M,)``.
        found_by: ``int64 (N,)``, the detection of each true face; -1 for none.
        is_counted: ``bool (N,)``, which true faces are to be found.
        alarms: ``int64 (A,)``, the detections that are false alarms, the surest first.
        is_seconded: ``bool (A,)``, which of them a second opinion agrees with, or is not sure of.
    """

    truths: Faces
    detected: Faces
    scores: Floats
    found_by: Ints
    is_counted: Flags
    alarms: Ints
    is_seconded: Flags

    @property
    def missed(self) -> Ints:
        """The true faces that were not found: ``int64 (K,)``, the largest first."""
        rows = np.flatnonzero(self.is_counted & (self.found_by < 0))
        return rows[np.argsort(-self.truths.size[rows], kind="stable")]

    @property
    def wrong(self) -> Ints:
        """The true faces that were found, and answered as another class: ``int64 (K,)``."""
        is_wrong = self.detected.labels[self.found_by] != self.truths.labels
        return np.flatnonzero(self.is_counted & (self.found_by >= 0) & is_wrong)


@dataclass(frozen=True, slots=True)
class DetectionMetrics:
    """Every figure of a detector on some photos.

    Attributes:
        n_faces: those to be found.
        threshold: the score from which a detection counts, for all but `precisions` and `curve`.
        precisions: by class, then by class and size.
        recalls: of all, by size, by class, and by both.
        found: by overlap, the share of faces found.
        found_and_right: by overlap, the share found and rightly answered.
        false_alarms: per photo, unannotated faces counted.
        false_alarms_second_opinion: per photo, without what a second opinion agrees with or is not
            sure of.
        answers: the answers' own metrics, on the faces found; None where none is.
        outcome: for pictures.
    """

    n_photos: int
    n_faces: int
    threshold: float
    class_names: tuple[str, ...]
    precisions: tuple[Precision, ...]
    recalls: tuple[Recall, ...]
    found: dict[float, Estimate]
    found_and_right: dict[float, Estimate]
    false_alarms: Estimate
    false_alarms_second_opinion: Estimate
    answers: Metrics | None
    curve: Curve
    outcome: Outcome

    def to_json(self) -> dict[str, Json]:
        """Every figure with its interval; sizes in pixels, None for infinity."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        del fields["outcome"]
        fields["answers"] = None if self.answers is None else self.answers.to_json()
        document: dict[str, Json] = to_document(fields)
        return document


def measure_detections(
    truths: Sequence[TrueFaces],
    detections: Sequence[DetectedBoxes],
    *,
    threshold: float,
    class_names: Sequence[str],
    answer_threshold: float = 0.5,
    groups: npt.NDArray[np.int64] | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> DetectionMetrics:
    """Every figure of a detector, each with a 95% interval from a bootstrap over photos.

    Args:
        truths: of each photo.
        detections: of each photo, with low scores too: average precision lives on them.
        threshold: the score from which the detector says that there is a face.
        class_names: by label.
        answer_threshold: the probability of a mask from which the answer is mask.
        groups: ``int64 (N,)``, of the photos; those of one group are drawn together.
        seed: of the bootstrap.
        resamples: how many it draws.

    Raises:
        ConfigError: if the seed or the number of resamples is out of range.
        DatasetError: if arrays do not fit together, or no face is to be found.
    """
    if len(truths) != len(detections):
        raise DatasetError(
            f"detections: expected those of {len(truths):,} photos, found {len(detections):,}"
        )
    true, found = flat(truths, "true faces"), flat(detections, "detections")
    bootstrap = Bootstrap(units_of(len(truths), groups), resamples, seed)
    scores = _joined([one.scores for one in detections])
    is_annotated = _joined([one.is_annotated for one in truths]).astype(bool)
    measuring = _Measuring(true, found, scores, is_annotated, tuple(class_names), bootstrap)
    return measuring.all(threshold, [one.probabilities for one in detections], answer_threshold)


def _joined(arrays: Sequence[npt.NDArray[Any]]) -> Floats:
    return np.concatenate([np.zeros(0), *arrays]).astype(np.float64)


@dataclass(frozen=True)
class _Measuring:
    true: Faces
    detected: Faces
    scores: Floats
    is_annotated: Flags
    class_names: tuple[str, ...]
    bootstrap: Bootstrap

    def all(
        self, threshold: float, probabilities: Sequence[Floats], answer_threshold: float
    ) -> DetectionMetrics:
        by_opinion = [
            self._matched(None, _FOUND_IOUS, [_ALL_SIZES], second)[None, _ALL_SIZES]
            for second in (False, True)
        ]
        strict, lenient = (matches[0] for matches in by_opinion)
        if not strict.is_counted.any():
            raise DatasetError(
                f"{self.true.n_photos:,} photos: no labelled face of {SMALLEST_FACE_PX:g} pixels "
                "or more to be found"
            )
        outcomes = [self._outcome(one, lenient, threshold) for one in by_opinion[0]]
        recalls = {iou: self._recall(one) for iou, one in zip(_FOUND_IOUS, outcomes, strict=True)}
        outcome = outcomes[0]
        return DetectionMetrics(
            n_photos=self.true.n_photos,
            n_faces=int(strict.is_counted.sum()),
            threshold=threshold,
            class_names=self.class_names,
            precisions=self._precisions(),
            recalls=self._recalls(outcome),
            found={iou: one.found for iou, one in recalls.items()},
            found_and_right={iou: one.right for iou, one in recalls.items()},
            false_alarms=self._per_photo(outcome.alarms),
            false_alarms_second_opinion=self._per_photo(outcome.alarms[~outcome.is_seconded]),
            answers=self._answers(outcome, probabilities, answer_threshold),
            curve=self._curve(strict, lenient),
            outcome=outcome,
        )

    def _matched(
        self,
        labels: Sequence[int] | None,
        ious: Sequence[float],
        sizes: Sequence[tuple[float, float]],
        has_second_opinion: bool,
    ) -> dict[tuple[int | None, tuple[float, float]], list[Matches]]:
        return match(
            self.true,
            self.detected,
            self.scores,
            known=self.is_annotated | has_second_opinion,
            labels=labels,
            ious=ious,
            sizes=sizes,
        )

    def _precisions(self) -> tuple[Precision, ...]:
        labels = range(len(self.class_names))
        whole, by_size = (
            [self._matched(labels, ious, sizes, second) for second in (False, True)]
            for ious, sizes in ((COCO_IOUS, [_ALL_SIZES]), (COCO_IOUS[:1], SIZES))
        )
        found = []
        for label, name in enumerate(self.class_names):
            both = [one[label, _ALL_SIZES] for one in whole]
            at_half, at_all = [one[:1] for one in both], both
            figures = [self._precision(one) for one in (*at_half, *at_all)]
            found.append(Precision(name, None, *figures))
        for label, name in enumerate(self.class_names):
            for size in SIZES:
                figures = [self._precision(one[label, size]) for one in by_size]
                found.append(Precision(name, size, *figures))
        return tuple(found)

    def _precision(self, matches: Sequence[Matches]) -> Estimate:
        """The mean of the average precision at some overlaps."""
        flags = []
        for one in matches:
            used = (one.found >= 0) | one.is_alarm
            flags.append((self.detected.photo[one.detection[used]], one.found[used] >= 0))
        truths = self._by_photo(np.flatnonzero(matches[0].is_counted), self.true)

        def value(weights: Floats) -> Floats:
            each = [average_precision(weights, photo, is_hit, truths) for photo, is_hit in flags]
            mean: Floats = np.mean(each, axis=0)
            return mean

        return self._figure(value, int(matches[0].is_counted.sum()))

    def _figure(
        self, value: Callable[[Floats], Floats], n: int, *, is_share: bool = False
    ) -> Estimate:
        point = float(value(np.ones((1, self.true.n_photos)))[0])
        if np.isnan(point):
            return Estimate(None, None, n)
        draws = self.bootstrap.draws(value)
        if is_share and not np.isnan(draws).any():
            return Estimate(point, share_interval(draws, point, min(n, self.bootstrap.n_units)), n)
        return Estimate(point, interval_of(draws), n)

    def _by_photo(self, rows: Ints, faces: Faces) -> Floats:
        """How many of some faces each photo has: ``float64 (P,)``."""
        return np.bincount(faces.photo[rows], minlength=faces.n_photos).astype(np.float64)

    def _share(self, hits: Flags, among: Flags) -> Estimate:
        part, whole = (self._by_photo(np.flatnonzero(some), self.true) for some in (hits, among))

        def value(weights: Floats) -> Floats:
            with np.errstate(invalid="ignore"):  # no such face in the photos drawn
                share: Floats = (weights @ part) / (weights @ whole)
            return share

        return self._figure(value, int(among.sum()), is_share=True)

    def _per_photo(self, detections: Ints) -> Estimate:
        count = self._by_photo(detections, self.detected)

        def value(weights: Floats) -> Floats:
            rate: Floats = weights @ count / weights.sum(axis=1)
            return rate

        return self._figure(value, self.true.n_photos)

    def _outcome(self, one: Matches, lenient: Matches, threshold: float) -> Outcome:
        is_said = self.scores[one.detection] >= threshold
        is_hit = is_said & (one.found >= 0)
        found_by = np.full(len(self.true.photo), -1)
        found_by[one.found[is_hit]] = one.detection[is_hit]
        alarms = one.detection[one.is_alarm & is_said]
        is_seconded = ~np.isin(alarms, lenient.detection[lenient.is_alarm])
        return Outcome(
            self.true, self.detected, self.scores, found_by, one.is_counted, alarms, is_seconded
        )

    def _recall(
        self, outcome: Outcome, label: int | None = None, size: tuple[float, float] | None = None
    ) -> Recall:
        among = outcome.is_counted.copy()
        if label is not None:
            among &= self.true.labels == label
        if size is not None:
            among &= (self.true.size >= size[0]) & (self.true.size < size[1])
        is_found = among & (outcome.found_by >= 0)
        is_right = is_found & (self.detected.labels[outcome.found_by] == self.true.labels)
        shares = [self._share(hit, among) for hit in (is_found, is_right)]
        return Recall(None if label is None else self.class_names[label], size, *shares)

    def _recalls(self, outcome: Outcome) -> tuple[Recall, ...]:
        classes = (None, *range(len(self.class_names)))
        return tuple(
            self._recall(outcome, label, size) for label in classes for size in (None, *SIZES)
        )

    def _answers(
        self, outcome: Outcome, probabilities: Sequence[Floats], threshold: float
    ) -> Metrics | None:
        found = np.flatnonzero(outcome.is_counted & (outcome.found_by >= 0))
        if not len(found):
            return None
        rows = np.concatenate([one for one in probabilities if len(one)])[outcome.found_by[found]]
        return measure(
            self.true.labels[found],
            rows,
            threshold,
            self.bootstrap.seed,
            self.bootstrap.resamples,
            self.bootstrap.units[self.true.photo[found]],
            self.class_names,
        )

    def _curve(self, strict: Matches, lenient: Matches) -> Curve:
        counts = [
            np.cumsum(flags) for flags in (strict.found >= 0, strict.is_alarm, lenient.is_alarm)
        ]
        n = len(strict.detection)
        some = np.unique(np.linspace(0, n - 1, _CURVE_POINTS).astype(int))[:n]
        found, alarms, alone = (count[some] for count in counts)
        scores, photos = self.scores[strict.detection[some]], self.true.n_photos
        return Curve(scores, found / strict.is_counted.sum(), alarms / photos, alone / photos)


def average_precision(weights: Floats, photo: Ints, is_hit: Flags, truths: Floats) -> Floats:
    """COCO's average precision where photos count several times: ``float64 (B,)``.

    Args:
        weights: ``float64 (B, P)``, how often each photo counts.
        photo: ``int64 (D,)``, of each detection, the surest first.
        is_hit: ``bool (D,)``; the others are false alarms.
        truths: ``float64 (P,)``, how many faces each photo has to be found.

    Returns:
        NaN where no face is to be found.
    """
    where = np.flatnonzero(is_hit)
    if not len(where):
        return np.where(weights @ truths > 0, 0.0, np.nan)
    # Precision only falls between two hits: each photo's detections are counted up to each hit.
    until = np.searchsorted(where, np.arange(len(photo)))
    used = until < len(where)
    places = photo[used] * len(where) + until[used]
    counts = np.bincount(places, minlength=len(truths) * len(where)).reshape(len(truths), -1)
    hits = np.cumsum(weights[:, photo[where]], axis=1)
    precision = hits / np.maximum(weights @ np.cumsum(counts, axis=1, dtype=np.float64), 1e-12)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.hstack([best, np.zeros((len(best), 1))])
    found = np.full(len(weights), np.nan)
    for row, n in enumerate(weights @ truths):
        if n:
            levels = np.searchsorted(hits[row] / n, _RECALLS, side="left")
            found[row] = best[row, levels].mean()
    return found
