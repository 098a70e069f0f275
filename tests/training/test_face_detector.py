"""A detector: its network, its loss, its crops, and a run from drawn photos to a model file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from tests.preparation.scene_photos import write_scenes
from torch import Tensor

import facecover
from facecover import Run
from facecover.dataset.photo_dataset import PhotoDataset
from facecover.errors import ConfigError, DatasetError, OutputError
from facecover.scenes.detector_file import read_detector_file
from facecover.training.detector_config import CropConfig, DetectorConfig
from facecover.training.detector_export import detector_to_onnx, with_half_weights
from facecover.training.detector_loss import Targets, complete_iou, detection_loss, iou
from facecover.training.detector_network import STRIDES, Cells, FaceDetector, FromPhoto, cells
from facecover.training.experiments import load_any_experiment, load_experiment
from facecover.training.isolation import isolated
from facecover.training.photo_crops import PhotoCrops

TINY = DetectorConfig(channels=(4, 8, 8, 8, 8), blocks=(0, 1, 0, 0), neck=8)
SHORT = (
    "network.channels=[4, 8, 8, 8, 8]", "network.blocks=[0, 0, 0, 0]", "network.neck=8",
    "crops.crops=12", "crops.size_px=64", "crops.workers=0",
    "training.epochs=2", "training.batch_size=4", "optimizer.schedule=constant",
)  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> PhotoDataset:
    folder = tmp_path_factory.mktemp("photos")
    source = write_scenes(folder / "scenes", range(24))
    facecover.prepare([source], folder / "data", whole_photos=240)
    return PhotoDataset.open(folder / "data")


@pytest.fixture
def tiny() -> FaceDetector:
    with isolated():
        torch.manual_seed(0)
        return FaceDetector(TINY).eval()


def boxes_of(rows: Sequence[object]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)


def test_every_cell_has_a_box_around_its_middle(tiny: FaceDetector) -> None:
    for prediction in tiny.predictions:
        torch.nn.init.zeros_(prediction.weight)  # type: ignore[arg-type]
    found = cells(tiny(torch.zeros(1, 3, 64, 96, dtype=torch.uint8)))
    counts = [64 // stride * (96 // stride) for stride in STRIDES]
    assert found.logits.shape == (1, sum(counts))
    sides = (found.boxes[0, :, 2:] - found.boxes[0, :, :2])[[0, counts[0], sum(counts[:2])]]
    assert sides.tolist() == [[2 * stride, 2 * stride] for stride in STRIDES]
    middle = (found.boxes[0, :, 2:] + found.boxes[0, :, :2]) / 2
    torch.testing.assert_close(middle, found.centres)
    assert found.centres[:2].tolist() == [[4, 4], [12, 4]]  # rows of a photo, not columns


@pytest.fixture(scope="module")
def exported() -> tuple[FaceDetector, onnx.ModelProto]:
    """A detector and its graph; making one takes seconds."""
    with isolated():
        torch.manual_seed(0)
        wide = DetectorConfig(channels=(8, 16, 32, 32, 32), blocks=(0, 1, 0, 0), neck=32)
        network = FaceDetector(wide).eval()
        return network, detector_to_onnx(network)


@pytest.mark.parametrize("size", [(32, 32), (64, 160), (96, 32)])
def test_the_file_answers_as_the_network_at_any_size(
    exported: tuple[FaceDetector, onnx.ModelProto], size: tuple[int, int]
) -> None:
    network, model = exported
    halved = with_half_weights(model)
    assert halved.ByteSize() < 0.7 * model.ByteSize()
    image = np.random.default_rng(1).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected_boxes, expected_scores = FromPhoto(network)(torch.from_numpy(image))
    for one, tolerance in ((model, 1e-4), (halved, 1e-2)):
        session = ort.InferenceSession(one.SerializeToString())
        boxes, scores = session.run(["boxes", "scores"], {"images": image})
        np.testing.assert_allclose(boxes, expected_boxes, atol=100 * tolerance)
        np.testing.assert_allclose(scores, expected_scores, atol=tolerance)


def test_overlap_of_boxes_by_hand() -> None:
    square = boxes_of([[0, 0, 10, 10]])
    others = boxes_of([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]])
    assert iou(square, others).tolist() == pytest.approx([1, 1 / 3, 0, 0])
    complete = complete_iou(square.expand(3, 4), others[:3])
    # The middles are 5 apart in a box of 15 x 10 around both; shapes agree.
    assert complete[:2].tolist() == pytest.approx([1, 1 / 3 - 25 / (225 + 100)])
    assert complete[2] < 0


def cells_with(boxes: Tensor, logits: Tensor, middles: Tensor) -> Cells:
    return Cells(logits[None], boxes[None], middles)


def test_a_right_answer_costs_next_to_nothing_and_a_wrong_one_more() -> None:
    face = boxes_of([[[0, 0, 40, 40]]])
    nowhere = torch.zeros(1, 1, 4)
    middles = boxes_of([[20, 20], [100, 100]])
    boxes = boxes_of([[0, 0, 40, 40], [80, 80, 120, 120]])
    right = cells_with(boxes, boxes_of([9, -9]), middles)
    missed = cells_with(boxes, boxes_of([-9, -9]), middles)
    alarm = cells_with(boxes, boxes_of([9, 9]), middles)
    targets = Targets(face, nowhere)
    costs = [float(detection_loss(one, targets).total) for one in (right, missed, alarm)]
    assert costs[0] < 0.01 < min(costs[1:])
    ignored = Targets(face, boxes_of([[[80, 80, 120, 120]]]))
    assert float(detection_loss(alarm, ignored).total) == pytest.approx(costs[0])


def test_a_cell_that_two_faces_want_learns_the_one_that_it_fits() -> None:
    faces = boxes_of([[[0, 0, 40, 40], [4, 4, 60, 60]]])
    boxes = boxes_of([[0, 0, 40, 40]])
    found = cells_with(boxes, boxes_of([0.0]), boxes_of([[20, 20]]))
    assert float(detection_loss(found, Targets(faces, torch.zeros(1, 1, 4))).box) == pytest.approx(
        0
    )


def test_crops_depend_on_seed_and_number_and_carry_the_faces(photos: PhotoDataset) -> None:
    train = photos.photos_of("train")
    config = CropConfig(crops=8, size_px=128, tiled=0.5)
    crops, again = (PhotoCrops(photos, train, config, 3) for _ in range(2))
    other = PhotoCrops(photos, train, config, 4)
    n_faces = 0
    for number in range(8):
        crop, same = crops[number], again[number]
        assert all(torch.equal(a, b) for a, b in zip(crop, same, strict=True))
        assert not torch.equal(crop.images, other[number].images)
        assert crop.images.shape == (3, 128, 128)
        for boxes in (crop.faces, crop.ignored):
            there = boxes[boxes.any(dim=1)]
            assert bool((there >= 0).all() and (there <= 128).all())
            assert bool((there[:, 2:] > there[:, :2]).all())
        n_faces += int(crop.faces.any(dim=1).sum())
    assert n_faces >= 4


def test_a_crop_shows_its_face_where_the_box_is(photos: PhotoDataset) -> None:
    """The same face cut from crop and photo looks alike."""
    config = CropConfig(crops=40, size_px=160, tiled=0, light=0, flip=0, aspect=0, on_face=1)
    crops = PhotoCrops(photos, photos.photos_of("train"), config, 0)
    apart = []
    for number in range(20):
        crop = crops[number]
        (face, *_) = crop.faces[crop.faces.any(dim=1)].int().tolist()
        x0, y0, x1, y1 = face
        inside = crop.images[:, y0:y1, x0:x1].float()
        # A drawn face is smooth, the wall around it has blocks of any colour: its middle is skin
        # or cloth, alike over a few pixels.
        height, width = inside.shape[1:]
        middle = inside[:, height // 3 : height // 2, width // 3 : width // 2]
        apart.append(float(middle.std(dim=(1, 2)).mean()))
    assert np.median(apart) < 40


@pytest.fixture(scope="module")
def run(photos: PhotoDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return facecover.train("faces", photos.folder, folder, settings=SHORT)


def test_a_run_ends_in_a_file_that_finds_faces(run: Run, photos: PhotoDataset) -> None:
    info = read_detector_file(run.files.model).info
    assert (info.name, info.task, info.photos) == ("faces", "faces", len(photos.photos_of("train")))
    assert list(run.curves["epoch"]) == [1, 2]
    assert {"train_loss", "val_loss", "val_box_loss"} <= set(run.curves)
    found = facecover.Detector(run.files.model)(photos[0].image)
    assert found.boxes.shape[1] == 4


def test_a_run_in_two_parts_is_the_run_in_one(
    run: Run, photos: PhotoDataset, tmp_path: Path
) -> None:
    parts = tmp_path / "parts"
    facecover.train("faces", photos.folder, parts, settings=(*SHORT, "training.epochs=1"))
    again = facecover.train("faces", photos.folder, parts, settings=SHORT, resume=True)
    shas = [read_detector_file(one.files.model).info.weights_sha256 for one in (run, again)]
    assert shas[0] == shas[1]


def test_what_does_not_fit_is_refused(run: Run, photos: PhotoDataset, tmp_path: Path) -> None:
    few = [*SHORT, "network.budget=1000"]
    with pytest.raises(ConfigError, match="at most 1,000 parameters"):
        facecover.train("faces", photos.folder, tmp_path / "a", settings=few)
    with pytest.raises(ConfigError, match="expected an experiment of a classifier"):
        load_experiment("faces")
    with pytest.raises(ConfigError, match="did you mean 'crops"):
        load_any_experiment("faces", ["crops.crop=3"])
    with pytest.raises(OutputError, match="--resume"):
        facecover.train("faces", photos.folder, run.folder, settings=SHORT)
    with pytest.raises(DatasetError, match="expected a dataset of faces"):
        facecover.train("net1", photos.folder, run.folder, resume=True)
