import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from facecover.training.augmentation import augment, swap_faces
from facecover.training.config import AugmentationConfig
from facecover.training.data_loader import Batch

SIDE_PX = 48
WHOLE = [0.0, 0.0, 1.0, 1.0]
INSIDE = [0.25, 0.25, 0.75, 0.75]
UNKNOWN = [torch.nan] * 4


def scene(donors: int = 40, bodies: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    """Tight faces, red ones bare and blue ones covered, and grey bodies, half of each class."""
    n = donors + bodies
    labels = torch.arange(n) % 2
    images = torch.full((n, 3, SIDE_PX, SIDE_PX), 0.5)
    for label, colour in enumerate(([0.8, 0.1, 0.1], [0.1, 0.1, 0.8])):
        images[:donors][labels[:donors] == label] = torch.tensor(colour).reshape(3, 1, 1)
    places = torch.tensor([WHOLE] * donors + [INSIDE] * bodies)
    return images, labels, places


def colour_of(images: Tensor) -> Tensor:
    """How much redder than blue the middle is: ``(N,)``."""
    middle = images[:, :, SIDE_PX // 2 - 4 : SIDE_PX // 2 + 4, SIDE_PX // 2 - 4 : SIDE_PX // 2 + 4]
    return (middle[:, 0] - middle[:, 2]).mean(dim=(1, 2))


def test_a_face_brings_its_label_and_leaves_the_surroundings() -> None:
    torch.manual_seed(0)
    images, labels, places = scene()
    swapped, new, where = swap_faces(images, labels, places, 1.0)
    redder = colour_of(swapped[40:])
    assert (redder.abs() > 0.1).all()
    assert torch.equal(new[40:], (redder < 0).long())
    # Of 200 as many of each class, whatever they were before.
    assert 70 < int(new[40:].sum()) < 130
    assert (new[40:] != labels[40:]).float().mean() > 0.3
    edge = SIDE_PX // 6
    torch.testing.assert_close(swapped[40:, :, :edge], images[40:, :, :edge], rtol=0, atol=0.05)
    assert torch.equal(swapped[:40], images[:40])
    assert torch.equal(new[:40], labels[:40])
    assert torch.equal(images, scene()[0])
    assert torch.equal(where, places)


def test_a_rare_class_comes_as_often_as_the_other() -> None:
    torch.manual_seed(0)
    images, labels, places = scene(donors=100, bodies=400)
    labels[:100], images[:100] = 0, torch.tensor([0.8, 0.1, 0.1]).reshape(3, 1, 1)
    labels[0] = 1
    _, new, _ = swap_faces(images, labels, places, 1.0)
    assert 150 < int(new[100:].sum()) < 250


def test_a_share_of_the_wide_cuts_changes() -> None:
    torch.manual_seed(0)
    images, labels, places = scene(bodies=1000)
    swapped, _, _ = swap_faces(images, labels, places, 0.3)
    assert 0.25 < (colour_of(swapped[40:]).abs() > 0.1).float().mean() < 0.35


@pytest.mark.parametrize(("label", "gives"), [(0, True), (1, False)])
def test_a_whole_photo_gives_its_face_only_if_it_is_bare(label: int, *, gives: bool) -> None:
    torch.manual_seed(0)
    images, labels, places = scene(donors=1, bodies=9)
    places[0], labels[0] = torch.tensor(UNKNOWN), label
    swapped, new, where = swap_faces(images, labels, places, 1.0)
    assert torch.equal(swapped, images) is not gives
    assert torch.equal(new, labels) is not gives
    # Where its face is nobody knows, so no mask can be drawn onto it.
    assert bool(where[1:].isnan().all()) is gives


def test_without_wide_cuts_nothing_changes() -> None:
    images, labels, places = scene(bodies=0)
    swapped, new, _ = swap_faces(images, labels, places, 1.0)
    assert swapped is images
    assert new is labels


@settings(max_examples=25)
@given(
    kinds=st.lists(st.sampled_from([WHOLE, INSIDE, UNKNOWN, [0.0, 0.1, 0.02, 1.0]]), min_size=1),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_image_stays_an_image(kinds: list[list[float]], share: float, seed: int) -> None:
    torch.manual_seed(seed)
    n = len(kinds)
    images = torch.randint(0, 256, (n, 3, 24, 24), dtype=torch.uint8)
    batch = Batch(images, torch.randint(0, 3, (n,)), torch.tensor(kinds))
    config = AugmentationConfig(wide_cuts=True, swapped_faces=share, drawn_masks=share)
    changed = augment(batch, 16, config)
    assert changed.images.shape == (n, 3, 16, 16)
    assert torch.isfinite(changed.images).all()
    assert 0 <= changed.images.min() <= changed.images.max() <= 255
    assert changed.labels.dtype == torch.int64
    assert set(changed.labels.tolist()) <= {0, 1, 2}
