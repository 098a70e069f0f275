import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from facecover.errors import OutputError
from facecover.files import (
    check_replaceable,
    new_file,
    remove_dead,
    scratch_folder,
    written_file,
    written_folder,
)
from facecover.locks import LOCK_NAME, locked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="locks and signals are POSIX")

HELD = rf"found process {os.getpid()}, since 20\d\d-\d\d-\d\d \d\d:\d\d.*; wait for it to end"


def killed_in(block: str, *arguments: object, temporary: Path | None = None) -> None:
    """Run a `with` block of `facecover.files` in a process that is killed inside it."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from facecover.files import *\n"
        "from facecover.locks import locked\n"
        "at = Path(sys.argv[1])\n"
        f"with {block} as place:\n"
        "    if place is not True:\n"
        "        (place / 'half' if place.is_dir() else place).write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    environment = os.environ | ({} if temporary is None else {"TMPDIR": str(temporary)})
    command = [sys.executable, "-c", code, *map(str, arguments)]
    assert subprocess.run(command, check=False, env=environment).returncode == -9


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with locked(folder) as is_locked:
        assert is_locked
        assert names(folder) == [LOCK_NAME]
        with pytest.raises(OutputError, match=HELD), locked(folder):
            pytest.fail("it was locked twice")
        check_replaceable(folder)  # a lock is nobody's file
    assert not folder.exists()  # nothing was written into it


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    killed_in("locked(at)", folder)
    assert names(folder) == [LOCK_NAME]
    with locked(folder):
        (folder / "mine").touch()
    assert names(folder) == ["mine"]


def test_a_folder_that_is_being_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("out")
    with written_folder(tmp_path / "out", replace_if="marker"):
        for name in ("out", "link"):
            with pytest.raises(OutputError, match=rf"{name}: expected a folder that .*{HELD}"):
                check_replaceable(tmp_path / name, replace_if="marker", holding=[])
    check_replaceable(tmp_path / "out", replace_if="marker", holding=[])
    assert names(tmp_path) == ["link", "out"]


def test_who_is_done_soon_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(_: float) -> None:
        first.__exit__(None, None, None)

    first = written_folder(tmp_path / "out")
    first.__enter__()
    monkeypatch.setattr("time.sleep", ends)
    with written_folder(tmp_path / "out", replace_if="marker") as beside:
        (beside / "marker").touch()
    assert names(tmp_path / "out") == ["marker"]


def test_what_a_killed_process_left_of_a_folder_is_removed_and_told(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "marker").write_text("before")
    killed_in("written_folder(at, replace_if='marker')", target)
    left = [name for name in names(tmp_path) if re.fullmatch(r"\.out\.\d+-\w{8}\.facecover", name)]
    assert len(left) == 1
    for mine in (".out.1-12345678.jpg", ".out-2.1-12345678.facecover", "out.1-12345678.facecover"):
        (tmp_path / mine).mkdir()
    told: list[str] = []
    with written_folder(target, replace_if="marker", note=told.append) as beside:
        (beside / "marker").write_text("after")
    assert told == [f"removed what a process had left that was killed: {tmp_path / left[0]}"]
    assert (target / "marker").read_text() == "after"
    assert len(names(tmp_path)) == 4


def test_a_folder_whose_replacing_was_killed_comes_back(tmp_path: Path) -> None:
    old = tmp_path / ".out.17-0123abcd.facecover-old"
    old.mkdir()
    (old / "marker").write_text("before")
    told: list[str] = []
    with (
        pytest.raises(KeyboardInterrupt),
        written_folder(tmp_path / "out", replace_if="marker", note=told.append),
    ):
        raise KeyboardInterrupt
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "marker").read_text() == "before"
    assert "put back as it was" in told[0]


def test_what_a_killed_process_left_of_a_file_is_removed_and_what_is_in_use_stays(
    tmp_path: Path,
) -> None:
    killed_in("written_file(at)", tmp_path / "table.csv")
    assert len(names(tmp_path)) == 1
    with written_file(tmp_path / "table.csv") as first:
        with written_file(tmp_path / "table.csv") as second:
            second.write_text("second")
        first.write_text("first")
    assert names(tmp_path) == ["table.csv"]
    assert (tmp_path / "table.csv").read_text() == "first"


@pytest.mark.parametrize("has_links", [True, False])
def test_a_new_file_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    if not has_links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    for text in ("first", "second"):
        if text == "second":
            with (
                pytest.raises(FileExistsError, match=r"exists: .*a\.jpg"),
                new_file(tmp_path / "a.jpg") as beside,
            ):
                beside.write_text(text)
        else:
            with new_file(tmp_path / "a.jpg") as beside:
                beside.write_text(text)
    assert names(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_text() == "first"


def test_half_a_new_file_is_none(tmp_path: Path) -> None:
    killed_in("new_file(at)", tmp_path / "a.jpg")
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.jpg.")
    told: list[str] = []
    with new_file(tmp_path / "b.jpg"):
        remove_dead(tmp_path.iterdir(), told.append)
    assert names(tmp_path) == ["b.jpg"]
    assert len(told) == 1


def test_scratch_folders_of_the_dead_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_in("scratch_folder()", "", temporary=tmp_path)
    (left,) = tmp_path.iterdir()
    assert (left / "half").is_file()
    (tmp_path / "facecover-run").mkdir()
    (tmp_path / "facecover-run" / LOCK_NAME).write_text("process 17")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told: list[str] = []
    with scratch_folder() as mine, scratch_folder(told.append):
        (mine / "new").touch()
        assert len(names(tmp_path)) == 3
    assert names(tmp_path) == ["facecover-run"]
    assert told == []


def test_long_names_are_locked_apart(tmp_path: Path) -> None:
    one, other = (tmp_path / ("口" * 80 + end) for end in "ab")
    with written_folder(one), written_folder(other):
        pass
    assert len(names(tmp_path)) == 2


def test_where_there_are_no_locks_nothing_is_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_in("written_folder(at)", tmp_path / "out")
    monkeypatch.setattr("facecover.locks.locked_now", lambda _: "unknown")
    monkeypatch.setattr("facecover.files.locked_now", lambda _: "unknown")
    check_replaceable(tmp_path / "out", holding=[])
    with written_folder(tmp_path / "out"):
        pass
    assert len(names(tmp_path)) == 2  # what is left stays
