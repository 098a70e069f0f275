import io
import json
import math
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from facecover.drawn.drawn_dataset import DRAWING_VERSION, MARKER_NAME, draw_dataset, draw_face
from facecover.drawn.scene import draw_jpeg_quality, draw_pose, draw_size
from facecover.drawn.sketch import Random
from facecover.errors import ConfigError, LabelError, OutputError
from facecover.images import read_photo, resized
from facecover.sources.reading import read_sources

Floats = npt.NDArray[np.float64]


def generator(*numbers: int) -> Random:
    return Random(np.random.PCG64(numbers))


def pixels(state: int, label: int) -> bytes:
    return draw_face(generator(state), label).tobytes()


def bytes_by_name(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("label", [0, 1])
def test_the_same_state_draws_the_same_picture_and_another_another(label: int) -> None:
    assert pixels(0, label) == pixels(0, label)
    assert len({pixels(state, label) for state in range(6)}) == 6


# Size, mean and standard deviation; edges may be drawn a little otherwise by another Pillow.
DRAWN = (
    ((119, 134), 94.5, 41.9), ((147, 146), 138.2, 58.7), ((116, 138), 189.4, 62.5),
    ((201, 311), 111.9, 40.6), ((84, 95), 137.1, 76.4), ((67, 89), 128.5, 56.8),
    ((201, 176), 85.9, 38.6), ((119, 127), 95.9, 61.3),
)  # fmt: skip


def test_a_state_draws_what_it_drew_unless_the_version_counts_up() -> None:
    assert DRAWING_VERSION == 1
    for state, (size, mean, spread) in enumerate(DRAWN):
        face = draw_face(generator(state), state % 2)
        assert face.size == size
        found = np.asarray(face, dtype=np.float64)
        assert (found.mean(), found.std()) == pytest.approx((mean, spread), abs=0.5)


def test_the_label_shows() -> None:
    assert all(pixels(state, 0) != pixels(state, 1) for state in range(6))


def test_size_and_framing_are_drawn_before_the_label_has_a_say() -> None:
    for state in range(25):
        bare, covered = (draw_face(generator(state), label) for label in (0, 1))
        assert bare.mode == covered.mode == "RGB"
        assert bare.size == covered.size


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (33, 32), (500, 300)])
def test_a_given_size_is_kept(size: tuple[int, int]) -> None:
    for state in range(4):
        assert draw_face(generator(state), state % 2, size).size == size


def test_sizes_are_those_of_the_study() -> None:
    rng = generator(0)
    sides = np.array([draw_size(rng) for _ in range(4000)])
    assert (sides.min(axis=1) > 32).mean() > 0.95
    assert (sides.max(axis=1) < 128).mean() == pytest.approx(0.5, abs=0.03)
    assert sides.max() <= 400
    aspect = sides[:, 0] / sides[:, 1]
    assert (aspect < 0.85).mean() > 0.15
    assert (aspect > 1.05).mean() > 0.05


def test_heads_tilt_and_turn_to_forty_degrees_and_keep_the_mouth_in_the_picture() -> None:
    rng = generator(1)
    rolls, yaws = [], []
    for _ in range(1500):
        size = draw_size(rng)
        pose = draw_pose(size, rng)
        x, y = pose.place(0.0, 0.85, 0.8)
        assert 0 < x < size[0]
        assert 0 < y < size[1]
        rolls.append(abs(math.degrees(pose.roll)))
        yaws.append(abs(math.degrees(pose.yaw)))
    assert max(rolls) <= 40
    for angles in (rolls, yaws):
        assert 35 < max(angles) < 45
        assert 2 < np.median(angles) < 20


def test_the_global_random_state_is_left_alone() -> None:
    before = random.getstate(), repr(np.random.get_state(legacy=False))  # noqa: NPY002
    draw_face(generator(3), 1)
    assert (random.getstate(), repr(np.random.get_state(legacy=False))) == before  # noqa: NPY002


def test_the_callers_generator_draws_on() -> None:
    """A plain one gives the same picture, and its next numbers follow on."""
    ours, plain = generator(5), np.random.default_rng((5,))
    assert draw_face(ours, 1) == draw_face(plain, 1)
    assert ours.random() == plain.random()


@pytest.mark.parametrize("label", [-1, 2])
def test_other_labels_are_refused(label: int) -> None:
    with pytest.raises(LabelError, match=f"label {label}: expected 0 or 1"):
        draw_face(generator(0), label)


