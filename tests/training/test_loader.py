import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.training.small_dataset import SIZE_PX, TWO_SPLITS, write_dataset

from facecover.dataset.arrays import Dataset, wide_name
from facecover.errors import DatasetError
from facecover.training.data_loader import BatchOrder, load_split


def _positions(order: BatchOrder, epoch: int) -> list[list[int]]:
    order.set_epoch(epoch)
    return [batch.tolist() for batch in order]


@pytest.mark.parametrize("batch_size", [1, 7, 48, 100])
def test_an_epoch_is_the_split_once(dataset: Dataset, batch_size: int) -> None:
    batches = list(load_split(dataset, "train", SIZE_PX, batch_size, seed=0))
    assert {len(labels) for _, labels, _ in batches[:-1]} <= {batch_size}
    rows = dataset.rows_of("train")
    # Noise is never the same twice, so an image's bytes are its name.
    served = {
        image.permute(1, 2, 0).numpy().tobytes(): int(label)
        for images, labels, _ in batches
        for image, label in zip(images, labels, strict=True)
    }
    kept = dataset.images(SIZE_PX)
    assert served == {kept[row].tobytes(): int(dataset.labels[row]) for row in rows}
    assert sum(len(batch.labels) for batch in batches) == len(rows)


def test_several_splits_are_served_as_one(dataset: Dataset) -> None:
    batches = list(load_split(dataset, ("train", "test"), SIZE_PX, 7, seed=0))
    images = torch.cat([batch.images for batch in batches]).permute(0, 2, 3, 1).numpy()
    rows = np.sort(np.concatenate([dataset.rows_of("train"), dataset.rows_of("test")]))
    np.testing.assert_array_equal(dataset.rows_of("test", "train"), rows)
    expected = dataset.images(SIZE_PX)[rows]
    assert sorted(image.tobytes() for image in images) == sorted(one.tobytes() for one in expected)


def test_unshuffled_batches_are_the_arrays(dataset: Dataset) -> None:
    batches = list(load_split(dataset, "val", SIZE_PX, 5))
    images = torch.cat([batch.images for batch in batches]).permute(0, 2, 3, 1)
    rows = dataset.rows_of("val")
    np.testing.assert_array_equal(images.numpy(), dataset.images(SIZE_PX)[rows])
    labels = torch.cat([batch.labels for batch in batches])
    np.testing.assert_array_equal(labels.numpy(), dataset.labels[rows])


def test_batches_are_pixels_with_channels_last(dataset: Dataset) -> None:
    images, labels, places = next(iter(load_split(dataset, "train", SIZE_PX, 5, seed=3)))
    assert images.shape == (5, 3, SIZE_PX, SIZE_PX)
    assert (images.dtype, labels.dtype, places.dtype) == (torch.uint8, torch.int64, torch.float32)
    assert places.shape == (5, 4)
    assert places.isnan().all()
    assert images.is_contiguous(memory_format=torch.channels_last)


@given(
    st.integers(1, 200),
    st.integers(1, 64),
    st.integers(0, 2**32 - 1),
    st.integers(0, 10_000),
)
def test_the_order_depends_on_seed_and_epoch_alone(
    n: int, batch_size: int, seed: int, epoch: int
) -> None:
    order = BatchOrder(n, batch_size, seed)
    np.random.seed(epoch)  # noqa: NPY002  (the global state must not matter)
    found = _positions(order, epoch)
    assert found == _positions(BatchOrder(n, batch_size, seed), epoch)
    assert sorted(itertools.chain(*found)) == list(range(n))
    assert len(order) == len(found)
    # Batch normalisation cannot learn from one image.
    assert min(map(len, found)) > 1 or batch_size == 1 or n == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_every_epoch_and_seed_has_its_own_order(seed: int) -> None:
    order = BatchOrder(100, 100, seed)
    assert _positions(order, 0) != _positions(order, 1)
    assert _positions(order, 0) != _positions(BatchOrder(100, 100, seed + 1), 0)


def test_a_size_that_was_not_kept_is_refused(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="expected images of 48 x 48, found 16"):
        load_split(dataset, "train", 48, 5)


