"""Rows that were written down more than once."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from facemask.data.layouts.draft import CONFLICTING_LABELS, LISTED_TWICE, Draft
from facemask.data.rows import Row
from facemask.images import Box
from facemask.labels import class_name


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, and where it was written down: ``line 7``, ``a.xml, object 2``."""

    row: Row
    where: str


def settle(entries: Iterable[Entry], draft: Draft) -> None:
    """Keep each photo and box once; leave those out that are given two labels.

    Of entries that agree the first is kept, with its split and group. The rows of one photo
    come out together.
    """
    by_photo: dict[Path, dict[Box | None, list[Entry]]] = {}
    for entry in entries:
        by_photo.setdefault(entry.row.path, {}).setdefault(entry.row.box, []).append(entry)
    for faces in by_photo.values():
        for same in faces.values():
            _settle_face(same, draft)


def _settle_face(same: list[Entry], draft: Draft) -> None:
    if len({entry.row.label for entry in same}) > 1:
        given = ", ".join(f"{class_name(entry.row.label)} ({entry.where})" for entry in same)
        _drop(same, CONFLICTING_LABELS, f"two labels: {given}; keep the right one", draft)
    else:
        draft.rows.append(same[0].row)
        _drop(same[1:], LISTED_TWICE, f"already given ({same[0].where})", draft)


def _drop(entries: list[Entry], reason: str, detail: str, draft: Draft) -> None:
    for entry in entries:
        draft.drop(entry.row.path, reason, f"{entry.where}: {detail}", entry.row.source)
