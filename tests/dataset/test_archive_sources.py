"""Zip and tar archives as sources: unpacked for the moment, told of by their own names."""

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facecover import archives
from facecover.archives import unpack
from facecover.dataset.arrays import Dataset
from facecover.dataset.opened import SourceOptions, opened_sources
from facecover.errors import DatasetError, LabelError
from facecover.photos import NO_PHOTO
from facecover.preparation.pipeline import PrepareOptions, write_dataset

Member = tuple[str, bytes]


def photo(seed: int, format: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((40, 40)).save(stream, format)
    return stream.getvalue()


def faces() -> list[Member]:
    return [
        (f"faces/{name}/{number}.png", photo(2 * number + label))
        for label, name in enumerate(("no_mask", "mask"))
        for number in range(6)
    ]


def write_zip(path: Path, members: Sequence[Member]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def write_tar(path: Path, members: Sequence[Member]) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar", "photos.tar.gz", "photos"])
def test_a_dataset_is_made_of_an_archive_as_of_its_folder(tmp_path: Path, name: str) -> None:
    members = [*faces(), ("faces/mask/broken.png", photo(99)[:60]), ("notes.md", b"hello")]
    write = write_tar if "tar" in name else write_zip
    archive = write(tmp_path / name, members)
    options = PrepareOptions(max_unreadable_share=0.5, audits=False)
    with opened_sources([archive], SourceOptions()) as sources:
        assert [source.name for source in sources] == ["photos"]
        unpacked = sources[0].root
        write_dataset(sources, tmp_path / "dataset", options)
    assert not unpacked.exists()
    for inner, content in members:
        place = tmp_path / "folder" / inner
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    with opened_sources([tmp_path / "folder"], SourceOptions()) as sources:
        write_dataset(sources, tmp_path / "other", options)
    made, expected = Dataset.open(tmp_path / "dataset"), Dataset.open(tmp_path / "other")
    assert made.manifest.info.digest == expected.manifest.info.digest
    assert made.manifest.info.sources[0].root == str(archive)
    for told in ("dropped.csv", "unreadable.csv", "manifest.parquet"):
        assert str(unpacked).encode() not in (tmp_path / "dataset" / told).read_bytes()
    assert f"{archive}/faces/mask/broken.png: " in (tmp_path / "dataset/dropped.csv").read_text()


def test_annotations_are_unpacked_with_their_photos(tmp_path: Path) -> None:
    members = [
        ("train/images/a.png", photo(1)),
        ("train/labels/a.txt", b"0 0.5 0.5 1 1"),
        ("data.yaml", b"names: [mask]"),
        ("weights.pt", b"x" * 100),
    ]
    archive = write_zip(tmp_path / "yolo.zip", members)
    with opened_sources([archive], SourceOptions()) as (source,):
        assert (source.layout, len(source.rows), source.rows[0].split) == ("yolo", 1, "train")
        assert not (source.root / "weights.pt").exists()


def test_what_is_wrong_in_an_archive_is_told_by_its_name(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "odd.zip", [("faces/cat/a.png", b""), ("faces/dog/b.png", b"")])
    expected = rf"^{archive}/faces: found 'cat', 'dog', expected folders named like classes"
    with pytest.raises(LabelError, match=expected), opened_sources([archive], SourceOptions()):
        pass
    with (
        pytest.raises(DatasetError, match=rf"^{archive}/faces: inside$"),
        opened_sources([archive], SourceOptions(mapping=["cat=mask", "dog=no_mask"])) as (source,),
    ):
        raise DatasetError(f"{source.root}/faces: inside")


def test_a_member_that_cannot_be_unpacked_is_listed(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = write_zip(tmp_path / "a.zip", [*faces(), ("faces/mask/0.png", b"again")])
    with opened_sources([archive], SourceOptions()) as (source,):
        (drop,) = source.drops
        assert drop.reason == "unreadable image"
        assert drop.detail == f"{archive}!faces/mask/0.png: cannot be unpacked: File exists"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (
            [("mask/zeros.png", bytes(300_000))],
            r"; 1 could not be unpacked: .* to 300,000 bytes; exp",
        ),
        (
            [(f"mask/{n}.png", bytes(150_000)) for n in range(3)],
            r"the rest is not read: it unpacks",
        ),
    ],
)
def test_a_bomb_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: Sequence[Member], reason: str
) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1000)
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 200_000)
    archive = write_zip(tmp_path / "bomb.zip", members)
    with pytest.raises(DatasetError, match=reason), opened_sources([archive], SourceOptions()):
        pass


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, write: type) -> None:
    names = [
        "../a.png",
        "/b.png",
        "x/../../c.png",
        "..\\d.png",
        "C:\\e.png",
        "...",
        "x/",
        "f\n.png",
    ]
    archive = write(tmp_path / "names", [(name, b"1") for name in names])
    folder = tmp_path / "inside" / "folder"
    skipped, _ = unpack(archive, "zip" if write is write_zip else "tar", folder, frozenset())
    assert {path.parent for path in tmp_path.rglob("*.png")} <= {
        folder, *folder.rglob("*"),
    }  # fmt: skip
    assert not list(tmp_path.glob("*.png"))
    assert set(skipped) <= {NO_PHOTO, "hidden"}