@pytest.mark.parametrize(("batch_size", "times"), [(1, 1), (7, 1), (7, 2), (200, 3)])
def test_wide_cuts_come_so_many_times_an_epoch_with_the_label_of_their_face(
    tmp_path: Path, batch_size: int, times: int
) -> None:
    dataset = write_dataset(tmp_path / "d", TWO_SPLITS, wide_cuts=30)
    batches = list(load_split(dataset, "train", SIZE_PX, batch_size, seed=0, wide_cuts=times))
    images = torch.cat([batch.images for batch in batches]).permute(0, 2, 3, 1).numpy()
    labels = torch.cat([batch.labels for batch in batches]).numpy()
    is_wide = (images == images[:, :1, :1, :1]).all(axis=(1, 2, 3))
    # The first 24 are bare, and all 30 in the training split of 48.
    once = [2 * row + 1 for row in range(30)]
    assert sorted(images[is_wide, 0, 0, 0].tolist()) == sorted(once * times)
    assert labels[is_wide].tolist() == (images[is_wide, 0, 0, 0] > 48).astype(int).tolist()
    assert len(images) == 48 + 30 * times
    faces = {image.tobytes() for image in images[~is_wide]}
    assert faces == {image.tobytes() for image in dataset.images(SIZE_PX)[:48]}
    assert batches[0].images.is_contiguous(memory_format=torch.channels_last)
    # A face that has a wide cut came as a box, which it fills.
    places = torch.cat([batch.places for batch in batches]).numpy()
    first_30 = {image.tobytes() for image in dataset.images(SIZE_PX)[:30]}
    fills = (places == [0, 0, 1, 1]).all(axis=1)
    assert {image.tobytes() for image in images[fills]} == first_30
    np.testing.assert_array_equal(
        places[is_wide], np.full((30 * times, 4), [0.25, 0.25, 0.75, 0.75])
    )
    assert np.isnan(places[~fills & ~is_wide]).all()


@pytest.mark.parametrize("wide_cuts", [0, 2])
@pytest.mark.parametrize("seed", [None, 0])
def test_images_kept_on_a_device_make_the_same_batches(
    tmp_path: Path, seed: int | None, wide_cuts: int
) -> None:
    dataset = write_dataset(tmp_path / "d", TWO_SPLITS, wide_cuts=30)
    read, resident = (
        load_split(dataset, "train", SIZE_PX, 7, seed=seed, wide_cuts=wide_cuts, resident_on=device)
        for device in (None, torch.device("cpu"))
    )
    for batch, same in zip(read, resident, strict=True):
        for one, other in zip(batch, same, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
        assert same.images.is_contiguous(memory_format=torch.channels_last)


def test_wide_cuts_of_another_split_and_without_being_asked_for_stay_away(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", TWO_SPLITS, wide_cuts=50)
    assert len(load_split(dataset, "train", SIZE_PX, 1)) == 48
    assert len(load_split(dataset, "train", SIZE_PX, 1, wide_cuts=1)) == 96
    assert len(load_split(dataset, "val", SIZE_PX, 1, wide_cuts=1)) == 18


def test_wide_cuts_of_which_nobody_knows_the_place_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", TWO_SPLITS, wide_cuts=9)
    dataset.manifest.table["wide_x0"] = pd.array([None] * len(dataset), dtype="Int32")
    with pytest.raises(DatasetError, match=r"d: expected to know where.*run prepare again"):
        load_split(dataset, "train", SIZE_PX, 5, wide_cuts=1)
    assert len(load_split(dataset, "train", SIZE_PX, 1)) == 48


def test_a_lost_or_short_file_of_wide_cuts_is_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", TWO_SPLITS, wide_cuts=9)
    path = dataset.folder / wide_name(SIZE_PX)
    np.save(path, np.load(path)[:17])
    with pytest.raises(DatasetError, match=r"expected uint8 \(18, 16, 16, 3\), found uint8 \(17"):
        load_split(dataset, "train", SIZE_PX, 5, wide_cuts=1)
    path.unlink()
    with pytest.raises(DatasetError, match=r"cannot be read.*run prepare again"):
        load_split(dataset, "train", SIZE_PX, 5, wide_cuts=1)
