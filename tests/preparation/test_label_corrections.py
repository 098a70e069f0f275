from pathlib import Path

import pandas as pd
import pytest
from tests.copies.photo_table import photo_table

from facecover.dataset.manifest import BOX
from facecover.errors import DatasetError
from facecover.labels import MASK, NO_MASK, resolve_label
from facecover.preparation.label_corrections import apply_corrections, apply_lists, read_corrections

LISTS = [
    Path(__file__).parents[2] / "experiments/corrections" / f"{name}.csv"
    for name in ("chandrikadeb7", "rmfd", "scenes", "techyhoney")
]

SIGNED = {"who": "me", "when": "2024-05-31", "why": "a scarf"}


def correction(number: int, label: str, **cells: str) -> dict[str, str]:
    return {"source": "faces", "path": f"photo {number}.jpg", "label": label, **SIGNED, **cells}


def corrected(
    *lines: dict[str, str], table: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = photo_table([0, 0, 1, 1]) if table is None else table
    return apply_corrections(table, pd.DataFrame(lines))


def test_a_correction_changes_the_label_and_says_who_when_and_why() -> None:
    table, applied = corrected(correction(1, "mask"), correction(2, "no_mask", why="a hand"))
    assert table["label"].tolist() == [0, 1, 0, 1]
    assert table["label"].dtype == "int8"
    overlay = ["label_before", "relabelled_by", "relabelled_when", "relabelled_why"]
    assert table[overlay].iloc[1].tolist() == [0, "me", "2024-05-31", "a scarf"]
    assert table[overlay].iloc[[0, 3]].isna().all(axis=None)
    assert applied[["row", "before", "after", "why"]].values.tolist() == [
        [1, NO_MASK, MASK, "a scarf"],
        [2, MASK, NO_MASK, "a hand"],
    ]


def test_the_callers_table_is_untouched_and_other_columns_stay() -> None:
    before = photo_table([0, 0, 1, 1])
    kept = before.copy()
    table, _ = corrected(correction(0, "mask"), table=before)
    pd.testing.assert_frame_equal(before, kept)
    rest = [name for name in before if name != "label"]
    pd.testing.assert_frame_equal(table[rest], before[rest])


def test_lines_that_change_nothing_need_no_signature() -> None:
    table, applied = corrected(correction(0, "no_mask", who="", when="", why=""))
    assert applied.empty
    assert table["label"].tolist() == [0, 0, 1, 1]
    assert table["relabelled_by"].isna().all()


def test_a_second_round_keeps_the_first() -> None:
    first, _ = corrected(correction(0, "mask"))
    second, applied = corrected(correction(3, "no_mask", who="you"), table=first)
    assert second["label"].tolist() == [1, 0, 1, 0]
    assert second.loc[[0, 3], "relabelled_by"].tolist() == ["me", "you"]
    assert len(applied) == 1


def test_class_names_are_read_as_everywhere() -> None:
    table, _ = corrected(correction(0, "With Mask"), correction(1, "1"))
    assert table["label"].tolist() == [1, 1, 1, 1]


def test_a_box_names_one_face_of_a_photo() -> None:
    boxes = {"x0": [0, 50], "y0": [0, 0], "x1": [40, 90], "y1": [40, 40]}
    faces = photo_table([0, 0], path="photo 0.jpg", **boxes)
    with pytest.raises(DatasetError, match=r"2 samples are 'faces photo 0.jpg'; name one"):
        corrected(correction(0, "mask"), table=faces)
    box = {"x0": "50", "y0": "0", "x1": "90", "y1": "40"}
    table, _ = corrected(correction(0, "mask", **box), table=faces)
    assert table["label"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (correction(9, "mask"), r"corrections, line 2: no sample 'faces photo 9.jpg'"),
        (correction(0, "masque"), r"corrections, line 2: unknown class name 'masque'"),
        (correction(0, "mask", who=" "), r"line 2: the label is changed, but who is empty"),
        (correction(0, "mask", when="", why=""), r"but when, why is empty"),
        (correction(0, "mask", when="yesterday"), r"when is 'yesterday'; expected a date"),
    ],
)
def test_a_wrong_line_is_refused(line: dict[str, str], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        corrected(line)


def test_lines_that_contradict_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"line 3: 'no_mask', but an earlier line .* 'mask'"):
        corrected(correction(0, "mask"), correction(0, "no_mask"))


