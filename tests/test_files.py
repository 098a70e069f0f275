import errno
import os
import re
from pathlib import Path

import pytest

from facecover.errors import FacecoverError, OutputError
from facecover.files import (
    check_own_file,
    check_replaceable,
    written_file,
    written_folder,
)

DISK_FULL = OSError(errno.ENOSPC, "No space left on device")


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def one_of_ours(folder: Path) -> Path:
    folder.mkdir()
    (folder / "marker").write_text("ours")
    (folder / "old").write_text("old")
    return folder


def put_photo(folder: Path) -> None:
    folder.mkdir()
    (folder / "mine.jpg").write_text("mine")


def write_half(path: Path, error: BaseException) -> None:
    path.write_text("half")
    raise error


def test_a_written_file_is_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "down" / "table.csv"
    with written_file(target) as beside:
        beside.write_text("new")
        assert not target.exists()
    assert contents(tmp_path) == {"deep/down/table.csv": b"new"}


def test_what_is_written_has_the_mode_of_anything_new_and_no_umask_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    # It belongs to the whole process: other threads' files would get other permissions.
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask was set"))
    with written_file(tmp_path / "ours") as beside:
        beside.write_text("ours")
    with written_folder(tmp_path / "new"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "folder").stat().st_mode


@pytest.mark.parametrize("place", [".", "..", "/", "~", "~/..", "link", "../cwd", "sub/.."])
def test_a_folder_in_use_is_never_renamed_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    home, working = tmp_path / "users" / "me", tmp_path / "work" / "cwd"
    for folder in (home, working / "sub"):
        folder.mkdir(parents=True)
    (working / "link").symlink_to(working)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(working)
    before = sorted(tmp_path.rglob("*"))
    inode = Path().stat().st_ino
    output = Path(place.replace("~", str(home)))
    with (
        pytest.raises(OutputError, match=r"(is|holds) the (working|home) folder; it is left as"),
        written_folder(output, replace_if="marker", holding=["sub", "link", "me"]),
    ):
        pytest.fail("the block was entered")
    assert sorted(tmp_path.rglob("*")) == before
    assert Path().stat().st_ino == inode == working.stat().st_ino


def test_a_folder_in_the_working_folder_may_be_replaced_and_itself_be_added_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_replaceable(Path())
    one_of_ours(Path("run"))
    with written_folder(Path("run"), replace_if="marker", holding=["old"]) as beside:
        (beside / "new").touch()
    assert contents(tmp_path) == {"run/new": b""}


def test_only_a_file_that_is_surely_ours_may_be_replaced(tmp_path: Path) -> None:
    def is_ours(path: Path) -> bool:
        return path.read_text() == "ours"

    for name, content in (("ours", "ours"), ("theirs", "of ours"), ("empty", "")):
        (tmp_path / name).write_text(content)
    for name in ("ours", "empty", "none"):
        check_own_file(tmp_path / name, is_ours, "a model file")
    with pytest.raises(OutputError, match="theirs: expected a model file of earlier, or nothing"):
        check_own_file(tmp_path / "theirs", is_ours, "a model file")
    with pytest.raises(OutputError, match="expected a file for a model file, found a folder"):
        check_own_file(tmp_path, is_ours, "a model file")


@pytest.mark.parametrize(
    "error", [ValueError("broken"), KeyboardInterrupt("stop"), OSError(errno.EIO, "disk")]
)
@pytest.mark.parametrize("had_content", [True, False])
def test_an_error_in_the_block_leaves_the_file_as_it_was(
    tmp_path: Path, error: BaseException, had_content: bool
) -> None:
    target = tmp_path / "table.csv"
    if had_content:
        target.write_text("old")
    before = contents(tmp_path)
    with pytest.raises(type(error), match=str(error.args[-1])), written_file(target) as beside:
        write_half(beside, error)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "error", [ValueError("broken"), KeyboardInterrupt("stop"), OSError(errno.EIO, "disk")]
)
@pytest.mark.parametrize("had_content", [True, False])
def test_an_error_in_the_block_leaves_the_folder_as_it_was(
    tmp_path: Path, error: BaseException, had_content: bool
) -> None:
    target = tmp_path / "run"
    if had_content:
        one_of_ours(target)
    before = contents(tmp_path)
    with (
        pytest.raises(type(error), match=str(error.args[-1])),
        written_folder(target, replace_if="marker", holding=["old"]) as beside,
    ):
        write_half(beside / "half", error)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == (["run"] if had_content else [])


