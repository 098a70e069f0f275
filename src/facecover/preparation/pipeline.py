"""Sources to a dataset on disk: decode, check, choose, split, and only then put in place."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from facecover.copies.duplicates import DuplicateGroups, find_duplicates
from facecover.copies.identities import Identities, find_identities
from facecover.copies.selection import (
    Deduplicated,
    SplitBy,
    check_class_names,
    check_shared_pictures,
    choose_samples,
)
from facecover.dataset import MAX_UNREADABLE_SHARE, MEASURE_SIZE_PX, PREPARED_SIZES_PX
from facecover.dataset.arrays import Dataset, Images, with_table
from facecover.dataset.collect import (
    DROPPED_NAME,
    UNREADABLE_NAME,
    Collection,
    collect,
    unreadable_among,
    without_incorrect,
    write_drops,
)
from facecover.dataset.manifest import AS_READ, MANIFEST_NAME, Manifest
from facecover.dataset.photo_dataset import PHOTOS_NAME
from facecover.dataset.split import (
    DEFAULT_SHARES,
    Shares,
    assign_splits,
    check_left_out,
    check_splits,
    leave_out_splits,
    missing_classes,
    missing_splits,
)
from facecover.errors import shown
from facecover.files import OnNote, check_replaceable, ignore_note, written_folder
from facecover.images import MAX_PIXELS
from facecover.look.audit_checks import run_checks
from facecover.look.audit_tables import AUDIT_NAME, CONFLICTS_NAME, write_audit, write_conflicts
from facecover.look.finding import Finding
from facecover.look.leakage import Leakage, find_leakage
from facecover.look.repeated_images import find_conflicts
from facecover.preparation.label_corrections import read_corrections, relabelled
from facecover.progress import OnProgress
from facecover.sources.reading import check_classes
from facecover.sources.rows import Source, in_their_place

FURTHER_NAMES = (
    "images_*.npy", "wide_*.npy", PHOTOS_NAME, UNREADABLE_NAME, DROPPED_NAME, AUDIT_NAME,
    CONFLICTS_NAME,
)  # fmt: skip
"""What else a dataset's folder holds."""


@dataclass(frozen=True)
class PrepareOptions:
    """How a dataset is prepared.

    Attributes:
        sizes_px: square sizes to keep besides 32 and 64.
        split_by: ``group`` keeps one image of every picture, and edits of a picture and photos
            of a person in one split (see `copies.selection`); ``source`` does so too, and tests
            on whole sources; ``random`` keeps all, for comparison with figures taken so.
        leave_out: the names of the sources to test on, where it is split by source.
        seed: of the split.
        max_unreadable_share: more unreadable samples than this share, 0..1, is an error.
        keeps_incorrect: keep `incorrect_mask` as a third class; else its samples are left out.
        relabel: lists of corrected labels; see `label_corrections`.
        class_map: the user's own class names in those lists, each with a known one.
        audits: make every check of the audit first; else only those that choosing and splitting
            need, for data that was audited before: the others take longer than small data does.
        workers: processes that decode; by default one a core, where there are many photos.
        max_pixels: of large photos that are decoded at a time.
    """

    sizes_px: tuple[int, ...] = PREPARED_SIZES_PX
    shares: Shares = DEFAULT_SHARES
    split_by: SplitBy = "group"
    leave_out: tuple[str, ...] = ()
    seed: int = 0
    max_unreadable_share: float = MAX_UNREADABLE_SHARE
    keeps_incorrect: bool = False
    relabel: tuple[Path, ...] = ()
    class_map: Mapping[str, str] = field(default_factory=dict)
    audits: bool = True
    workers: int | None = None
    max_pixels: int = MAX_PIXELS


