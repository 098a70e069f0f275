import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from facecover.training.augmentation import augment, draw_masks
from facecover.training.config import AugmentationConfig
from facecover.training.data_loader import Batch

SIDE_PX = 48


def faces(n: int = 200) -> tuple[Tensor, Tensor]:
    """Grey images, so that every change can be seen, half of them bare."""
    return torch.full((n, 3, SIDE_PX, SIDE_PX), 0.5), torch.arange(n) % 2


def whole(n: int) -> Tensor:
    """The places of faces that fill their images."""
    return torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(n, 1)


def changed_rows(before: Tensor, after: Tensor) -> Tensor:
    """Of each image the share that changed, in each row: ``(N, S)``."""
    return ((after - before).abs().amax(dim=1) > 0.05).float().mean(dim=2)


def test_a_drawn_mask_covers_the_lower_face_and_makes_it_a_covered_one() -> None:
    torch.manual_seed(0)
    images, labels = faces()
    drawn, drawn_labels = draw_masks(images, labels, whole(200), 1.0)
    rows = changed_rows(images, drawn)
    assert (drawn_labels == 1).all()
    assert rows[:, : SIDE_PX // 5].max() < 0.05
    # Some cloth is as grey as the face.
    mouth = rows[:, int(SIDE_PX * 0.65) : int(SIDE_PX * 0.8)].mean(dim=1)
    assert mouth.quantile(0.1) > 0.3


def test_a_hat_covers_the_forehead_and_leaves_the_label() -> None:
    torch.manual_seed(0)
    images, labels = faces(2000)
    drawn, drawn_labels = draw_masks(images, labels, whole(2000), 0.4)
    rows = changed_rows(images, drawn)
    has_hat = rows[:, : SIDE_PX // 6].amax(dim=1) > 0.2
    has_mask = rows[:, int(SIDE_PX * 0.65) : int(SIDE_PX * 0.8)].amax(dim=1) > 0.2
    assert not (has_hat & has_mask).any()
    assert torch.equal(drawn_labels[has_hat], labels[has_hat])
    assert (drawn_labels[has_mask] == 1).all()
    # 40% of all have a mask, half as many of the rest a hat; a few are as grey as the face.
    assert 0.36 < has_mask.float().mean() < 0.43
    assert 0.08 < has_hat.float().mean() < 0.14


def test_whole_photos_stay_as_they_are() -> None:
    torch.manual_seed(0)
    images, labels = faces()
    places = whole(200)
    places[100:] = torch.nan
    drawn, drawn_labels = draw_masks(images, labels, places, 1.0)
    assert torch.equal(drawn[100:], images[100:])
    assert torch.equal(drawn_labels[100:], labels[100:])
    assert not torch.equal(drawn[:100], images[:100])
    assert torch.equal(images, faces()[0])


def test_a_mask_is_drawn_onto_the_face_where_it_stands() -> None:
    torch.manual_seed(0)
    images, labels = faces()
    drawn, _ = draw_masks(
        images, labels, torch.tensor([[0.5, 0.25, 1.0, 0.75]]).repeat(200, 1), 1.0
    )
    changed = ((drawn - images).abs().amax(dim=1) > 0.05).float().mean(dim=0)
    half, quarter = SIDE_PX // 2, SIDE_PX // 4
    assert changed[:, : half - 1].max() == 0
    assert changed[: quarter + 4].max() < 0.05
    assert changed[3 * quarter + 2 :].max() == 0
    # Of the face itself what is drawn onto one that fills its image.
    mouth = changed[quarter + int(half * 0.65) : quarter + int(half * 0.8), half + 6 : -6]
    assert mouth.mean() > 0.7


def test_masks_are_of_many_colours_and_some_have_patterns() -> None:
    torch.manual_seed(1)
    images, labels = faces(400)
    drawn, _ = draw_masks(images, labels, whole(400), 1.0)
    cloth = drawn[:, :, 34:40, 18:30]
    colour = cloth.mean(dim=(2, 3))
    strongest = colour.argmax(dim=1).bincount(minlength=3) / 400
    assert strongest.min() > 0.2
    assert (cloth.std(dim=(2, 3)).amax(dim=1) > 0.1).float().mean() > 0.25


def test_varied_cloth_has_the_colours_of_skin_and_reaches_over_the_cheeks() -> None:
    torch.manual_seed(2)
    images, labels = faces(10)

    def drawn(*, varied: bool) -> Tensor:
        # How coarse cloth is, is drawn once a batch.
        batches = [draw_masks(images, labels, whole(10), 1.0, varied=varied)[0] for _ in range(200)]
        return torch.cat(batches)

    def like_skin(faces: Tensor) -> Tensor:
        red, green, blue = faces[:, :, 34:40, 16:32].mean(dim=(2, 3)).unbind(dim=1)
        return ((red > green + 0.03) & (green > blue - 0.05) & (blue > 0.25 * red)).float().mean()

    def beside_the_cheeks(faces: Tensor) -> Tensor:
        return ((faces - 0.5).abs().amax(dim=1)[:, 30:36, :3] > 0.05).float().mean()

    plain, varied = drawn(varied=False), drawn(varied=True)
    assert like_skin(varied) > like_skin(plain) + 0.1
    assert beside_the_cheeks(varied) > beside_the_cheeks(plain) + 0.02


@settings(max_examples=25)
@given(
    n=st.integers(1, 8),
    side_px=st.integers(16, 97),
    share=st.floats(0, 1),
    seed=st.integers(0),
    varied=st.booleans(),
)
def test_any_image_stays_an_image(
    n: int, side_px: int, share: float, seed: int, *, varied: bool
) -> None:
    torch.manual_seed(seed % 2**32)
    images = torch.randint(0, 256, (n, 3, side_px, side_px), dtype=torch.uint8)
    batch = Batch(images, torch.zeros(n, dtype=torch.int64), whole(n))
    changed = augment(batch, 16, AugmentationConfig(drawn_masks=share, varied_cloth=varied))
    assert changed.images.shape == (n, 3, 16, 16)
    assert torch.isfinite(changed.images).all()
    assert 0 <= changed.images.min() <= changed.images.max() <= 255
    assert set(changed.labels.tolist()) <= {0, 1}
