"""The detector that ships in the package, where one does."""

import re

import numpy as np
import pytest
from PIL import Image

from facecover.drawn import draw_face
from facecover.errors import ModelFileError
from facecover.inference.model_file import PackagedModel, packaged_models
from facecover.scenes.detector import Detector
from facecover.scenes.detector_file import read_detector_file

each_detector = pytest.mark.parametrize(
    "model", packaged_models("faces"), ids=lambda model: model.name
)

MOST_BYTES = 1_100_000


@each_detector
def test_it_is_small_and_says_what_it_learned_from(model: PackagedModel) -> None:
    file = read_detector_file(model.path)
    assert len(file.data) <= MOST_BYTES
    assert file.info.parameters <= 300_000
    assert file.info.faces > file.info.photos > 1000
    assert 0 < file.info.threshold < 1


@each_detector
def test_a_photo_without_content_holds_no_face(model: PackagedModel) -> None:
    detector = Detector(model.path)
    grey = Image.new("RGB", (300, 200), (128, 128, 128))
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert [len(detector(image)) for image in (grey, noise)] == [0, 0]


@each_detector
def test_drawn_faces_are_found_where_they_were_put(model: PackagedModel) -> None:
    crowd = Image.new("RGB", (640, 480), (90, 110, 100))
    places = [(20 + 210 * column, 20 + 230 * row) for row in range(2) for column in range(3)]
    for number, place in enumerate(places):
        face = draw_face(np.random.default_rng(number), number % 2, (180, 210))
        crowd.paste(face, place)
    boxes = Detector(model.path)(crowd).boxes
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    hits = [
        any(np.all(np.abs(middle - (x + 90, y + 105)) < 80) for middle in middles)
        for x, y in places
    ]
    assert sum(hits) >= 4


@each_detector
def test_nothing_of_the_machine_that_made_it_is_in_the_file(model: PackagedModel) -> None:
    for path in (model.path, model.card):
        assert not re.search(rb"/(home|root|work|tmp|Users)/|[A-Z]:\\\\", path.read_bytes())


def test_without_a_detector_in_the_package_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from facecover.inference import model_file

    monkeypatch.setattr(model_file, "MODELS_FOLDER", tmp_path_factory.mktemp("none"))
    with pytest.raises(ModelFileError, match=r"expected faces\.onnx, which comes with the package"):
        read_detector_file()
