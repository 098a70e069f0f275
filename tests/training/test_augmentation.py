from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from facecover.errors import ConfigError
from facecover.training.augmentation import augment
from facecover.training.config import AugmentationConfig
from facecover.training.data_loader import Batch
from facecover.training.experiments import experiment_to_yaml, load_experiment

NOTHING = AugmentationConfig()


def augmented(
    images: Tensor,
    size_px: int,
    config: AugmentationConfig,
    labels: Tensor | None = None,
) -> Tensor:
    n = len(images)
    labels = torch.zeros(n, dtype=torch.int64) if labels is None else labels
    return augment(Batch(images, labels, torch.full((n, 4), torch.nan)), size_px, config).images


def pictures(n: int = 4, side_px: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, side_px, side_px), dtype=torch.uint8, generator=generator)


def test_nothing_asked_for_changes_nothing() -> None:
    images = pictures()
    assert torch.allclose(augmented(images, 24, NOTHING), images.float(), atol=0.05)


def test_mirroring_mirrors() -> None:
    images = pictures()
    mirrored = augmented(images, 24, AugmentationConfig(flip=1.0))
    assert torch.allclose(mirrored, images.flip(3).float(), atol=0.05)


def test_a_window_shows_a_part_enlarged() -> None:
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    image[:, :, 8:24, 8:24] = 200
    window = augmented(image, 16, AugmentationConfig(scale=(0.5, 0.5), roam=0.0))
    assert window.shape == (1, 3, 16, 16)
    assert torch.allclose(window[:, :, 1:-1, 1:-1], torch.tensor(200.0), atol=0.1)


def test_a_window_that_roams_stays_inside() -> None:
    image = torch.full((64, 3, 32, 32), 100, dtype=torch.uint8)
    image[:, :, 0], image[:, :, -1], image[:, :, :, 0], image[:, :, :, -1] = 0, 0, 0, 0
    torch.manual_seed(0)
    windows = augmented(image, 32, AugmentationConfig(scale=(0.5, 0.5), roam=1.0))
    # A window half as wide that reached beyond an edge would show it in its middle.
    assert windows[:, :, 4:-4, 4:-4].min() > 99


def test_the_seed_decides() -> None:
    config = AugmentationConfig(scale=(0.6, 1.0), noise=0.1, erase=0.5, cast=0.1, coarse=0.5)
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(augmented(pictures(), 16, config))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_grey_images_have_no_colour() -> None:
    grey = augmented(pictures(), 24, AugmentationConfig(grey=1.0))
    assert torch.equal(grey[:, 0], grey[:, 2])


def test_an_erased_rectangle_is_of_one_colour() -> None:
    torch.manual_seed(3)
    images = torch.zeros(40, 3, 24, 24, dtype=torch.uint8)
    erased = augmented(images, 24, AugmentationConfig(erase=1.0, erase_side=0.5))
    for image in erased:
        colours = {tuple(pixel.tolist()) for pixel in image.reshape(3, -1).T.round()}
        assert len(colours) <= 2


def test_little_light_leaves_a_fifth_to_four_fifths_of_some_images() -> None:
    torch.manual_seed(5)
    images = torch.full((200, 3, 8, 8), 200, dtype=torch.uint8)
    lit = augmented(images, 8, AugmentationConfig(dim=0.5)).mean(dim=(1, 2, 3)) / 200
    dimmed = lit[lit < 0.99]
    assert 80 < len(dimmed) < 120
    assert 0.19 < dimmed.min() < 0.3
    assert 0.7 < dimmed.max() < 0.81


shares = st.floats(0, 1)


@settings(max_examples=40)
@given(
    scale=st.tuples(st.floats(0.1, 2), st.floats(0.1, 2)).map(sorted).map(tuple),
    roam=shares, shift=shares, aspect=shares, flip=shares, coarse=shares, saturation=shares,
    cast=shares, grey=shares, contrast=shares, exposure=shares, gamma=shares, dim=shares,
    noise=shares, erase=shares, rotation_degrees=st.floats(0, 90),
)  # fmt: skip
def test_any_choice_gives_images(**choices: float) -> None:
    images = pictures(3, 20)
    kept = images.clone()
    changed = augmented(images, 16, AugmentationConfig.model_validate(choices))
    assert changed.shape == (3, 3, 16, 16)
    assert changed.dtype == torch.float32
    assert torch.isfinite(changed).all()
    assert 0 <= changed.min() <= changed.max() <= 255
    assert torch.equal(images, kept)


def test_an_experiment_carries_its_augmentation(tmp_path: Path) -> None:
    overrides = ["augmentation.scale=[0.5, 1.0]", "augmentation.flip=0.5"]
    experiment = load_experiment("net1", overrides)
    path = tmp_path / "augmented.yaml"
    path.write_text(experiment_to_yaml(experiment), "utf-8")
    assert load_experiment(path) == experiment
    assert experiment.source_size_px == 32
    larger = load_experiment("net1", [*overrides, "augmentation.source_size_px=64"])
    assert larger.source_size_px == 64


def test_a_window_that_shrinks_upwards_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"augmentation.scale.*the smaller first, found 1, 0.5"):
        load_experiment("net1", ["augmentation.scale=[1.0, 0.5]"])


def test_an_image_set_farther_away_is_there_whole_and_smaller() -> None:
    image = torch.full((64, 3, 32, 32), 100, dtype=torch.uint8)
    torch.manual_seed(0)
    windows = augmented(image, 64, AugmentationConfig(away=1.0, away_scale=2.0))
    shares = (windows.round() == 100).all(dim=1).float().mean(dim=(1, 2))
    # A window twice as wide as the image shows it on a quarter; mirrored edges are as grey as it.
    on_a_colour = shares[shares < 0.99]
    assert len(on_a_colour) > 16
    assert on_a_colour.min() > 0.2
    assert on_a_colour.max() < 1


def test_a_face_is_set_onto_photos_of_its_own_class_alone() -> None:
    labels = torch.tensor([0, 1] * 64)
    dark, light = 10, 150
    values = torch.where(labels == 1, light, dark).to(torch.uint8).reshape(-1, 1, 1, 1)
    images = values.expand(-1, 3, 24, 24).clone()
    images[::4] += 1  # Another photo of each class can be told from the face's own.
    images[1::4] += 1
    torch.manual_seed(0)
    changed = augmented(images, 24, AugmentationConfig(away=1.0), labels).round()
    of_its_class, of_the_other = (
        sum(
            int((changed[labels == label] == value + extra).all(dim=1).sum())
            for label, value in ((0, first), (1, second))
            for extra in (0, 1)
        )
        for first, second in ((dark, light), (light, dark))
    )
    assert of_its_class > changed[:, 0].numel() * 0.5
    assert of_the_other == 0
