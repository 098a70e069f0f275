"""Which annotation belongs to which picture, and which split the lists of Pascal VOC give."""

import os
from collections.abc import Iterable
from pathlib import Path

from facemask.data.layouts.draft import AMBIGUOUS_PICTURE, CONFLICTING_SPLITS, NO_PICTURE, Refused
from facemask.data.layouts.parts import split_of
from facemask.data.layouts.tree import Folder
from facemask.data.rows import SPLITS
from facemask.errors import shown


class Pictures:
    """The pictures of a source, found by the names that annotations use."""

    def __init__(self, top: Folder) -> None:
        self._top = top.path
        self.all = list(top.all_images())
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in self.all:
            self._by_name.setdefault(path.name, []).append(path)
            self._by_stem.setdefault(path.stem, []).append(path)

    def of(self, annotation: Path, file_name: str) -> Path:
        """The picture that an annotation file describes.

        The picture named like the annotation file comes first, because the name inside goes
        stale when both are renamed together; the name inside comes second. Where several
        pictures would do, the one in the folders of the same names is meant.

        Raises:
            Refused: if there is none, or several would do.
        """
        named = self._by_name.get(file_name, []) or self._by_stem.get(Path(file_name).stem, [])
        alike = self.named_like(annotation)
        fitting = [path for path in alike if path in named] or alike or named
        if not fitting:
            raise Refused(
                NO_PICTURE,
                f"found no picture named {shown(annotation.stem)}.* or {shown(file_name)!r}",
            )
        if len(fitting) > 1:
            fitting = self._nearest(annotation, fitting)
        if len(fitting) > 1:
            found = " and ".join(shown(path) for path in fitting[:2])
            raise Refused(AMBIGUOUS_PICTURE, f"it may describe {found}; rename one of them")
        return fitting[0]

    def named_like(self, annotation: Path) -> list[Path]:
        """The pictures whose names differ from the annotation file's in the extension alone."""
        return self._by_stem.get(annotation.stem, [])

    def _nearest(self, annotation: Path, pictures: list[Path]) -> list[Path]:
        def shared(path: Path) -> int:
            return len(own & set(path.parent.relative_to(self._top).parts))

        own = set(annotation.parent.relative_to(self._top).parts)
        most = max(shared(path) for path in pictures)
        return [path for path in pictures if shared(path) == most]


class Splits:
    """The split of each picture: by its folder, or by ``ImageSets/Main/train.txt`` and the like."""

    def __init__(self, top: Folder) -> None:
        self._top = top.path
        self._listed: dict[str, set[str]] = {}
        for path in top.all_others(".txt"):
            if path.parent.parent.name == "ImageSets" and path.stem in SPLITS:
                for name in _lines(path):
                    self._listed.setdefault(name, set()).add(path.stem)

    def of(self, picture: Path) -> str | None:
        """The split of a picture; None if nothing tells.

        Raises:
            Refused: if it is listed in two.
        """
        found = self._listed.get(picture.stem, set())
        if len(found) > 1:
            raise Refused(CONFLICTING_SPLITS, f"listed in {' and '.join(sorted(found))}; keep one")
        return next(iter(found), None) or _first(
            split_of(part) for part in picture.parent.relative_to(self._top).parts
        )


def _first(splits: Iterable[str | None]) -> str | None:
    return next((split for split in splits if split is not None), None)


def _lines(path: Path) -> list[str]:
    try:
        return [os.fsdecode(line).strip() for line in path.read_bytes().splitlines()]
    except OSError:
        return []
