import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from facecover.training.locator_training import LEAST_CUTS, learn_locator, overlap, windows_around
from facecover.training.residual_blocks import FaceLocator

SIDE_PX = 48


def drawn(
    n: int, seed: int, smallest: float = 0.3
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Noise with a light face with two eyes in it, ``uint8 (n, S, S, 3)``; and its places."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(smallest, 0.65, (n, 1)) * np.array([0.8, 1.0])
    low = rng.uniform(0, 1, (n, 2)) * (1 - size)
    at = (np.arange(SIDE_PX) + 0.5) / SIDE_PX
    u = ((at - low[:, :1]) / size[:, :1] * 2 - 1)[:, None, :]
    v = ((at - low[:, 1:]) / size[:, 1:] * 2 - 1)[:, :, None]
    face = (u**2 + v**2 < 1).astype(float)
    eyes = ((np.abs(np.abs(u) - 0.4) < 0.15) & (np.abs(v + 0.2) < 0.12)).astype(float)
    grey = rng.uniform(0, 0.45, (n, SIDE_PX, SIDE_PX)) * (1 - face) + face * 0.85 - eyes * 0.7
    images = np.repeat((grey.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, axis=3)
    return images, np.concatenate([low, low + size], axis=1).astype(np.float32)


def as_images(pixels: npt.NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


@pytest.fixture(scope="module")
def locator() -> FaceLocator:
    torch.manual_seed(0)
    locator = FaceLocator().requires_grad_(False)
    learn_locator(locator, *drawn(400, seed=1), 100)
    return locator


def test_windows_show_the_face_where_they_say() -> None:
    torch.manual_seed(0)
    pixels, places = drawn(300, seed=0)
    pixels[:] = (pixels > 150) * 255
    windows, faces = windows_around(as_images(pixels), torch.from_numpy(places))
    assert windows.shape == (300, 3, SIDE_PX, SIDE_PX)
    at = (torch.arange(SIDE_PX) + 0.5) / SIDE_PX
    u = ((at - faces[:, :1]) / faces[:, 2:3] * 2).unsqueeze(1)
    v = ((at - faces[:, 1:2]) / faces[:, 3:] * 2).unsqueeze(2)
    is_face = u**2 + v**2 < 1
    # All of the light pixels but those at the edge, and nearly all of the face but its eyes.
    light = windows[:, 0] > 0.5
    assert (light & ~is_face).float().sum() / light.float().sum() < 0.05
    assert (light & is_face).float().sum() / is_face.float().sum() > 0.85
    # From the face alone to one that is small, and not all in the middle.
    assert faces[:, 3].max() > 0.85
    assert faces[:, 3].min() < 0.45
    assert faces[:, 0].std() > 0.05


def test_faces_are_found_where_they_are(locator: FaceLocator) -> None:
    torch.manual_seed(1)
    pixels, places = drawn(300, seed=2)
    windows, faces = windows_around(as_images(pixels), torch.from_numpy(places))
    answers = locator(windows)
    shares = overlap(answers[:, :4], faces)
    assert shares.median() > 0.6
    # One that has learned nothing says that the face is all of it.
    guessed = overlap(FaceLocator().eval()(windows)[:, :4], faces)
    assert shares.median() > guessed.median() + 0.15
    # Where it expects less of an error, there is less.
    order = answers[:, 4].argsort()
    assert shares[order[:150]].mean() > shares[order[150:]].mean()


def test_it_is_left_in_evaluation_without_gradients(locator: FaceLocator) -> None:
    assert not any(module.training for module in locator.modules())
    assert not any(weight.requires_grad for weight in locator.parameters())


def test_the_same_seed_teaches_the_same() -> None:
    taught = []
    for _ in range(2):
        torch.manual_seed(3)
        taught.append(FaceLocator())
        learn_locator(taught[-1], *drawn(LEAST_CUTS, seed=5), 3)
    for one, other in zip(taught[0].parameters(), taught[1].parameters(), strict=True):
        assert torch.equal(one, other)
    assert taught[0].last.weight.abs().max() > 0


@pytest.mark.parametrize(("larger", "batches"), [(1, [64] * 5), (4, [256] * 2)])
def test_larger_batches_take_fewer_steps(larger: int, batches: list[int]) -> None:
    seen: list[int] = []

    class Watched(FaceLocator):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(len(images))
            return super().forward(images)

    learn_locator(Watched(), *drawn(LEAST_CUTS, seed=6), 5, larger=larger)
    assert seen == batches


def test_too_few_wide_cuts_teach_nothing() -> None:
    locator = FaceLocator()
    before = {name: value.clone() for name, value in locator.state_dict().items()}
    learn_locator(locator, *drawn(LEAST_CUTS - 1, seed=0), 5)
    assert all(torch.equal(value, before[name]) for name, value in locator.state_dict().items())
    assert not locator.training


def test_overlap_is_intersection_over_union() -> None:
    one = torch.tensor([[0.5, 0.5, 1.0, 1.0], [0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.2, 0.2]])
    other = torch.tensor([[0.5, 0.5, 1.0, 1.0], [0.75, 0.5, 0.5, 1.0], [1.0, 1.0, 0.2, 0.2]])
    torch.testing.assert_close(overlap(one, other), torch.tensor([1.0, 0.5, 0.0]))