def test_several_lists_correct_one_table_and_may_not_contradict() -> None:
    first, second = pd.DataFrame([correction(0, "mask")]), pd.DataFrame([correction(3, "no_mask")])
    lists = {Path("a.csv"): first, Path("b.csv"): second}
    table, applied = apply_lists(photo_table([0, 0, 1, 1]), lists)
    assert table["label"].tolist() == [1, 0, 1, 0]
    assert applied["row"].tolist() == [0, 3]
    lists[Path("c.csv")] = pd.DataFrame([correction(0, "no_mask")])
    with pytest.raises(DatasetError, match=r"c.csv: photo 0.jpg is corrected to .* in a.csv; keep"):
        apply_lists(photo_table([0, 0, 1, 1]), lists)


def test_missing_columns_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"missing the columns who, when, why"):
        apply_corrections(
            photo_table([0]), pd.DataFrame([{"source": "faces", "path": "a", "label": "mask"}])
        )


def test_a_file_is_read_with_its_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "suspects.csv"
    path.write_text(
        "source,path,label,quality,who,when,why\n"
        "faces,photo 0.jpg,no_mask,0.1,,,\n"
        'faces,photo 1.jpg,mask,0.2,me,2024-05-31T10:00,"a scarf,\nnot a beard"\n'
        "faces,photo 2.jpg,bad,0.2,,,\n",
        encoding="utf-8-sig",
    )
    lines = read_corrections(path)
    assert lines["line"].tolist() == ["2", "4", "5"]
    table, applied = apply_corrections(photo_table([0, 0, 1]), lines[:2])
    assert applied["why"].tolist() == ["a scarf,\nnot a beard"]
    assert table["label"].tolist() == [0, 1, 1]
    with pytest.raises(DatasetError, match=r"suspects.csv, line 5: unknown class name 'bad'"):
        apply_corrections(photo_table([0, 0, 1]), lines, where="suspects.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_table_that_the_photo_reader_takes_is_read(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    header = separator.join(("Source", "PATH", "label", "quality", "Who", "when", "why"))
    cells = ("faces", "photo 1.jpg", "mask", "0,2", "me", "2024-05-31", "a scarf; not a beard")
    line = separator.join(f'"{cell}"' for cell in cells)
    path = tmp_path / "edited.csv"
    path.write_text(f"{header}\r\n\r\n{line}\r\n", encoding, newline="")
    lines = read_corrections(path)
    assert lines["line"].tolist() == ["3"]
    table, applied = apply_corrections(photo_table([0, 0]), lines)
    assert table["label"].tolist() == [0, 1]
    assert applied["why"].tolist() == ["a scarf; not a beard"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"source,path,label\n",
            r"line 1: expected the columns .*; name the columns who, when and",
        ),
        (b"", r"expected .* source, path, label, who, when and why, found an empty file"),
        (b"source,path,label,who,when,why\nfaces,a,mask\n", r"line 2: it has more or fewer cells"),
        (b"source,path,label,who,when,why\nf,a,mask,w,h,y,more\n", r"more or fewer cells"),
        (b"source,path\n\xff\xfe,a\n", r"line 2: expected UTF-8 text, found byte"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "corrections.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_corrections(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read: No such file"):
        read_corrections(tmp_path / "none.csv")


def test_boxes_may_come_back_from_a_spreadsheet_as_decimals() -> None:
    boxes = {"x0": [0, 50], "y0": [0, 0], "x1": [40, 90], "y1": [40, 40]}
    faces = photo_table([0, 0], path="photo 0.jpg", **boxes)
    box = {"x0": "50.0", "y0": "0.0", "x1": "90.0", "y1": "40.0"}
    table, _ = corrected(correction(0, "mask", **box), table=faces)
    assert table["label"].tolist() == [0, 1]


def test_blanks_in_a_file_name_are_part_of_it() -> None:
    faces = photo_table([0, 0], path=["face.jpg", " face.jpg"])
    table, _ = corrected(correction(0, "mask", path=" face.jpg"), table=faces)
    assert table["label"].tolist() == [0, 1]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_lists_that_come_with_the_project_can_be_applied(path: Path) -> None:
    lines = read_corrections(path)
    assert set(lines["source"]) == {path.stem}
    after = [resolve_label(name) for name in lines["label"]]
    places = [name for name in ("source", "path", *BOX) if name in lines]
    faces = lines[places].assign(label=[MASK if label == NO_MASK else NO_MASK for label in after])
    table, applied = apply_corrections(faces, lines)
    assert table["label"].tolist() == after
    assert len(applied) == len(lines)
