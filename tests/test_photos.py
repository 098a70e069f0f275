"""The walk that every reader of folders takes: one rule for names, links and what is counted."""

import os
from collections import Counter
from pathlib import Path

import pytest
from tests.sources.empty_files import put

from facecover.errors import DatasetError
from facecover.photos import (
    HIDDEN,
    LINKED,
    MAX_DEPTH,
    NO_PHOTO,
    Broken,
    FoundPhoto,
    folder_tree,
    photos_below,
    reason_to_skip,
    walk,
)


def found(root: Path, leave_out: Path | None = None) -> tuple[list[str], Counter[str]]:
    """The photos below a folder, and what was passed over."""
    skipped: Counter[str] = Counter()
    items = list(photos_below(root, skipped, [leave_out] if leave_out else []))
    return [one.inner if isinstance(one, FoundPhoto) else f"!{one.name}" for one in items], skipped


@pytest.mark.parametrize(
    ("name", "is_photo"),
    [
        ("a.jpg", True), ("a.JPEG", True), ("a", True), ("a.jpg_1088Wx1632H", True),
        ("a.heic", True), ("a.", True), ("name with [brackets] (1).png", True), ("a\nb.jpg", True),
        ("a.XML", False), ("labels.Csv", False), ("Thumbs.db", False), (".DS_Store", False),
        (".a.jpg", False), ("README", False), ("a.zip", False), ("a.py", False),
    ],
)  # fmt: skip
def test_what_is_taken_for_a_photo(name: str, is_photo: bool) -> None:
    assert (reason_to_skip(name) is None) == is_photo


def test_the_order_is_by_name_files_before_folders_and_all_else_is_counted(tmp_path: Path) -> None:
    put(tmp_path, ["b.jpg", "a/z.png", "a/y", "c.JPG", "notes.txt", ".hidden.jpg", ".git/x.jpg",
                   "__MACOSX/a.jpg"])  # fmt: skip
    os.mkfifo(tmp_path / "pipe.jpg")
    names, skipped = found(tmp_path)
    assert names == ["b.jpg", "c.JPG", "a/y", "a/z.png"]
    assert skipped == {HIDDEN: 2, NO_PHOTO: 3}


def linked(tmp_path: Path) -> Path:
    """A folder of photos with links to itself, around itself, and elsewhere and back."""
    elsewhere = put(tmp_path / "elsewhere", ["x.jpg", "sub/y.jpg"])
    root = put(tmp_path / "root", ["with_mask/a.jpg", "no/b.jpg", ".cache/z.jpg"])
    (root / "no" / "linked").symlink_to(elsewhere)
    (root / "no" / "again").symlink_to(elsewhere / "sub")
    (root / "no" / "up").symlink_to("..")
    (root / "alias").symlink_to("with_mask")
    (root / "with_mask" / "around").symlink_to(tmp_path)
    (root / "with_mask" / "cached").symlink_to("../.cache")
    (elsewhere / "back").symlink_to(root)
    (elsewhere / "sub" / "round").symlink_to(elsewhere)
    return root


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    names, skipped = found(linked(tmp_path))
    assert names == [
        "no/b.jpg", "no/again/y.jpg", "no/again/round/x.jpg", "with_mask/a.jpg",
        "with_mask/cached/z.jpg",
    ]  # fmt: skip
    # alias, up, around, back; linked, whose target was listed; and sub, below round, likewise.
    assert skipped == {LINKED: 6, HIDDEN: 1}


def test_sources_and_predictions_find_the_same_photos(tmp_path: Path) -> None:
    root = linked(tmp_path)
    (root / "no" / "lost.jpg").symlink_to("nowhere")
    counts: Counter[str] = Counter()
    tree = folder_tree(root, counts)
    names, skipped = found(root)
    in_tree = [path.relative_to(root).as_posix() for path in tree.all_images()]
    assert in_tree == [name.removeprefix(f"!{root}/") for name in names]
    assert len(in_tree) == tree.image_count == 6
    assert counts == skipped


def test_many_folders_linked_to_each_other_end(tmp_path: Path) -> None:
    folders = [tmp_path / "elsewhere" / f"f{number}" for number in range(12)]
    for folder in folders:
        put(folder, ["a.jpg"])
        for other in folders:
            (folder / f"to {other.name}").symlink_to(other)
    root = put(tmp_path / "root", ["with_mask/a.txt"])
    (root / "with_mask" / "linked").symlink_to(folders[0])
    assert folder_tree(root, Counter()).image_count == 12


def test_a_link_to_nothing_is_a_photo_that_went_missing(tmp_path: Path) -> None:
    put(tmp_path, ["a.jpg"])
    (tmp_path / "lost.jpg").symlink_to("nowhere")
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    (folder,) = walk(tmp_path, Counter())
    assert [Path(path).name for path in folder.photos] == ["a.jpg", "lost.jpg", "self.jpg"]
    assert folder.lost == {
        str(tmp_path / "lost.jpg"): "nowhere",
        str(tmp_path / "self.jpg"): "self.jpg",
    }


@pytest.mark.parametrize("left_out", ["sorted", "link", "sorted/mask/../"])
def test_no_link_leads_into_a_folder_that_is_left_out(tmp_path: Path, left_out: str) -> None:
    root = put(tmp_path, ["a.jpg", "sorted/mask/a.jpg"])
    (tmp_path / "link").symlink_to("sorted")
    (tmp_path / "inside").symlink_to("sorted/mask")
    assert found(root, tmp_path / left_out)[0] == ["a.jpg"]
    outside = put(tmp_path / "outside", ["b.jpg"])
    (outside / "inside").symlink_to("../sorted/mask")
    assert found(outside, tmp_path / left_out)[0] == ["b.jpg"]
    # What was sorted before can be sorted again.
    assert found(tmp_path / "sorted" / "mask", tmp_path / left_out)[0] == ["a.jpg"]


def test_folders_nested_without_end_are_reported(tmp_path: Path) -> None:
    names = ["/".join(["d"] * depth) + "/a.jpg" for depth in (MAX_DEPTH, MAX_DEPTH + 1)]
    deepest, broken = photos_below(put(tmp_path, names), Counter())
    assert isinstance(deepest, FoundPhoto)
    assert isinstance(broken, Broken)
    assert f"at most {MAX_DEPTH} deep" in broken.reason


def test_a_folder_that_cannot_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    message = "cannot be listed: Permission denied; make it"
    with pytest.raises(DatasetError, match=message):
        folder_tree(tmp_path, Counter())
    (broken,) = photos_below(tmp_path, Counter())
    assert isinstance(broken, Broken)
    assert message in broken.reason