def test_a_full_disk_is_told_in_one_line_and_leaves_everything(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("old")
    one_of_ours(tmp_path / "run")
    before = contents(tmp_path)
    with (
        pytest.raises(OutputError, match=r"table\.csv: cannot be written: the disk is full"),
        written_file(tmp_path / "table.csv"),
    ):
        raise DISK_FULL
    with (
        pytest.raises(OutputError, match="run: cannot be written: the disk is full"),
        written_folder(tmp_path / "run", replace_if="marker", holding=["old"]),
    ):
        raise DISK_FULL
    assert contents(tmp_path) == before


def test_an_error_of_the_package_passes_through_the_block(tmp_path: Path) -> None:
    with pytest.raises(FacecoverError, match="mine"), written_folder(tmp_path / "run"):
        raise FacecoverError("mine")


@pytest.mark.parametrize("stands", ["nothing", "empty", "ours"])
def test_a_written_folder_replaces_nothing_an_empty_one_or_ours(
    tmp_path: Path, stands: str
) -> None:
    target = tmp_path / "run"
    if stands == "ours":
        one_of_ours(target)
    elif stands == "empty":
        target.mkdir()
    with written_folder(target, replace_if="marker", holding=["old"]) as beside:
        (beside / "new").write_text("new")
    assert contents(tmp_path) == {"run/new": b"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    put_photo(tmp_path / "photos")
    for replace_if in (None, "marker"):
        with (
            pytest.raises(OutputError, match="found other files; they are left as they are"),
            written_folder(tmp_path / "photos", replace_if=replace_if),
        ):
            pytest.fail("the block was entered")
    assert contents(tmp_path) == {"photos/mine.jpg": b"mine"}


@pytest.mark.parametrize("more", ["notes.txt", "old.jpg", "photos/mine.jpg", ".hidden"])
def test_a_folder_of_ours_with_something_more_in_it_is_left_alone(
    tmp_path: Path, more: str
) -> None:
    target = one_of_ours(tmp_path / "run")
    (target / more).parent.mkdir(exist_ok=True)
    (target / more).write_text("mine")
    before = contents(tmp_path)
    name = re.escape(more.split("/")[0])
    with (
        pytest.raises(OutputError, match=f"earlier marker alone, .*found {name} as well"),
        written_folder(target, replace_if="marker", holding=["old"]),
    ):
        pytest.fail("the block was entered")
    assert contents(tmp_path) == before


def test_what_file_managers_leave_stops_nothing(tmp_path: Path) -> None:
    target = one_of_ours(tmp_path / "run")
    (target / ".DS_Store").write_text("")
    with written_folder(target, replace_if="marker", holding=["old"]) as beside:
        (beside / "new").write_text("new")
    assert contents(tmp_path) == {"run/new": b"new"}


def test_files_put_there_meanwhile_are_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with (
        pytest.raises(OutputError, match="found other files"),
        written_folder(target, replace_if="marker", holding=["old"]),
    ):
        put_photo(target)
    assert contents(tmp_path) == {"run/mine.jpg": b"mine"}


def test_the_old_folder_comes_back_when_the_new_one_cannot_be_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = one_of_ours(tmp_path / "run")
    before = contents(tmp_path)
    rename, calls = Path.rename, []

    def second_fails(self: Path, to: Path) -> Path:
        calls.append(self)
        if len(calls) == 2:
            raise DISK_FULL
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", second_fails)
    with (
        pytest.raises(OutputError, match="the disk is full"),
        written_folder(target, replace_if="marker", holding=["old"]) as beside,
    ):
        (beside / "new").write_text("new")
    assert contents(tmp_path) == before


def test_a_linked_folder_is_replaced_behind_its_link(tmp_path: Path) -> None:
    one_of_ours(tmp_path / "big disk")
    (tmp_path / "run").symlink_to("big disk")
    with written_folder(tmp_path / "run", replace_if="marker", holding=["old"]) as beside:
        (beside / "new").write_text("new")
    assert (tmp_path / "run").is_symlink()
    assert contents(tmp_path / "big disk") == {"new": b"new"}


def test_a_file_is_no_place_for_a_folder_nor_a_folder_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="expected a folder, found a file"):
        check_replaceable(tmp_path / "file")
    with (
        pytest.raises(OutputError, match="a file stands where a folder is needed"),
        written_file(tmp_path / "file" / "table.csv"),
    ):
        pytest.fail("the block was entered")
    with (
        pytest.raises(OutputError, match="a folder stands there"),
        written_file(tmp_path / "folder") as beside,
    ):
        beside.write_text("new")
    assert contents(tmp_path) == {"file": b"mine"}


def test_names_too_long_are_told(tmp_path: Path) -> None:
    for write in (written_file, written_folder):
        with (
            pytest.raises(OutputError, match="the name is too long"),
            write(tmp_path / ("n" * 300)),
        ):
            pass
    assert contents(tmp_path) == {}


def test_long_names_that_the_disk_can_hold_can_be_written(tmp_path: Path) -> None:
    name = "口" * 80
    with written_file(tmp_path / name) as beside:
        beside.write_text("new")
    assert contents(tmp_path) == {name: b"new"}


def test_no_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    for write in (written_file, written_folder):
        with (
            pytest.raises(OutputError, match="no permission to write there; name another place"),
            write(tmp_path / "new" / "name"),
        ):
            pytest.fail("the block was entered")


def test_a_reading_error_in_the_block_is_not_called_a_writing_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"), written_file(tmp_path / "out"):
        (tmp_path / "missing").read_bytes()