def write_dataset(
    sources: Sequence[Source],
    folder: Path,
    options: PrepareOptions = PrepareOptions(),
    on_progress: OnProgress | None = None,
    on_note: OnNote | None = None,
) -> Dataset:
    """Write a dataset folder: manifest, arrays, what the audit found, and what was left out.

    It is made beside its place and renamed when it is whole; a dataset that stood there is
    replaced, anything else is left alone.

    Args:
        sources: from `sources.reading.read_sources`.
        folder: the dataset's place.
        options: how.
        on_progress: called with the number of samples decoded, every few.
        on_note: called with what the audit found in the photos, what the split leaks, and what
            killed processes had left there.

    Raises:
        ConfigError: if the options name no source to leave out, an unknown one, or all.
        DatasetError: if too much cannot be read, a class is missing from a split, a correction
            names no sample, or two sources label the same pictures differently.
        LabelError: if the sources hold one class only, or mean different things by its name.
        OutputError: if the folder holds something else or cannot be written.
    """
    check_output(folder)
    check_left_out(options.split_by, options.leave_out, [source.name for source in sources])
    check_classes(sources)
    check_class_names(sources)
    note = on_note or ignore_note
    with written_folder(
        folder, replace_if=MANIFEST_NAME, holding=FURTHER_NAMES, note=note
    ) as beside:
        collection, n_relabelled = _collected(sources, folder, beside, options, on_progress)
        collection = collection.with_columns(split=used_splits(collection.table, options, note))
        table, images = collection.table, collection.dataset.images(MEASURE_SIZE_PX)
        duplicates = find_duplicates(images, table, workers=options.workers)
        check_shared_pictures(table, duplicates)
        persons = find_identities(table)
        findings = _audited(table, images, duplicates, persons, note) if options.audits else ()
        chosen = choose_samples(
            table,
            duplicates,
            persons.identity,
            collection.roots,
            options.split_by,
            options.leave_out,
        )
        collection = collection.with_columns(group=chosen.group).keep(chosen.kept, chosen.drops)
        manifest = _divided(collection.dataset, options, n_relabelled, note).manifest
        leakage = leakage_of(
            manifest.table, manifest.info.split_by, table, chosen, duplicates, persons
        )
        note_missing_classes(manifest.table, note)
        note_leakage(leakage, note)
        _of_lasting_places(manifest, sources).save(beside)
        drops = in_their_place(collection.drops, sources)
        write_drops(beside / UNREADABLE_NAME, unreadable_among(drops))
        write_drops(beside / DROPPED_NAME, drops)
        write_audit(beside, findings, leakage)
        write_conflicts(beside, find_conflicts(table, duplicates))
    return Dataset.open(folder)


def _of_lasting_places(manifest: Manifest, sources: Sequence[Source]) -> Manifest:
    places = {source.name: str(source.place) for source in sources}
    infos = (
        dataclasses.replace(one, root=places.get(one.name, one.root))
        for one in manifest.info.sources
    )
    return dataclasses.replace(
        manifest, info=dataclasses.replace(manifest.info, sources=tuple(infos))
    )


def check_output(folder: Path) -> None:
    """Refuse a place that no dataset can be written to, before any long work.

    Raises:
        OutputError: if it holds something else, is in use, or cannot be looked at.
    """
    check_replaceable(folder, replace_if=MANIFEST_NAME, holding=FURTHER_NAMES)


def _collected(
    sources: Sequence[Source],
    folder: Path,
    beside: Path,
    options: PrepareOptions,
    on_progress: OnProgress | None,
) -> tuple[Collection, int]:
    """Every sample that may stay, with corrected labels, and how many were corrected."""
    lists = {path: read_corrections(path) for path in options.relabel}
    # A correction may make a mask of an incorrectly worn one, so those are decoded, too, then.
    keeps_all = options.keeps_incorrect or bool(lists)
    collection = collect(
        sources if keeps_all else [without_incorrect(source) for source in sources],
        beside,
        sizes_px=options.sizes_px,
        max_unreadable_share=options.max_unreadable_share,
        unreadable_list=folder.with_name(f"{folder.name}-unreadable.csv"),
        workers=options.workers,
        max_pixels=options.max_pixels,
        on_progress=on_progress,
    )
    if not lists:
        return collection, 0
    return relabelled(collection, lists, options.class_map, keeps_incorrect=options.keeps_incorrect)


