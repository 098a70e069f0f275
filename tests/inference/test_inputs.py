"""What the inputs of a command name: folders, patterns and streams."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from facecover.inference.inputs import Inputs, find_inputs
from facecover.photos import Broken, FoundPhoto


def found(*names: object, stdin: bytes = b"", leave_out: Path | None = None) -> Inputs:
    return find_inputs(
        map(str, names), io.BytesIO(stdin), leave_out=[leave_out] if leave_out else []
    )


def inner_names(inputs: Inputs) -> list[str]:
    return [one.inner if isinstance(one, FoundPhoto) else f"!{one.reason}" for one in inputs]


def put(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_a_folder_that_is_left_out_is_not_looked_into(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "sorted/mask/a.jpg")
    assert inner_names(found(tmp_path, leave_out=tmp_path / "sorted")) == ["a.jpg"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_that_cannot_be_listed_is_one_line(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "shut/b.jpg")
    (tmp_path / "shut").chmod(0)
    names = inner_names(found(tmp_path))
    (tmp_path / "shut").chmod(0o700)
    assert names[0] == "a.jpg"
    assert "cannot be listed" in names[1]


def test_patterns_are_expanded_where_no_shell_did(tmp_path: Path) -> None:
    put(tmp_path, "b.jpg", "a.jpg", "notes.txt", "sub/c.jpg", "[odd].jpg")
    assert inner_names(found(f"{tmp_path}/*.jpg")) == ["[odd].jpg", "a.jpg", "b.jpg"]
    assert inner_names(found(f"{tmp_path}/[odd].jpg")) == ["[odd].jpg"]
    inputs = found(f"{tmp_path}/**")
    assert sorted(inner_names(inputs)) == ["[odd].jpg", "a.jpg", "b.jpg", "c.jpg"]
    assert inputs.skipped == {"no photo by name": 1}
    (nothing,) = found(f"{tmp_path}/*.png")
    assert nothing == Broken(f"{tmp_path}/*.png", "no file matches this pattern")


def test_what_a_pattern_matches_in_a_folder_that_is_left_out_is_passed_over(
    tmp_path: Path,
) -> None:
    put(tmp_path, "a.jpg", "sorted/mask/a.jpg", "sorted-by-hand/b.jpg")
    for pattern in ("**/*.jpg", "**", "*"):
        inputs = found(f"{tmp_path}/{pattern}", leave_out=tmp_path / "b" / ".." / "sorted")
        assert sorted(inner_names(inputs)) == ["a.jpg", "b.jpg"]
    assert inner_names(found(f"{tmp_path}/sorted/*/*", leave_out=tmp_path / "sorted")) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_do_not_lead_a_pattern_into_a_folder_that_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "sorted/mask/a.jpg", "sorted/mask/b.jpg")
    (tmp_path / "again").symlink_to("sorted/mask")
    (tmp_path / "link").symlink_to("sorted")
    for leave_out in ("sorted", "link"):
        inputs = found(f"{tmp_path}/**/*.jpg", leave_out=tmp_path / leave_out)
        assert inner_names(inputs) == ["a.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are POSIX")
def test_a_pipe_that_a_pattern_matches_is_not_opened(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    content = bytes(1000)  # which is gone once it was read
    for name in ("pipe", "pipe.jpg"):
        os.mkfifo(tmp_path / name)
    # Open for both, so that a test that fails does not wait for ever.
    pipes = [os.open(tmp_path / name, os.O_RDWR) for name in ("pipe", "pipe.jpg")]
    try:
        for pipe in pipes:
            os.write(pipe, content)
        inputs = found(f"{tmp_path}/*")
        assert inner_names(inputs) == ["a.jpg"]
        assert inputs.skipped.total() == 2
        assert [os.read(pipe, 2000) for pipe in pipes] == [content, content]
    finally:
        for pipe in pipes:
            os.close(pipe)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_lost_link_that_a_pattern_matches_is_left_to_be_reported(tmp_path: Path) -> None:
    (tmp_path / "lost.jpg").symlink_to("nowhere")
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    assert inner_names(found(f"{tmp_path}/*.jpg")) == ["lost.jpg", "self.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_pattern_follows_links_to_folders_once(tmp_path: Path) -> None:
    put(tmp_path, "z.jpg", "sub/a.jpg", "sub/deep/b.jpg")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "sub/again").symlink_to("deep")
    (tmp_path / "sub/one.jpg").symlink_to("a.jpg")  # a photo beside it, not a folder
    files = {one.name for one in found(tmp_path)}
    for pattern in ("**/*.jpg", "**"):
        names = [one.name for one in found(f"{tmp_path}/{pattern}")]
        assert len(names) == len(files) == 4
        assert {os.path.realpath(name) for name in names} == set(map(os.path.realpath, files))
        assert f"{tmp_path}/z.jpg" in names  # not by way of the loop
        assert f"{tmp_path}/sub/one.jpg" in names
    # A folder that only the pattern's own links lead to is listed.
    assert inner_names(found(f"{tmp_path}/sub/again/**")) == ["b.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are POSIX")
def test_a_pipe_that_cannot_be_read_is_one_line_among_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    os.mkfifo(tmp_path / "pipe")
    opened = Path.open

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if path.name == "pipe":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refused)
    first, pipe, last = found(tmp_path / "a.jpg", tmp_path / "pipe", tmp_path / "b.jpg")
    assert pipe == Broken(str(tmp_path / "pipe"), "cannot be opened: Permission denied")
    assert isinstance(first, FoundPhoto)
    assert isinstance(last, FoundPhoto)


def test_an_empty_name_is_not_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(put(tmp_path, "a.jpg"))
    empty, photo = found("", "a.jpg")
    assert isinstance(empty, Broken)
    assert "an empty name; expected a file" in empty.reason
    assert photo == FoundPhoto("a.jpg", Path("a.jpg"), "a.jpg")


def test_what_does_not_exist_is_reported_in_its_place(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    missing, odd, long = tmp_path / "none.jpg", "nul\0.jpg", "n" * 5000
    inputs = list(found(missing, tmp_path / "a.jpg", odd, long))
    assert [isinstance(one, Broken) for one in inputs] == [True, False, True, True]
    assert inputs[0] == Broken(str(missing), "no such file or folder")


def test_standard_input_is_one_photo_read_once() -> None:
    first, second = found("-", "-", stdin=b"bytes")
    assert first == FoundPhoto("-", b"bytes", "stdin")
    assert isinstance(second, Broken)
    assert "read once" in second.reason


def test_an_endless_stream_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facecover.inference.inputs.MAX_FILE_BYTES", 100)
    (one,) = found("-", stdin=bytes(101))
    assert isinstance(one, Broken)
    assert "more than 100 bytes" in one.reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are POSIX")
def test_devices_are_refused() -> None:
    (one,) = found(os.devnull)
    assert isinstance(one, Broken)
    assert "a device" in one.reason
