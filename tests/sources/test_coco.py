import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.sources.annotated import picture, put, reasons

from facecover.errors import FacecoverError, LabelError
from facecover.labels import Box
from facecover.sources.reading import ReadOptions, read_source
from facecover.sources.rows import Source

CATEGORIES = [{"id": 0, "name": "faces"}, {"id": 1, "name": "mask"}, {"id": 2, "name": "no-mask"}]


def face(image_id: object, bbox: object, category_id: object = 1, **more: object) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, **more}


def instances(
    names: list[str], *faces: dict[str, Any], size: tuple[object, object] = (40, 20)
) -> dict[str, Any]:
    images = [
        {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        for number, name in enumerate(names, 1)
    ]
    return {"info": {}, "categories": CATEGORIES, "images": images, "annotations": [*faces]}


def read(root: Path, *maps: tuple[str, str]) -> Source:
    return read_source(root, "scenes", ReadOptions(mapping=dict(maps)))


def boxes_of(root: Path, *faces: dict[str, Any], size: tuple[object, object] = (40, 20)) -> Source:
    picture(root / "1.jpg")
    picture(root / "2.jpg")
    document = instances(["1.jpg", "2.jpg"], *faces, face(2, [0, 0, 9, 9]), size=size)
    put(root / "_annotations.coco.json", json.dumps(document))
    return read(root)


@pytest.mark.parametrize(
    ("images", "files"),
    [
        ("{}", "{}/_annotations.coco.json"),
        ("images/{}", "annotations/instances_{}2017.json"),
        ("{}2017", "annotations/instances_{}2017.json"),
        ("", "annotations/{}.json"),
    ],
)
def test_faces_are_found_wherever_the_files_lie(tmp_path: Path, images: str, files: str) -> None:
    for split in ("train", "valid", "test"):
        # The same names in each folder, where each split has one.
        names = [f"{split}1.jpg", f"{split}2.jpg"] if not images else ["1.jpg", "2.jpg"]
        for name in names:
            picture(tmp_path / images.format(split) / name)
        faces = [face(n, [2, 3, 10, 8], n) for n in (1, 2)]
        put(tmp_path / files.format(split), json.dumps(instances(names, *faces)))
    put(tmp_path / "annotations" / "captions_train.json", '{"images": [], "annotations": []}')
    source = read(tmp_path)
    assert source.layout == "coco"
    assert {row.split for row in source.rows} == {"train", "val", "test"}
    assert {(row.label, row.box) for row in source.rows} == {
        (1, Box(2, 3, 12, 11)),
        (0, Box(2, 3, 12, 11)),
    }
    assert len(source.rows) == 6
    assert len({row.group for row in source.rows}) == 6
    expected = {("captions_train.json", "broken annotation"): 1}
    assert reasons(source) == expected


def test_file_names_with_folders_and_ids_that_are_text(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        picture(tmp_path / folder / "1.jpg")
    document = instances([], face("x", [0, 0, 9, 9]), face(7.0, [1, 1, 9, 9], "2"))
    document["images"] = [
        {"id": "x", "file_name": "b\\1.jpg"},
        {"id": 7.0, "file_name": "C:/data/a/1.jpg"},
    ]
    put(tmp_path / "labels.json", b"\xef\xbb\xbf" + json.dumps(document).encode())
    rows = read(tmp_path).rows
    assert [(row.path.parent.name, row.label) for row in rows] == [("b", 1), ("a", 0)]


@pytest.mark.parametrize(
    ("given", "box"),
    [
        (face(1, [1.4, 2.6, 10, 9]), Box(1, 3, 11, 12)),
        (face(1, ["1", 2, 10, 9]), Box(1, 2, 11, 11)),
        (face(1, [-3, 0, 12, 9]), Box(0, 0, 9, 9)),
        (face(1, [9, 7, -4, -5]), Box(5, 2, 9, 7)),
        (face(1, [], segmentation=[[1, 2, 11, 2, 6, 12]]), Box(1, 2, 11, 12)),
        (face(1, None, segmentation=[[1, 2, 3, 2, 3, 4], [30, 2, 31, 9, 29, 3]]), Box(1, 2, 31, 9)),
    ],
)
def test_boxes_and_polygons_are_clipped_and_sorted(
    tmp_path: Path, given: dict[str, Any], box: Box
) -> None:
    source = boxes_of(tmp_path, given)
    assert [row.box for row in source.rows] == [box, Box(0, 0, 9, 9)]
    assert not source.drops


@pytest.mark.parametrize(
    ("given", "name", "reason"),
    [
        (face(1, [0, 0, 0, 9]), "1.jpg", "empty box"),
        (face(1, [38, 0, 9, 9]), "1.jpg", "box outside its picture"),
        (face(1, [0, 0, 9]), "1.jpg", "broken box"),
        (face(1, [0, 0, "wide", 9]), "1.jpg", "broken box"),
        (face(1, {"x": 0}), "1.jpg", "broken box"),
        (face(1, 3), "1.jpg", "broken box"),
        (face(1, None), "1.jpg", "broken box"),
        (face(1, None, segmentation={"counts": "abc", "size": [20, 40]}), "1.jpg", "broken box"),
        (face(1, None, segmentation=[[1, 2, 3, "4", 5, 6]]), "1.jpg", "broken box"),
        (face(1, [0, 0, 9, 9], iscrowd=1), "1.jpg", "no box"),
        (face(1, [0, 0, 9, 9], 9), "1.jpg", "no label"),
        (face(3, [0, 0, 9, 9]), "_annotations.coco.json", "no picture"),
        ({"bbox": [0, 0, 9, 9]}, "_annotations.coco.json", "broken box"),
        ({"image_id": 1}, "1.jpg", "broken box"),
    ],
)
def test_a_wrong_face_is_listed_and_its_neighbour_kept(
    tmp_path: Path, given: dict[str, Any], name: str, reason: str
) -> None:
    source = boxes_of(tmp_path, given, face(1, [0, 0, 9, 9]))
    assert [row.path.name for row in source.rows] == ["1.jpg", "2.jpg"]
    assert reasons(source) == {(name, reason): 1}
    assert "annotation 1: " in source.drops[0].detail


def test_boxes_follow_pictures_that_were_scaled_or_turned(tmp_path: Path) -> None:
    source = boxes_of(tmp_path, face(1, [8, 4, 40, 20]), size=(80, 40))
    assert source.rows[0].box == Box(4, 2, 24, 12)
    picture(tmp_path / "1.jpg", orientation=6)
    picture(tmp_path / "2.jpg", orientation=6)  # annotated as stored
    assert read(tmp_path).rows[0].box == Box(8, 4, 18, 24)


def test_what_has_no_counterpart_is_listed(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        picture(tmp_path / f"{number}.jpg")
    names = ["1.jpg", "2.jpg", "9.jpg"]
    document = instances(names, face(1, [0, 0, 9, 9]), face(3, [0, 0, 9, 9]))
    put(tmp_path / "_annotations.coco.json", json.dumps(document))
    assert reasons(read(tmp_path)) == {
        ("2.jpg", "no box"): 1,
        ("_annotations.coco.json", "no picture"): 1,
        ("3.jpg", "no annotation"): 1,
    }


def test_a_picture_of_two_splits_is_kept_in_the_first(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    for split in ("train", "val"):
        document = instances(["1.jpg"], face(1, [0, 0, 9, 9]))
        put(tmp_path / "annotations" / f"{split}.json", json.dumps(document))
    source = read(tmp_path)
    assert [row.split for row in source.rows] == ["train"]
    assert reasons(source) == {("val.json", "conflicting splits"): 1}


def test_names_and_maps_are_those_of_every_layout(tmp_path: Path) -> None:
    person = {"id": 3, "name": "person"}
    picture(tmp_path / "1.jpg")
    document = instances(["1.jpg"], face(1, [0, 0, 9, 9]), face(1, [9, 0, 9, 9], 3))
    document["categories"] = [*CATEGORIES, person]
    put(tmp_path / "all.json", json.dumps(document))
    with pytest.raises(LabelError, match=r"all\.json, annotation 2: unknown class name 'person'"):
        read(tmp_path)
    source = read(tmp_path, ("person", "ignore"))
    assert len(source.rows) == 1
    assert reasons(source) == {("1.jpg", "name mapped to ignore"): 1}


@pytest.mark.parametrize("content", [b"", b"{", b'{"images": 3}', b'{"images": [{}]}', b"\xff"])
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    picture(tmp_path / "train" / "1.jpg")
    picture(tmp_path / "test" / "1.jpg")
    document = instances(["1.jpg"], face(1, [0, 0, 9, 9]))
    put(tmp_path / "train" / "_annotations.coco.json", json.dumps(document))
    put(tmp_path / "test" / "_annotations.coco.json", content)
    source = read_source(tmp_path, "s", ReadOptions(layouts={"": "coco"}))
    assert [row.split for row in source.rows] == ["train"]
    listed = {("_annotations.coco.json", "broken annotation"), ("1.jpg", "no annotation")}
    assert set(reasons(source)) == listed
    assert len(source.drops[0].detail.splitlines()) == 1


def test_other_json_beside_photos_makes_no_layout(tmp_path: Path) -> None:
    picture(tmp_path / "mask" / "1.jpg")
    picture(tmp_path / "no_mask" / "2.jpg")
    put(tmp_path / "package.json", '{"images": ["a.png"]}')
    put(tmp_path / "labels.json", '[{"image": "1.jpg", "annotations": []}]')
    assert read(tmp_path).layout == "class-folders"


BIG = "a number of 5,000 digits"

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3),
    st.lists(st.one_of(st.none(), st.floats(), st.integers(-9, 50), st.text(max_size=2))),
)  # fmt: skip


@pytest.mark.fuzz
@given(
    annotations=st.one_of(
        ODD,
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "image_id": st.one_of(st.just(1), ODD),
                    "category_id": st.one_of(st.just(1), ODD),
                    "bbox": ODD,
                    "segmentation": st.one_of(ODD, st.lists(ODD)),
                    "iscrowd": ODD,
                },
            )
        ),
    ),
    cut=st.integers(0, 400),
)
@example(annotations=[face(1, [BIG, 0, 1, 1])], cut=0)
@example(annotations=[face(1, [1e308, 1e308, 1e308, 1])], cut=0)
@example(annotations=[face(1, None, segmentation=[[10**400] * 6])], cut=0)
def test_whatever_stands_in_the_file_every_photo_is_accounted_for(
    annotations: object, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("coco")
    picture(root / "a" / "1.jpg")
    picture(root / "b" / "2.jpg")
    put(root / "b" / "b.json", json.dumps(instances(["2.jpg"], face(1, [0, 0, 9, 9]))))
    text = _json(instances(["1.jpg"]) | {"annotations": annotations})
    put(root / "a" / "a.json", text[: len(text) - cut].encode("utf-8", "surrogatepass"))
    with suppress(FacecoverError):
        source = read_source(root, "s", ReadOptions(layouts={"": "coco"}))
        found = {row.path.stem for row in source.rows} | {drop.path.stem for drop in source.drops}
        assert found >= {"1", "2"}
        assert all(len(drop.detail.splitlines()) == 1 for drop in source.drops)


def _json(document: object) -> str:
    return json.dumps(document).replace(f'"{BIG}"', "1" * 5000)
