"""What `SOURCE...` holds as one dataset: a prepared one, or photos decoded for the moment."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from facemask.cli.console import progress
from facemask.cli.labelled import Reading
from facemask.cli.sources import is_dataset, read
from facemask.data.arrays import Dataset, open_dataset
from facemask.data.collect import Collection, collect
from facemask.data.drops import DROPPED_NAME, read_drops
from facemask.data.manifest import Manifest, ManifestInfo, SourceInfo
from facemask.data.rows import Drop
from facemask.errors import ConfigError
from facemask.labels import CLASS_NAMES

AS_READ = "source data"
"""What split photos that no command has split."""


class Decoded(NamedTuple):
    """Every sample, and what was left out on the way.

    Attributes:
        dataset: the samples; photos that no command has split may have no split.
        drops: what was left out.
    """

    dataset: Dataset
    drops: Sequence[Drop]


@contextmanager
def decoded(paths: Sequence[Path], reading: Reading) -> Iterator[Decoded]:
    """Every sample of one dataset or of several sources.

    Args:
        paths: one dataset folder, or sources.
        reading: how sources are read.

    Raises:
        ConfigError: if a dataset stands beside other paths.
        DatasetError: if the data cannot be read.
        LabelError: if a class name is unknown.
    """
    if any(is_dataset(path) for path in paths):
        if len(paths) > 1:
            raise ConfigError("SOURCE: expected one dataset or several sources, found both")
        yield Decoded(open_dataset(paths[0]), read_drops(paths[0] / DROPPED_NAME))
        return
    sources = read(paths, reading.layouts, reading.labels, reading.mapping)
    count = sum(len(source.rows) for source in sources)
    with tempfile.TemporaryDirectory() as name:
        with progress("decoding", count) as advance:
            collection = collect(
                sources,
                Path(name),
                max_unreadable_share=reading.max_unreadable_share,
                workers=reading.workers,
                on_progress=advance,
            )
        dataset = Dataset(Path(name), Manifest(collection.table, _info(collection)))
        yield Decoded(dataset, collection.drops)


def _info(collection: Collection) -> ManifestInfo:
    reasons = Counter(drop.reason for drop in collection.drops)
    return ManifestInfo(
        sources=tuple(
            SourceInfo(source.name, str(source.root), source.layout, dict(source.class_labels))
            for source in collection.sources
        ),
        class_names=CLASS_NAMES[: int(collection.table["label"].max()) + 1],
        sizes_px=tuple(collection.images),
        channel_mean={},  # of the training split, and there is none yet
        channel_std={},
        split_by=AS_READ,
        seed=0,
        counts={"read": collection.read_count, "kept": len(collection.table), **reasons},
    )
