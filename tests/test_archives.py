"""Archives: their photos in order, and what damaged, hostile and lying ones cost."""

import bz2
import copy
import gzip
import io
import lzma
import os
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facecover import archives, photos
from facecover.inference.inputs import Inputs, find_inputs
from facecover.photos import Broken, FoundPhoto

KINDS = ("tar", "gz", "bz2", "xz")
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
}  # fmt: skip
METHODS = {
    "stored": zipfile.ZIP_STORED, "deflate": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA,
}  # fmt: skip
PACKING = [method for method in METHODS if method != "stored"]
FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def found(*names: object) -> Inputs:
    return find_inputs(map(str, names), io.BytesIO())


def inner_names(inputs: Inputs) -> list[str]:
    return [one.inner if isinstance(one, FoundPhoto) else f"!{one.reason}" for one in inputs]


def zipped(path: Path, members: dict[str, bytes], method: str = "deflate") -> Path:
    with zipfile.ZipFile(path, "w", METHODS[method]) as archive:
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


def tar_member(name: str, content: bytes, size: int | None = None, kind: bytes = b"0") -> bytes:
    """A member whose header claims any size."""
    header = tarfile.TarInfo(name)
    header.size, header.type = len(content) if size is None else size, kind
    return header.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def put(path: Path, data: bytes, kind: str = "tar") -> Path:
    path.write_bytes(COMPRESS[kind](data))
    return path


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
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1000)
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
    members = {
        f"{number}.jpg": np.random.default_rng(int(number)).bytes(3000) for number in range(30)
    }
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


