"""What an audit found as tables for a person to work through: one line an image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import EDITED, KINDS, codes
from facecover.copies.selection import choose_samples
from facecover.dataset.manifest import BOX
from facecover.documents import write_document
from facecover.errors import DatasetError
from facecover.files import write_csv
from facecover.labels import CLASS_NAMES
from facecover.look.audit_checks import Audit
from facecover.look.finding import Finding, audit_documents
from facecover.look.leakage import HELD_OUT, RANDOM, Leakage
from facecover.look.repeated_images import Conflicts

SAME_PICTURE, SAME_PERSON, SAME_GROUP = "same picture", "same person", "same group"
LEAK_KINDS = (*KINDS[:-1], SAME_PICTURE, EDITED, SAME_PERSON, SAME_GROUP)
"""How a held-out image repeats a training image, the closest first; ``same picture`` and what
comes after are found through others where no two images are linked directly."""

THROUGH_OTHERS = "through others"

SIGNATURE = ("who", "when", "why")
"""What every correction of a label says; empty until a person fills it in."""

Rows = npt.NDArray[np.int64]


def write_tables(
    folder: Path, table: pd.DataFrame, found: Audit, roots: Mapping[str, Path]
) -> None:
    """Write every table as CSV into a folder; one without lines has its header all the same.

    Raises:
        OutputError: if they cannot be written.
    """
    tables = {
        "duplicates.csv": duplicates_table(table, found, roots),
        "leakage.csv": leakage_table(table, found),
        "conflicts.csv": conflicts_table(found.conflicts),
        "outliers.csv": outliers_table(table, found),
    }
    if found.suspects is not None:
        tables["suspects.csv"] = suspects_table(found.suspects)
    for name, lines in tables.items():
        write_csv(folder / name, lines)


def duplicates_table(table: pd.DataFrame, found: Audit, roots: Mapping[str, Path]) -> pd.DataFrame:
    """Every image that shows what another one shows, or was edited from it.

    Columns: ``group`` (one picture), ``family`` (with its edits), ``kind`` (the closest way in
    which it repeats another one, see `duplicates.KINDS`), ``source``, ``path``, the box,
    ``label``, ``split``, ``width``, ``height``, and ``kept``: whether `prepare` keeps it,
    ``yes`` or ``no``, empty where it refuses these photos as a whole.
    """
    duplicates = found.duplicates
    listed = table[["source", "path", *BOX, "label", "split", "width", "height"]].copy()
    listed["label"] = _class_names(table)
    listed.insert(0, "kind", _closest_kind(found))
    listed.insert(0, "family", duplicates.family)
    listed.insert(0, "group", duplicates.group)
    listed["kept"] = _kept(table, found, roots)
    sizes = np.bincount(duplicates.family)[duplicates.family]
    return listed[sizes > 1].sort_values(["family", "group"], kind="stable")


def leakage_table(table: pd.DataFrame, found: Audit) -> pd.DataFrame:
    """Every held-out image that repeats a training image, with the closest one.

    Columns: ``split``, ``source``, ``path``, the box, ``label``, ``kind`` (one of `LEAK_KINDS`),
    the same of the training image (``training_source`` and so on), and ``split_by``: what made
    the splits; ``random`` where the data brings none, and the list shows what would leak.
    """
    pairs = leaks(table, found)
    held, known = pairs["row"].to_numpy(np.int64), pairs["training_row"].to_numpy(np.int64)
    named = table[["source", "path", *BOX]].assign(label=_class_names(table))
    listed = named.iloc[held].reset_index(drop=True)
    listed.insert(0, "split", found.splits.iloc[held].to_numpy())
    listed["kind"] = pairs["kind"].to_numpy()
    training = named.iloc[known].reset_index(drop=True).add_prefix("training_")
    listed = pd.concat([listed, training], axis=1)
    return listed.assign(split_by=found.leakage.split_by if found.leakage else "")


def leaks(table: pd.DataFrame, found: Audit) -> pd.DataFrame:
    """Pairs of rows of a held-out image and the training image that it repeats most closely.

    Columns ``row``, ``training_row`` and ``kind``; one line a held-out image, the closest kinds
    first.
    """
    if found.leakage is None:
        return pd.DataFrame({"row": [], "training_row": [], "kind": []})
    is_training = (found.splits == "train").fillna(False).to_numpy(dtype=bool)
    is_held = found.splits.isin(HELD_OUT).to_numpy(dtype=bool)
    duplicates = found.duplicates
    persons = codes(found.identities.identity.reset_index(drop=True))
    given = codes(table["group"])
    if found.leakage.split_by == RANDOM:  # it knows nothing of groups
        given = np.full(len(table), -1, np.int64)
    linked = _linked(found, is_held, is_training)
    # An edit of a training image may be a copy of another one: the copy is closer.
    parts = [
        linked[linked["kind"] != EDITED],
        _through(duplicates.group, SAME_PICTURE, is_held, is_training),
        linked[linked["kind"] == EDITED],
        _through(duplicates.family, EDITED, is_held, is_training),
        _through(persons, SAME_PERSON, is_held, is_training),
        _through(given, SAME_GROUP, is_held, is_training),
    ]
    closest = pd.concat(parts, ignore_index=True).drop_duplicates("row")
    rank = closest["kind"].map(LEAK_KINDS.index)
    order = np.lexsort((closest["row"], rank))
    return closest.iloc[order].reset_index(drop=True)


def conflicts_table(conflicts: Conflicts) -> pd.DataFrame:
    """Every image of a picture with several labels, ready to be corrected and given back."""
    listed = conflicts.rows.drop(columns=["row"])
    listed["label"] = listed.pop("class")
    return listed.assign(**dict.fromkeys(SIGNATURE, ""))


def suspects_table(suspects: pd.DataFrame) -> pd.DataFrame:
    """The labels that networks contradict, ready to be corrected and given back."""
    return suspects.drop(columns=["row"]).round({"quality": 4, "probability": 4})


def outliers_table(table: pd.DataFrame, found: Audit) -> pd.DataFrame:
    """The images that are hardly one face, with their box, label and size."""
    rows = found.outliers["row"].to_numpy(np.int64)
    more = table.iloc[rows][[*BOX, "width", "height"]].reset_index(drop=True)
    more.insert(4, "label", _class_names(table)[rows])
    scores = ["reasons", "score", "distance"]
    listed = [found.outliers[["source", "path"]], more, found.outliers[scores]]
    return pd.concat(listed, axis=1).round({"score": 3, "distance": 4})


def _class_names(table: pd.DataFrame) -> npt.NDArray[np.object_]:
    labels = table["label"].to_numpy(dtype=np.int64)
    names: npt.NDArray[np.object_] = np.array(CLASS_NAMES, dtype=object)[labels]
    return names


def _closest_kind(found: Audit) -> npt.NDArray[np.object_]:
    """The closest kind of link of each image inside its family; "" for an image alone."""
    duplicates = found.duplicates
    first, second = (duplicates.pairs[end].to_numpy(np.int64) for end in ("first", "second"))
    ranks = duplicates.pairs["kind"].map(KINDS.index).to_numpy(np.int64)
    inside = duplicates.family[first] == duplicates.family[second]
    closest = np.full(len(duplicates), len(KINDS), np.int64)
    for end in (first, second):
        np.minimum.at(closest, end[inside], ranks[inside])
    kinds: npt.NDArray[np.object_] = np.array([*KINDS, THROUGH_OTHERS], dtype=object)[closest]
    return kinds


def _kept(
    table: pd.DataFrame, found: Audit, roots: Mapping[str, Path]
) -> npt.NDArray[np.object_] | str:
    try:
        persons = found.identities.identity
        kept = choose_samples(table, found.duplicates, persons, roots, "group").kept
    except DatasetError:
        return ""
    return np.where(kept, "yes", "no").astype(object)


def _linked(
    found: Audit, is_held: npt.NDArray[np.bool_], is_training: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Links from held-out to training images, the closest first."""
    pairs, family = found.duplicates.pairs, found.duplicates.family
    turned = pairs.rename(columns={"first": "second", "second": "first"})
    both = pd.concat([pairs, turned], ignore_index=True)
    first, second = (both[end].to_numpy(np.int64) for end in ("first", "second"))
    is_leak = is_held[first] & is_training[second] & (family[first] == family[second])
    both = both.assign(rank=both["kind"].map(KINDS.index))[is_leak]
    both = both.sort_values(["rank", "difference", "second"], kind="stable")
    columns = {"row": both["first"], "training_row": both["second"], "kind": both["kind"]}
    return pd.DataFrame(columns).astype({"kind": object})


