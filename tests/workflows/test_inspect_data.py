"""`explore` and `audit` from Python, and what all functions of commands take."""

from pathlib import Path

import pytest

import facecover
from facecover.errors import ConfigError


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_may_be_text(class_folders: Path, tmp_path: Path, kind: type) -> None:
    corrections = tmp_path / "corrections.csv"
    corrections.write_text("source,path,label,who,when,why\n")
    explored = facecover.explore(kind(class_folders), kind(tmp_path / "explored"))
    audited = facecover.audit(
        kind(class_folders), kind(tmp_path / "audited"),
        relabel=kind(corrections), no_suspects=True,
    )  # fmt: skip
    for name in ("explored", "audited"):
        assert (tmp_path / name / "report.html").is_file()
    assert len(explored.to_pandas()) == 120
    assert len(repr(explored)) + len(repr(audited)) < 200


def test_one_model_is_not_taken_for_the_letters_of_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two models or more, found 1"):
        facecover.compare("net1", data=tmp_path)
