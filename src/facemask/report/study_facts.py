"""What a report shows of a study."""

from dataclasses import dataclass

from facemask.evaluation.exact import Interval


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One variant on one part of a division, over its seeds.

    Attributes:
        division: how the photos were divided: ``each-random``, ``left-out``, ...
        source: the source it is about, or ``all``.
        variant: the variant's name.
        accuracy: the mean over the seeds, 0..1.
        ci95: its 95% interval.
        by_seed: the accuracy of each seed.
        n: images judged.
        n_units: groups of them that were resampled.
        n_train: training images, the mean over the seeds.
        epochs: trained.
        parameters: of the network.
        balanced: the mean balanced accuracy; None where one class is missing.
        difference: to the baseline, in accuracy; None for the baseline itself.
        difference_ci95: its 95% interval.
    """

    division: str
    source: str
    variant: str
    accuracy: float
    ci95: Interval | None
    by_seed: tuple[float, ...]
    n: int
    n_units: int
    n_train: int
    epochs: int
    parameters: int
    balanced: float | None = None
    difference: float | None = None
    difference_ci95: Interval | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Division and source."""
        return self.division, self.source


@dataclass(frozen=True, slots=True)
class StudyRunRow:
    """One run, as the details list it."""

    division: str
    source: str
    variant: str
    seed: int
    accuracy: float
    ci95: Interval | None
    n_train: int
    n_val: int
    n: int
    epochs: int
    best_epoch: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study with its answer.

    Attributes:
        name: of the study.
        question: what it asks.
        claim: what was claimed; may be empty.
        judged_on: the split that was measured.
        baseline: the variant that the others are compared with.
        sentences: the answer in plain words, the first one first.
        rows: every variant on every part.
        runs: every run.
        skipped: parts that could not be made: division, source and reason.
        sources: names of all sources.
        photos: how many photos there are, copies included.
    """

    name: str
    question: str
    claim: str
    judged_on: str
    baseline: str
    sentences: tuple[str, ...]
    rows: tuple[StudyRow, ...]
    runs: tuple[StudyRunRow, ...]
    skipped: tuple[tuple[str, str, str], ...]
    sources: tuple[str, ...]
    photos: int

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants, in order."""
        return tuple(dict.fromkeys(row.variant for row in self.rows))

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Each division with a source, in order."""
        return tuple(dict.fromkeys(row.place for row in self.rows))


DIVISION_TITLES = {
    "each-random": "each source alone, divided at random",
    "each-group": "each source alone, divided by group",
    "merged-random": "all sources together, divided at random",
    "merged-group": "all sources together, divided by group",
    "left-out": "tested on a source that was left out of training",
}
"""What a division is called in a sentence."""


def place_title(division: str, source: str) -> str:
    """``rmfd, left out``: a part of a division, in a few words."""
    how = {"random": "random", "group": "grouped", "out": "left out"}
    name = "all sources" if division.startswith("merged") else source
    return f"{name}, {how[division.rpartition('-')[2]]}"
