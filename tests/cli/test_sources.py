"""What `SOURCE...` on the command line means."""

from pathlib import Path

import pytest

from facecover.dataset.opened import is_dataset
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
