"""What `SOURCE...` on the command line means."""

from pathlib import Path

import pytest
from tests.sources.empty_files import put

from facecover.cli.console import CONSOLE
from facecover.dataset.opened import SourceOptions, is_dataset, read_labelled
from facecover.errors import DatasetError


def test_a_name_that_is_too_long_is_one_line() -> None:
    with pytest.raises(DatasetError, match=r"^n+: cannot be looked up: File name too long; exp"):
        is_dataset(Path("n" * 300))


def test_a_folder_that_may_not_be_looked_into_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(DatasetError, match="cannot be looked up: Permission denied"):
        is_dataset(tmp_path)


def test_no_such_folder_and_a_file_are_no_datasets(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").touch()
    assert not is_dataset(tmp_path / "none")
    assert not is_dataset(tmp_path / "labels.csv")


def test_what_is_passed_over_in_a_source_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = put(tmp_path / "faces", ["mask/a.jpg", "no/b.jpg", "no/.c.jpg", ".old/d.jpg", "a.txt"])
    (root / "no" / "again").symlink_to("../mask")
    read_labelled([root], SourceOptions(), CONSOLE)
    assert capsys.readouterr().err == (
        "faces: class-folders, 2 faces (1 no_mask, 1 mask); passed over: 2 hidden, "
        "1 no photo by name, 1 link to a folder that is read anyway\n"
    )


def test_it_is_said_which_number_was_taken_for_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = put(tmp_path / "faces", ["1/a.jpg", "0/b.jpg"])
    read_labelled([root], SourceOptions(), CONSOLE)
    exchanged = SourceOptions(mapping=["0=mask", "1=no_mask"])
    read_labelled([root], exchanged, CONSOLE)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("2 faces (1 no_mask, 1 mask); read 0 as no_mask, 1 as mask")
    assert second.endswith("2 faces (1 no_mask, 1 mask); read 0 as mask, 1 as no_mask")