def used_splits(table: pd.DataFrame, options: PrepareOptions, note: OnNote) -> "pd.Series[str]":
    """The splits that a table brings; none where whole sources are left out."""
    with_split = table.loc[table["split"].notna(), "source"]
    if options.split_by != "source" or with_split.empty:
        return table["split"]
    names = ", ".join(shown(name) for name in with_split.unique())
    note(f"the splits that {names} bring are not used: the test data are whole sources")
    return pd.Series(pd.NA, index=table.index, dtype="string")


def _audited(
    table: pd.DataFrame,
    images: Images,
    duplicates: DuplicateGroups,
    persons: Identities,
    note: OnNote,
) -> tuple[Finding, ...]:
    found = run_checks(table, images, duplicates=duplicates, identities=persons)
    for finding in found.findings:
        if finding.is_warning:
            note(f"found in the photos: {finding.sentence}")
    return found.findings


def _divided(dataset: Dataset, options: PrepareOptions, n_relabelled: int, note: OnNote) -> Dataset:
    """The dataset with a split, and what follows from it."""
    table = dataset.manifest.table
    split, split_by = divide(table, options, note)
    brought = frozenset(table["split"].dropna())
    table = table.assign(split=split)
    check_splits(table, leave_out=options.leave_out, brought=brought)
    view = with_table(dataset, table, split_by=split_by, seed=options.seed)
    info = dataclasses.replace(
        view.manifest.info, left_out=options.leave_out, relabelled=n_relabelled
    )
    return Dataset(dataset.folder, Manifest(view.manifest.table, info))


def divide(
    table: pd.DataFrame, options: PrepareOptions, note: OnNote
) -> tuple["pd.Series[str]", str]:
    """The split of every sample, and what made it; see `ManifestInfo`."""
    split_by = AS_READ if table["split"].notna().any() else options.split_by
    if options.split_by == "source":
        split = leave_out_splits(table, options.leave_out, options.shares, seed=options.seed)
    else:
        split = assign_splits(table, options.shares, seed=options.seed)
        _note_taken(table, split, note)
    return split, split_by


def _note_taken(table: pd.DataFrame, split: "pd.Series[str]", note: OnNote) -> None:
    missing, gives = missing_splits(table)
    names = {"val": "validation", "test": "test"}
    for name in missing:
        note(
            f"the photos bring no {names[name]} data of their own: {(split[gives] == name).sum():,}"
            f" of {gives.sum():,} training images are taken for it"
        )


def leakage_of(
    divided: pd.DataFrame,
    split_by: str,
    table: pd.DataFrame,
    chosen: Deduplicated,
    duplicates: DuplicateGroups,
    persons: Identities,
) -> Leakage:
    """What the held-out splits of a finished dataset share with its training split.

    Args:
        divided: the samples that were kept, with their splits.
        split_by: what made these.
        table: all samples.
        chosen: which of them were kept.
        duplicates: their groups.
        persons: in them.
    """
    # Dropped samples have no split, and so play no part.
    split = pd.Series(pd.NA, index=table.index, dtype="string")
    split[chosen.kept] = divided["split"].to_numpy()
    full = table.assign(split=split, group=chosen.group)
    return find_leakage(full, duplicates, persons.identity, split_by=split_by)


def note_missing_classes(table: pd.DataFrame, note: OnNote) -> None:
    """Say which classes the test data lack; the table has the labels and splits of the faces."""
    if missing := missing_classes(table, "test"):
        note(
            f"the test data have no {' and no '.join(missing)} image: measure there how many of "
            "the others are found, and nothing else"
        )


def note_leakage(leakage: Leakage, note: OnNote) -> None:
    """Say what the held-out data share with the training data, if they do."""
    if leakage.is_found:
        note(f"leakage: {leakage.sentence}; figures on them will be too good")
