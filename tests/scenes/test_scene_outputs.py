import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.scenes.example_detector import scene

from facecover.errors import ConfigError, OutputError
from facecover.images import PixelBudget
from facecover.photos import COPIES_NAME, FoundPhoto
from facecover.scenes.detection_outputs import PhotoOutputs
from facecover.scenes.detections import PhotoDetections
from facecover.scenes.detector import Detector
from facecover.scenes.drawing import annotated

CORNERS = (32, 64), (128, 96)
CLASSES = ("no_mask", "mask")
BUDGET = PixelBudget(10**7)


def seen(
    detector: Detector, *corners: tuple[int, int], inner: str = "sub/a.png", format: str = "PNG"
) -> PhotoDetections:
    stream = io.BytesIO()
    scene(*corners).save(stream, format, quality=95)
    return PhotoDetections(
        FoundPhoto(f"photos/{inner}", stream.getvalue(), inner), detector(stream.getvalue())
    )


def outputs(folder: Path, *kinds: str) -> PhotoOutputs:
    places = {kind: folder / kind for kind in kinds if kind in ("annotate", "crops")}
    formats = [kind for kind in kinds if kind not in places]
    write = (formats[0], folder / formats[0]) if formats else None
    return PhotoOutputs(places.get("annotate"), places.get("crops"), write, CLASSES)


def files_in(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != COPIES_NAME)
    return {path.relative_to(folder).as_posix() for path in files}


def test_faces_are_cut_by_answer(detector: Detector, tmp_path: Path) -> None:
    outputs(tmp_path, "crops").add(seen(detector, *CORNERS), BUDGET)
    mask, bare = "mask/sub__a-face", "no_mask/sub__a-face"
    found = files_in(tmp_path / "crops")
    assert {name[:-5] for name in found} == {mask, bare}
    for name in found:
        with Image.open(tmp_path / "crops" / name) as face:
            pixels = np.asarray(face)
        assert pixels.shape == (32, 32, 3)
        assert pixels.min() >= 140


@pytest.mark.parametrize(("format", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("BMP", ".png")])
def test_copies_are_marked_and_those_of_jpegs_are_jpegs(
    detector: Detector, tmp_path: Path, format: str, suffix: str
) -> None:
    outputs(tmp_path, "annotate").add(seen(detector, *CORNERS, format=format), BUDGET)
    (copy,) = (tmp_path / "annotate").glob("*__*")
    assert copy.name == f"sub__a{suffix}"
    with Image.open(copy) as marked:
        assert marked.width == 3 * 256


def test_nothing_is_overwritten_and_the_same_is_written_once(
    detector: Detector, tmp_path: Path
) -> None:
    (tmp_path / "annotate").mkdir()
    own = tmp_path / "annotate" / "sub__a.png"
    own.write_bytes(b"mine")
    for _ in range(2):
        outputs(tmp_path, "annotate", "crops").add(seen(detector, *CORNERS), BUDGET)
    assert own.read_bytes() == b"mine"
    assert files_in(tmp_path / "annotate") == {"sub__a.png", "sub__a-2.png"}
    assert len(files_in(tmp_path / "crops")) == 2


def test_a_photo_without_a_face_is_copied_and_cut_nowhere(
    detector: Detector, tmp_path: Path
) -> None:
    outputs(tmp_path, "annotate", "crops").add(seen(detector), BUDGET)
    assert files_in(tmp_path) == {"annotate/sub__a.png"}


def test_voc_says_where_the_faces_are(detector: Detector, tmp_path: Path) -> None:
    written = outputs(tmp_path, "voc")
    written.add(seen(detector, *CORNERS), BUDGET)
    written.close()
    assert files_in(tmp_path) == {"voc/images/sub__a.png", "voc/annotations/sub__a.xml"}
    root = ET.fromstring((tmp_path / "voc/annotations/sub__a.xml").read_text())  # noqa: S314
    assert [root.findtext(f"size/{key}") for key in ("width", "height")] == ["256", "160"]
    boxes = {
        face.findtext("name"): [int(edge.text or "") for edge in face.iter() if edge.tag[1:] in
                                ("min", "max")]
        for face in root.findall("object")
    }  # fmt: skip
    assert boxes == {"no_mask": [32, 64, 64, 96], "mask": [128, 96, 160, 128]}