def _through(
    groups: Rows, kind: str, is_held: npt.NDArray[np.bool_], is_training: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Held-out images whose group has a training image, each with the first one."""
    known = np.flatnonzero(is_training & (groups >= 0))
    of_group, first = np.unique(groups[known], return_index=True)
    held = np.flatnonzero(is_held & np.isin(groups, of_group))
    partner = known[first][np.searchsorted(of_group, groups[held])]
    return pd.DataFrame({"row": held, "training_row": partner, "kind": kind})


AUDIT_NAME = "audit.json"
"""The findings in all photos as they were read, and what the dataset's own splits leak."""

CONFLICTS_NAME = "conflicts.csv"
"""The pictures with several labels."""

FORMAT_VERSION = 1
"""Of `AUDIT_NAME`."""


def write_audit(folder: Path, findings: Sequence[Finding], leakage: Leakage) -> None:
    """Write `AUDIT_NAME`.

    Raises:
        OutputError: if it cannot be written.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "findings": audit_documents(findings),
        "splits": leakage.facts,
    }
    write_document(folder / AUDIT_NAME, document)


def write_conflicts(folder: Path, conflicts: Conflicts) -> None:
    """Write `CONFLICTS_NAME`; edited, it can be given to `--relabel`.

    Raises:
        OutputError: if it cannot be written.
    """
    write_csv(folder / CONFLICTS_NAME, conflicts_table(conflicts))
