"""The label at the end of a file name."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from facemask.labels import is_known


def label_in_name(path: Path, mapping: Mapping[str, str]) -> str | None:
    """The class name at the end of ``<id>_<label>``, or None.

    The longest known one counts, so that ``7_no_mask`` is not read as `mask`; and before a word
    there must be a number, so that ``not_wearing_a_mask`` is not read at all.
    """
    parts = path.stem.split("_")
    for start in range(1, len(parts)):
        name = "_".join(parts[start:])
        if is_known(name, mapping) and parts[start - 1]:
            is_labelled = name.isdecimal() or any(c.isdecimal() for c in parts[start - 1])
            return name if is_labelled else None
    return None


def are_labelled(images: Iterable[Path], mapping: Mapping[str, str]) -> bool:
    """Whether most names end in a label, and do not merely count: ``photo_0``, ``photo_1``."""
    ids: set[str] = set()
    labelled = count = 0
    for path in images:
        count += 1
        name = label_in_name(path, mapping)
        if name is not None:
            labelled += 1
            ids.add(path.stem.removesuffix(name))
    return labelled * 2 > count and (len(ids) > 1 or labelled == 1)
