import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.training.small_dataset import SIZE_PX

from facemask.data.arrays import Dataset
from facemask.errors import DatasetError
from facemask.training.loader import BatchOrder, load_split


def _positions(order: BatchOrder, epoch: int) -> list[list[int]]:
    order.set_epoch(epoch)
    return [batch.tolist() for batch in order]


@pytest.mark.parametrize("batch_size", [1, 7, 48, 100])
def test_an_epoch_is_the_split_once(dataset: Dataset, batch_size: int) -> None:
    batches = list(load_split(dataset, "train", SIZE_PX, batch_size, seed=0))
    assert {len(labels) for _, labels in batches[:-1]} <= {batch_size}
    rows = dataset.rows_of("train")
    # Noise is never the same twice, so an image's bytes are its name.
    served = {
        image.permute(1, 2, 0).numpy().tobytes(): int(label)
        for images, labels in batches
        for image, label in zip(images, labels, strict=True)
    }
    kept = dataset.images(SIZE_PX)
    assert served == {kept[row].tobytes(): int(dataset.labels[row]) for row in rows}
    assert sum(len(labels) for _, labels in batches) == len(rows)


def test_unshuffled_batches_are_the_arrays(dataset: Dataset) -> None:
    batches = list(load_split(dataset, "val", SIZE_PX, 5))
    images = torch.cat([images for images, _ in batches]).permute(0, 2, 3, 1)
    rows = dataset.rows_of("val")
    np.testing.assert_array_equal(images.numpy(), dataset.images(SIZE_PX)[rows])
    labels = torch.cat([labels for _, labels in batches])
    np.testing.assert_array_equal(labels.numpy(), dataset.labels[rows])


def test_batches_are_pixels_with_channels_last(dataset: Dataset) -> None:
    images, labels = next(iter(load_split(dataset, "train", SIZE_PX, 5, seed=3)))
    assert images.shape == (5, 3, SIZE_PX, SIZE_PX)
    assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)
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
