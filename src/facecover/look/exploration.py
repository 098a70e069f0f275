"""What is in the photos: every fact of an exploration, and the findings that they warrant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from facecover.dataset import MEASURE_SIZE_PX
from facecover.dataset.arrays import Dataset, Images, channel_statistics
from facecover.dataset.manifest import SourceInfo
from facecover.errors import DatasetError, shown
from facecover.look.class_balance import Counts, balance_findings, count_samples
from facecover.look.class_differences import (
    Measures,
    compare_measures,
    group_findings,
    measure_findings,
)
from facecover.look.file_quality import (
    Files,
    Flag,
    describe_files,
    find_flags,
    flag_findings,
    format_findings,
    suffix_findings,
)
from facecover.look.finding import Finding, insight_documents, rounded_document
from facecover.look.image_sizes import (
    SizeGuess,
    Sizes,
    guess_from_sizes,
    measure_sizes,
    size_findings,
    size_guess_findings,
)
from facecover.look.mean_faces import (
    MeanFaceTest,
    MeanImage,
    judge_mean_faces,
    mean_face_findings,
    mean_faces,
)
from facecover.look.repeated_images import ExactCopies, copy_findings, find_exact_copies
from facecover.look.statistics import NOT_SPLIT, described

FORMAT_VERSION = 1
"""Of the JSON that `Exploration.to_json` gives."""


@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and standard deviation of R, G and B at one size, each in 0..1.

    Attributes:
        size_px: the side of the images.
        over: ``train`` where there is a training split, else ``all``.
        mean: of R, G and B.
        std: of R, G and B.
    """

    size_px: int
    over: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class Exploration:
    """What looking into the data found.

    Attributes:
        measures: how brightness, size and the like differ between classes, sources and splits.
        size_guesses: how far width and height alone tell the class.
        normalisation: channel statistics, one for each size kept.
        mean_face_test: how far the mean faces alone tell the classes apart; None if there are
            too few photos.
        mean_faces: ``float64 (64, 64, 3)``, RGB, 0..255, by class name.
        table: one row a photo, from `statistics.described`.
    """

    sources: tuple[SourceInfo, ...]
    counts: Counts
    sizes: Sizes
    files: Files
    copies: ExactCopies
    measures: Measures
    size_guesses: tuple[SizeGuess, ...]
    flags: tuple[Flag, ...]
    normalisation: tuple[ChannelStatistics, ...]
    mean_face_test: MeanFaceTest | None
    mean_faces: Mapping[str, MeanImage]
    table: pd.DataFrame

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that occur, by label."""
        return tuple(self.counts.by_class)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the numbers warrant to be said, warnings first; each key occurs once."""
        is_unsplit = NOT_SPLIT in self.counts.by_split
        found = chain(
            balance_findings(self.counts),
            size_findings(self.sizes),
            size_guess_findings(self.size_guesses),
            measure_findings(self.measures.class_differences),
            mean_face_findings(self.mean_face_test),
            format_findings(self.files, self.counts),
            suffix_findings(self.files),
            copy_findings(self.copies, self.counts.n, is_unsplit=is_unsplit),
            flag_findings(self.flags),
            group_findings(self.measures),
        )
        # Names of sources and files stand in the sentences.
        printable = [replace(one, sentence=shown(one.sentence)) for one in found]
        return tuple(sorted(printable, key=lambda one: not one.is_warning))

    def to_json(self) -> dict[str, Any]:
        """The numbers and the key insights, ready for `json.dumps`: no NaN, six decimals.

        Keys: ``format_version``; ``sources`` (name, root, layout, class_labels); the attributes
        from ``counts`` to ``mean_face_test`` with the names that their classes document;
        ``insights``, objects with ``key``, ``level``, ``title``, ``text``, ``reason`` and
        ``figures``. Shares are in 0..1; what could not be measured is null.
        """
        document: dict[str, object] = {"format_version": FORMAT_VERSION}
        for part in fields(self):
            if part.name not in ("mean_faces", "table"):
                document[part.name] = getattr(self, part.name)
        document["insights"] = insight_documents(self.findings)
        rounded: dict[str, Any] = rounded_document(document)
        return rounded


def explore(
    table: pd.DataFrame,
    images: Mapping[int, Images],
    sources: Sequence[SourceInfo],
    left_out: Mapping[str, int],
) -> Exploration:
    """Look into decoded photos, split or not.

    Args:
        table: `manifest.COLUMNS`; a null split is shown as not split.
        images: by size in pixels, 64 among them, ``uint8 (N, S, S, 3)``, RGB.
        sources: where they came from.
        left_out: the number of samples left out on the way, by reason.

    Raises:
        DatasetError: if there is no sample.
    """
    if not len(table):
        raise DatasetError("there is no sample to explore; expected at least one labelled photo")
    wide = described(table, images[MEASURE_SIZE_PX])
    return Exploration(
        sources=tuple(sources),
        counts=count_samples(wide, left_out),
        sizes=measure_sizes(wide),
        files=describe_files(wide),
        copies=find_exact_copies(wide),
        measures=compare_measures(wide),
        size_guesses=guess_from_sizes(wide),
        flags=find_flags(wide),
        normalisation=tuple(_normalisation(size, images[size], wide) for size in sorted(images)),
        mean_face_test=judge_mean_faces(images[min(images)], wide),
        mean_faces=mean_faces(images[MEASURE_SIZE_PX], wide),
        table=wide,
    )


def explore_dataset(dataset: Dataset) -> Exploration:
    """Look into a prepared dataset.

    Raises:
        DatasetError: if there is no sample, or an array is missing or broken.
    """
    info = dataset.manifest.info
    left_out = {
        reason: count for reason, count in info.counts.items() if reason not in ("read", "kept")
    }
    images = {size: dataset.images(size) for size in info.sizes_px}
    return explore(dataset.manifest.table, images, info.sources, left_out)


def _normalisation(size_px: int, images: Images, table: pd.DataFrame) -> ChannelStatistics:
    training = np.flatnonzero((table["split"] == "train").to_numpy())
    rows = training if training.size else np.arange(len(table), dtype=np.int64)
    mean, std = channel_statistics(images, rows)
    return ChannelStatistics(size_px, "train" if training.size else "all", mean, std)
