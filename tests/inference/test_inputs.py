"""What the inputs of a command name: folders, patterns, streams and archives."""

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facecover import photos
from facecover.inference import archives
from facecover.inference.inputs import Inputs, find_inputs
from facecover.photos import Broken, FoundPhoto

KINDS = ("tar", "gz", "bz2", "xz")
FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def found(*names: object, stdin: bytes = b"", leave_out: Path | None = None) -> Inputs:
    return find_inputs(map(str, names), io.BytesIO(stdin), leave_out=leave_out)


def inner_names(inputs: Inputs) -> list[str]:
    return [one.inner if isinstance(one, FoundPhoto) else f"!{one.reason}" for one in inputs]


def put(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes], kind: str = "tar") -> Path:
    with tarfile.open(path, f"w:{'' if kind == 'tar' else kind}") as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return path


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


@pytest.mark.parametrize("kind", ["zip", *KINDS])
def test_members_come_in_order_with_their_bytes(kind: str, tmp_path: Path) -> None:
    members = {
        "z.jpg": b"1",
        "sub/a.png": b"22" * 9000,
        "note.txt": b"3",
        ".h.jpg": b"",
        "in.zip": b"4",
    }
    path = tmp_path / "photos"
    path = zipped(path, members) if kind == "zip" else tarred(path, members, kind)
    inputs = found(path)
    assert inputs.total == (2 if kind == "zip" else None)
    assert list(inputs) == [
        FoundPhoto(f"{path}!z.jpg", b"1", "z.jpg"),
        FoundPhoto(f"{path}!sub/a.png", b"22" * 9000, "sub/a.png"),
    ]
    assert inputs.skipped == {"no photo by name": 2, "hidden": 1}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_large_members_are_refused_and_the_others_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (archives, archives):
        monkeypatch.setattr(module, "MAX_FILE_BYTES", 1000)
    write = zipped if kind == "zip" else tarred
    path = write(tmp_path / "photos", {"big.jpg": bytes(1001), "small.jpg": b"s"})
    names = inner_names(found(path))
    assert names == ["!unpacks to 1,001 bytes; expected at most 1,000", "small.jpg"]


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
def test_a_bomb_is_not_read_to_its_end(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 10_000)
    members = {f"{number}.jpg": bytes(1_000_000) for number in range(20)}
    path = tmp_path / "bomb"
    path = zipped(path, members) if kind == "zip" else tarred(path, members, kind)
    names = inner_names(found(path))
    assert "at most 100 times as many" in names[-1]
    assert len(names) < 20


def test_skipping_a_member_counts_for_a_bomb_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 10_000)
    path = tarred(tmp_path / "bomb", {"a.txt": bytes(10_000_000), "b.jpg": b"b"}, "gz")
    (refused,) = inner_names(found(path))
    assert "at most 100 times" in refused


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    members = {f"{number}.jpg": b"x" for number in range(5)}
    for path in (zipped(tmp_path / "z", members), tarred(tmp_path / "t", members)):
        names = inner_names(found(path))
        assert names[:3] == ["0.jpg", "1.jpg", "2.jpg"]
        assert names[3:] == ["!the rest is not read: more than 3 members"]


def test_a_huge_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        header = tarfile.TarInfo("a.jpg")
        header.pax_headers = {"comment": "c" * 3_000_000}
        archive.addfile(header)
    (refused,) = inner_names(found(path))
    assert "a header of more than" in refused


def test_links_and_devices_in_archives_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("l.jpg", tarfile.SYMTYPE),
            ("h.jpg", tarfile.LNKTYPE),
            ("d.jpg", tarfile.CHRTYPE),
        ):
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "/etc/passwd"
            archive.addfile(header)
    zip_path = tmp_path / "links.zip"
    with zipfile.ZipFile(zip_path, "w") as zip_archive:
        link = zipfile.ZipInfo("l.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zip_archive.writestr(link, "/etc/passwd")
    reasons = inner_names(found(path, zip_path))
    assert reasons == ["!a link or a device; only files are read from an archive"] * 4


def test_an_encrypted_member_is_a_line(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": b"a" * 50, "b.jpg": b"b"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    names = inner_names(found(path))
    assert names == ["!encrypted; unpack the archive with its password first", "b.jpg"]


@pytest.mark.parametrize("kind", ["zip", *KINDS])
def test_a_cut_archive_gives_what_it_holds_and_one_line(kind: str, tmp_path: Path) -> None:
    members = {f"{number}.jpg": os.urandom(3000) for number in range(30)}
    path = tmp_path / "photos"
    path = zipped(path, members) if kind == "zip" else tarred(path, members, kind)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    outcomes = list(found(path))
    assert isinstance(outcomes[-1], Broken)
    assert f"broken {kind} archive" in outcomes[-1].reason
    whole = {f"{path}!{name}": content for name, content in members.items()}
    read = {one.name: one.source for one in outcomes if isinstance(one, FoundPhoto)}
    assert read.items() <= whole.items()
    assert read or kind in ("zip", "bz2")  # whose directory stands at the end; one large block


def _survives(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for one in found(path):
        assert isinstance(one, (FoundPhoto, Broken))
        if isinstance(one, Broken):
            assert "\n" not in one.reason
        elif isinstance(one.source, bytes):
            assert len(one.source) <= photos.MAX_FILE_BYTES


@FUZZ
@given(
    st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b""]),
    st.binary(max_size=400),
)
def test_any_bytes_are_survived(tmp_path: Path, magic: bytes, data: bytes) -> None:
    _survives(tmp_path / "fuzz", magic + data)


@FUZZ
@given(
    st.sampled_from(["zip", *KINDS]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.floats(0.1, 1),
)
def test_damaged_archives_are_survived(
    tmp_path: Path, kind: str, changes: list[tuple[float, int]], kept: float
) -> None:
    members = {"a.jpg": b"a" * 700, "sub/b.jpg": bytes(range(256)) * 3, "c.txt": b"c"}
    path = tmp_path / "damaged"
    path = zipped(path, members) if kind == "zip" else tarred(path, members, kind)
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    _survives(path, bytes(data[: int(len(data) * kept)]))


@FUZZ
@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4, unique=True))
def test_hostile_member_names_are_survived(tmp_path: Path, names: list[str]) -> None:
    members = {name.encode("utf-8", "replace").decode(): b"x" for name in names}
    for path in (tarred(tmp_path / "t", members), tarred(tmp_path / "g", members, "gz")):
        _survives(path, path.read_bytes())
    writable = {name: content for name, content in members.items() if "\0" not in name}
    _survives(tmp_path / "z", zipped(tmp_path / "z", writable).read_bytes())