def test_an_empty_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="size 0 x 40: expected 1 pixel or more"):
        draw_face(generator(0), 0, (0, 40))


def test_a_dataset_has_the_shape_of_the_study(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    steps: list[int] = []
    draw_dataset(folder, 30, 10, 0, steps.append)
    assert sum(steps) == 40
    (source,) = read_sources([folder])
    assert source.layout == "file-names"
    assert source.drops == ()
    for split, count in (("train", 30), ("test", 10)):
        rows = [row for row in source.rows if row.split == split]
        assert {row.path for row in rows} == set((folder / split).iterdir())
        ids = [int(row.path.name.removesuffix(f"_{row.label}.jpg")) for row in rows]
        assert sorted(ids) == list(range(count))
    assert {row.label for row in source.rows} == {0, 1}
    assert all(read_photo(row.path).format == "JPEG" for row in source.rows)
    facts = json.loads((folder / MARKER_NAME).read_text())
    assert facts == {"version": DRAWING_VERSION, "seed": 0, "train": 30, "test": 10}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        draw_dataset(tmp_path / name, 4, 2, seed)
    first, again, other = (bytes_by_name(tmp_path / name) for name in "abc")
    assert first == again
    assert not set(first.values()) & set(other.values())


def test_a_photo_does_not_depend_on_how_many_are_drawn(tmp_path: Path) -> None:
    draw_dataset(tmp_path / "few", 2, 1, 5)
    draw_dataset(tmp_path / "many", 6, 4, 5)
    few, many = bytes_by_name(tmp_path / "few"), bytes_by_name(tmp_path / "many")
    del few[MARKER_NAME]
    assert few.items() < many.items()
    assert len(set(many.values())) == len(many)


def test_its_own_folder_is_replaced_and_another_left_alone(tmp_path: Path) -> None:
    draw_dataset(tmp_path, 5, 2, 0)
    draw_dataset(tmp_path, 1, 1, 0)
    assert len(list((tmp_path / "train").iterdir())) == 1
    (tmp_path / MARKER_NAME).unlink()
    before = bytes_by_name(tmp_path)
    with pytest.raises(OutputError, match="found other files"):
        draw_dataset(tmp_path, 1, 1, 0)
    assert bytes_by_name(tmp_path) == before


@pytest.mark.parametrize(
    ("counts", "seed", "message"),
    [
        ((0, 5), 0, "training photos: expected 1 or more, found 0"),
        ((5, -2), 0, "test photos: expected 1 or more, found -2"),
        ((5, 5), -1, "seed: expected 0 or more, found -1"),
    ],
)
def test_bad_numbers_are_refused(
    tmp_path: Path, counts: tuple[int, int], seed: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        draw_dataset(tmp_path / "photos", *counts, seed)
    assert not (tmp_path / "photos").exists()


def sample(count: int, split: int) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Pixels ``(N, 3072)``, size, mean colour and file size ``(N, 6)``, and labels, seeded."""
    images, facts = np.empty((count, 3072)), np.empty((count, 6))
    labels = generator(9, split).integers(0, 2, count)
    for index, label in enumerate(labels.tolist()):
        rng = generator(9, split, index)
        stream = io.BytesIO()
        draw_face(rng, label).save(stream, "JPEG", quality=draw_jpeg_quality(rng))
        with Image.open(stream) as photo:
            small = resized(photo, 32)
            facts[index] = *photo.size, *small.mean(axis=(0, 1)), len(stream.getvalue())
        images[index] = small.ravel()
    return images, facts, labels


@pytest.mark.slow
def test_neither_colour_nor_size_nor_the_mean_face_gives_the_label_away() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, facts, labels = sample(1500, 0)
    test_images, test_facts, test_labels = sample(750, 1)

    def accuracy(model: object, inputs: Floats, test_inputs: Floats) -> float:
        pipeline = make_pipeline(StandardScaler(), model)
        return float(pipeline.fit(inputs, labels).score(test_inputs, test_labels))

    for strength in (1e-4, 1e-3):
        linear = LogisticRegression(C=strength, max_iter=2000)
        assert accuracy(linear, images, test_images) < 0.78  # found 0.70 and 0.74
    assert accuracy(NearestCentroid(), images, test_images) < 0.7
    assert accuracy(LogisticRegression(), facts, test_facts) < 0.6
    assert accuracy(LogisticRegression(), facts[:, :2], test_facts[:, :2]) < 0.55