@pytest.mark.parametrize("claimed", [2**62, 2**33, -512, 5000])
@pytest.mark.parametrize("name", ["lie.jpg", "skipped.txt"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_tar_is_read_to_its_end_and_no_further(
    kind: str, name: str, claimed: int, tmp_path: Path
) -> None:
    data = tar_member("a.jpg", b"a") + tar_member(name, bytes(2048), claimed)
    names = inner_names(found(put(tmp_path / "lies", data, kind)))
    assert names[0] == "a.jpg"
    assert names[-1].startswith(f"!broken {kind} archive after ")
    assert all(line.startswith("!unpacks to ") for line in names[1:-1])


@pytest.mark.skipif(os.name == "nt", reason="files with holes need more there")
def test_what_is_passed_over_in_a_plain_tar_is_not_read(tmp_path: Path) -> None:
    path, size = put(tmp_path / "holes.tar", tar_member("a.txt", b"", 2**40)), 2**40
    with path.open("r+b") as stream:
        stream.seek(512 + size)
        stream.write(tar_member("b.jpg", b"b"))
    assert inner_names(found(path)) == ["b.jpg"]


@pytest.mark.parametrize("method", PACKING)
def test_a_zip_that_claims_less_costs_what_it_claims(method: str, tmp_path: Path) -> None:
    path = tmp_path / "lies.zip"
    with zipfile.ZipFile(path, "w", METHODS[method]) as archive:
        archive.writestr("lie.jpg", bytes(30_000_000))
        archive.writestr("a.jpg", b"a" * 1000)
        archive.filelist[0].file_size = 1000
    tracemalloc.start()
    names = inner_names(found(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert names == ["!cannot be unpacked: more than the 1,000 bytes that it claims", "a.jpg"]
    assert peak < 10_000_000  # of which 8 MiB are LZMA's dictionary


@pytest.mark.parametrize(
    ("field", "reason"),
    [("file_size", "1,000 bytes; it claims 2,000"), ("CRC", "its bytes do not fit its checksum")],
)
@pytest.mark.parametrize("method", PACKING)
def test_a_member_that_is_not_what_the_directory_says_is_a_line(
    method: str, field: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "lies.zip"
    with zipfile.ZipFile(path, "w", METHODS[method]) as archive:
        archive.writestr("lie.jpg", b"l" * 1000)
        archive.writestr("a.jpg", b"a")
        setattr(archive.filelist[0], field, 2000)
    assert inner_names(found(path)) == [f"!cannot be unpacked: {reason}", "a.jpg"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_compression_gives_its_bytes(method: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(300_000)
    members = {"empty.jpg": b"", "noise.jpg": noise, "zeros.jpg": bytes(500_000), "a.jpg": b"a"}
    outcomes = list(found(zipped(tmp_path / "a.zip", members, method)))
    assert {one.inner: one.source for one in outcomes if isinstance(one, FoundPhoto)} == members


def test_members_that_share_their_bytes_are_not_read_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "shared.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", bytes(100_000))
        archive.filelist += [copy.copy(archive.filelist[0]) for _ in range(50)]
    names = inner_names(found(path))
    assert names.count("a.jpg") <= 1
    assert names[-1].startswith("!")


def test_members_that_fail_count_for_a_bomb_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 10_000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.jpg", bytes(1_000_000))
            archive.filelist[-1].CRC += 1
    names = inner_names(found(path))
    assert "at most 100 times as many" in names[-1]
    assert len(names) < 20


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_compressed_stream_without_files_is_no_empty_tar(kind: str, tmp_path: Path) -> None:
    for n_bytes in (0, 10_240, 5_000_000):
        (reason,) = inner_names(found(put(tmp_path / "zeros", bytes(n_bytes), kind)))
        assert reason == f"!no file in this {kind} file; expected a tar archive in it"


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_odd_names_are_kept(format: int, tmp_path: Path) -> None:
    names = ["n" * 300 + ".jpg", "f/" * 200 + "ä.jpg", "\udcff.jpg", "plain.jpg"]
    path = tmp_path / "names.tar"
    with tarfile.open(path, "w", format=format, encoding="utf-8") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    assert inner_names(found(path)) == names


def test_a_sparse_file_is_a_line_and_the_next_is_read(tmp_path: Path) -> None:
    old = bytearray(tar_member("old.jpg", b"", 512, tarfile.GNUTYPE_SPARSE))
    old[482] = 1  # its map goes on in another block
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    pax = tar_member("x", b"22 GNU.sparse.major=1\n", kind=tarfile.XHDTYPE)
    new = pax + tar_member("new.jpg", b"n")
    data = bytes(old) + bytes(1024) + new + tar_member("a.jpg", b"a")
    line = "!a link or a device; only files are read from an archive"
    assert inner_names(found(put(tmp_path / "sparse.tar", data))) == [line, line, "a.jpg"]


@pytest.mark.parametrize(
    "records", [b"1" * 900_000, b"5 ab\n" * 180_000, b"0 a=b\n", b"99 a=b\n", b"-9 a=b\n"]
)
def test_a_hostile_extended_header_is_one_line(records: bytes, tmp_path: Path) -> None:
    data = tar_member("a.jpg", b"a") + tar_member("x", records, kind=tarfile.XHDTYPE)
    names = inner_names(found(put(tmp_path / "pax", data + tar_member("b.jpg", b"b"))))
    assert names == [
        "a.jpg",
        "!broken tar archive after 1 members: an extended header that is none",
    ]


def test_a_damaged_header_is_not_the_end_of_a_tar(tmp_path: Path) -> None:
    data = bytearray(tar_member("a.jpg", b"a") + tar_member("b.jpg", b"b"))
    data[1024] ^= 1
    names = inner_names(found(put(tmp_path / "damaged", bytes(data))))
    assert names == ["a.jpg", "!broken tar archive after 1 members: bad checksum"]


def _survives(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for one in found(path):
        assert isinstance(one, (FoundPhoto, Broken))
        if isinstance(one, Broken):
            assert "\n" not in one.reason
        elif isinstance(one.source, bytes):
            assert len(one.source) <= photos.MAX_FILE_BYTES


@pytest.mark.fuzz
@FUZZ
@given(
    st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b""]),
    st.binary(max_size=400),
)
def test_any_bytes_are_survived(tmp_path: Path, magic: bytes, data: bytes) -> None:
    _survives(tmp_path / "fuzz", magic + data)


@pytest.mark.fuzz
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


@pytest.mark.fuzz
@FUZZ
@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4, unique=True))
def test_hostile_member_names_are_survived(tmp_path: Path, names: list[str]) -> None:
    members = {name.encode("utf-8", "replace").decode(): b"x" for name in names}
    for path in (tarred(tmp_path / "t", members), tarred(tmp_path / "g", members, "gz")):
        _survives(path, path.read_bytes())
    writable = {name: content for name, content in members.items() if "\0" not in name}
    _survives(tmp_path / "z", zipped(tmp_path / "z", writable).read_bytes())


HOSTILE_SIZES = st.sampled_from([0, 1, 700, 2**20, 2**31 - 1, 2**32 - 1])


@pytest.mark.fuzz
@FUZZ
@given(
    st.sampled_from(list(METHODS)),
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["file_size", "compress_size", "CRC", "header_offset", "flag_bits"]),
            HOSTILE_SIZES,
        ),
        max_size=4,
    ),
)
def test_zips_that_lie_are_survived(
    tmp_path: Path, method: str, lies: list[tuple[int, str, int]]
) -> None:
    path = tmp_path / "lies.zip"
    members = {"a.jpg": b"a" * 700, "b.jpg": bytes(range(256)) * 3, "c.jpg": bytes(100_000)}
    with zipfile.ZipFile(path, "w", METHODS[method]) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for number, field, value in lies:
            is_flags = field == "flag_bits"
            setattr(archive.filelist[number], field, value & 0xFFFF if is_flags else value)
    for one in found(path):
        assert isinstance(one, Broken) or members[one.inner] == one.source


@pytest.mark.fuzz
@FUZZ
@given(
    st.sampled_from(KINDS),
    st.lists(
        st.tuples(
            st.sampled_from(["a.jpg", "b.txt", "c/"]),
            st.binary(max_size=600),
            st.one_of(st.none(), HOSTILE_SIZES, st.integers(-(2**63), 2**63)),
            st.sampled_from([bytes([kind]) for kind in b"0123457SLKxgX"]),
        ),
        max_size=5,
    ),
)
def test_tars_that_lie_are_survived(
    tmp_path: Path, kind: str, members: list[tuple[str, bytes, int | None, bytes]]
) -> None:
    data = b"".join(tar_member(*member) for member in members)
    path = put(tmp_path / "lies.tar", data, kind)
    _survives(path, path.read_bytes())