def test_yolo_says_where_the_faces_are(detector: Detector, tmp_path: Path) -> None:
    written = outputs(tmp_path, "yolo")
    written.add(seen(detector, *CORNERS), BUDGET)
    written.add(seen(detector, inner="b.png"), BUDGET)
    written.close()
    images, labels = {"images/sub__a.png", "images/b.png"}, {"labels/sub__a.txt", "labels/b.txt"}
    assert files_in(tmp_path / "yolo") == images | labels | {"data.yaml"}
    lines = (tmp_path / "yolo/labels/sub__a.txt").read_text().splitlines()
    assert sorted(lines) == [
        "0 0.187500 0.500000 0.125000 0.200000",
        "1 0.562500 0.700000 0.125000 0.200000",
    ]
    assert (tmp_path / "yolo/labels/b.txt").read_text() == ""
    assert "  0: no_mask\n  1: mask\n" in (tmp_path / "yolo/data.yaml").read_text()


def test_coco_says_where_the_faces_are(detector: Detector, tmp_path: Path) -> None:
    written = outputs(tmp_path, "coco")
    written.add(seen(detector, *CORNERS), BUDGET)
    written.add(seen(detector, CORNERS[1], inner="b.png"), BUDGET)
    written.close()
    document = json.loads((tmp_path / "coco/annotations.json").read_text())
    names = {image["id"]: image["file_name"] for image in document["images"]}
    assert names == {1: "sub__a.png", 2: "b.png"}
    assert {image["file_name"] for image in document["images"]} == {
        path.name for path in (tmp_path / "coco/images").iterdir()
    }
    boxes = {(one["image_id"], one["category_id"]): one["bbox"] for one in document["annotations"]}
    assert boxes == {
        (1, 0): [32, 64, 32, 32],
        (1, 1): [128, 96, 32, 32],
        (2, 0): [128, 96, 32, 32],
    }


def test_photos_of_one_name_keep_apart_with_their_annotations(
    detector: Detector, tmp_path: Path
) -> None:
    written = outputs(tmp_path, "voc")
    for inner in ("a.png", "a.jpg", "A.png", "a", "stdin"):
        written.add(seen(detector, CORNERS[0], inner=inner), BUDGET)
    written.close()
    assert files_in(tmp_path / "voc/images") == {
        "a.png", "a-2.jpg", "A-3.png", "a-4.png", "stdin.png",
    }  # fmt: skip
    stems = {Path(name).stem for name in files_in(tmp_path / "voc/annotations")}
    assert stems == {Path(name).stem for name in files_in(tmp_path / "voc/images")}


def test_a_folder_that_holds_anything_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco" / "mine.txt").touch()
    with pytest.raises(OutputError, match="coco: expected an empty one, found other files"):
        outputs(tmp_path, "coco")
    with pytest.raises(ConfigError, match="expected one of voc, yolo, coco, found 'csv'"):
        outputs(tmp_path, "csv")
    (tmp_path / "crops").touch()
    with pytest.raises(ConfigError, match=r"crops: expected a folder, found a file"):
        outputs(tmp_path, "crops")


def test_marks_are_outside_the_face_and_of_its_colour(detector: Detector) -> None:
    image = scene(*CORNERS, size=(640, 480))
    found = detector(image)
    drawn = np.asarray(annotated(image, found.boxes, found.predictions))
    assert drawn.shape[0] > 480
    assert drawn.shape[1:] == (640, 3)
    inside = drawn[64 + 8 : 96 - 8, 32 + 8 : 64 - 8]
    np.testing.assert_array_equal(inside, np.asarray(image)[72:88, 40:56])
    assert tuple(drawn[64, 48]) == (0xD5, 0x5E, 0x00)
    assert tuple(drawn[96, 144]) == (0x00, 0x72, 0xB2)
    assert image.getpixel((32, 64)) == (255, 215, 190), "the picture itself is not drawn on"


@pytest.mark.parametrize("size", [(32, 32), (33, 4000), (3000, 40)])
def test_any_picture_can_be_marked(detector: Detector, size: tuple[int, int]) -> None:
    image = scene((0, 0), size=size)
    found = detector(image)
    drawn = annotated(image, found.boxes, found.predictions)
    assert min(drawn.size) >= min(size)
