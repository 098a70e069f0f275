import hashlib

import numpy as np
import numpy.typing as npt
import pytest

from facecover.errors import ConfigError, ImageError
from facecover.evaluation.corruptions import (
    BASE_PX,
    KINDS,
    Images,
    Kind,
    _disc,
    _trail,
    corrupted,
)

BY_KEY = {kind.key: kind for kind in KINDS}
SEVERE = [kind for kind in KINDS if len(kind.amounts) > 1]
EACH = pytest.mark.parametrize("kind", KINDS, ids=[kind.key for kind in KINDS])


def pictures(count: int = 6, side: int = BASE_PX) -> Images:
    """Smooth colours with edges among them, the same on every machine: whole numbers alone."""
    row, column = np.mgrid[:side, :side]
    made = np.empty((count, side, side, 3), dtype=np.uint8)
    for index in range(count):
        for channel in range(3):
            wave = (row * (3 + index) + column * (channel + 2)) % 256
            made[index, ..., channel] = np.where((row // 8 + column // 8) % 3, wave, 255 - wave)
    return made


def flat(value: int, count: int = 4, side: int = BASE_PX) -> Images:
    return np.full((count, side, side, 3), value, dtype=np.uint8)


def corrupt(images: Images, kind: Kind | str, severity: int = 1, seed: int = 0) -> Images:
    found = BY_KEY[kind] if isinstance(kind, str) else kind
    return corrupted(images, found, severity, rows=np.arange(len(images)), seed=seed)


def change(images: Images, kind: Kind | str, severity: int) -> float:
    return float(np.abs(corrupt(images, kind, severity).astype(int) - images).mean())


def test_there_are_five_severities_of_each_kind_but_of_the_mirror() -> None:
    counts = {kind.key: len(kind.amounts) for kind in KINDS}
    assert counts.pop("flip") == 1
    assert set(counts.values()) == {5}
    assert len({kind.key for kind in KINDS}) == len(KINDS)


@EACH
@pytest.mark.parametrize("side", [33, 64])
def test_images_keep_their_form_and_the_callers_stay_as_they_are(kind: Kind, side: int) -> None:
    images = pictures(3, side)
    before, state = images.copy(), str(np.random.get_state())  # noqa: NPY002
    images.setflags(write=False)
    for severity in range(1, len(kind.amounts) + 1):
        found = corrupt(images, kind, severity)
        assert found.dtype == np.uint8
        assert found.shape == images.shape
        assert (found != images).any()
    np.testing.assert_array_equal(images, before)
    assert str(np.random.get_state()) == state  # noqa: NPY002  (the global one is watched)


@EACH
def test_an_image_is_corrupted_alike_whoever_stands_beside_it(kind: Kind) -> None:
    images, severity = pictures(), len(kind.amounts)
    together = corrupt(images, kind, severity, seed=3)
    np.testing.assert_array_equal(together, corrupt(images, kind, severity, seed=3))
    alone = corrupted(images[4:5], kind, severity, rows=np.array([4]), seed=3)
    # Convolved among others, a value may round the other way.
    assert np.abs(alone[0].astype(int) - together[4]).max() <= 1


@pytest.mark.parametrize("key", ["gaussian_noise", "low_light", "occlusion", "colour_cast"])
def test_the_seed_and_the_row_decide_what_is_random(key: str) -> None:
    images = np.repeat(pictures(1), 2, axis=0)
    first, second = corrupt(images, key, 3)
    assert (first != second).any()
    assert (corrupt(images, key, 3, seed=1)[0] != first).any()


@pytest.mark.parametrize("kind", SEVERE, ids=[kind.key for kind in SEVERE])
def test_more_is_lost_at_the_worst_severity(kind: Kind) -> None:
    images = pictures()
    assert change(images, kind, 5) > change(images, kind, 1) > 0


# Made of whole numbers alone, they are the same bytes on every machine.
EXACT = {
    "flip": "0fcaa4d25c52809566d34f1e09e9dc2151ef63aac50d2715b5a9d06f60f4cb38",
    "shift": "7adfd882a4ecf521c047ea9b8e443c061efb97dcbb75b20ea8a6ada00f39526e",
    "occlusion": "a7273839d6fd39370f784a9910d27c33d3a5fbef0f9668fe813a6234c967b21b",
    "occlusion_above": "fbf1061bc387a9d75fbc5c4c6c5bbff27d0278bde0eecffe9e52e387a36c47e5",
    "greyscale": "3c1bb9cc38f62f656460d4937c9c02fb2d1b009e9869728c7aa6ab42f459c5ea",
}


@pytest.mark.parametrize("key", EXACT)
def test_kinds_of_whole_numbers_give_the_same_bytes_everywhere(key: str) -> None:
    digest = hashlib.sha256()
    for severity in range(1, len(BY_KEY[key].amounts) + 1):
        digest.update(corrupt(pictures(), key, severity).tobytes())
    assert digest.hexdigest() == EXACT[key]


# Means and standard deviations at severity 3; rounding, Pillow's filters and libjpeg may differ.
NEAR: dict[str, tuple[float, float]] = {
    "gaussian_noise": (128.3, 75.5),
    "low_light": (45.8, 30.6),
    "defocus_blur": (128.1, 59.4),
    "motion_blur": (128.2, 61.3),
    "brightness": (167.9, 76.6),
    "contrast": (128.1, 15.1),
    "jpeg": (128.1, 66.5),
    "pixelation": (128.4, 65.2),
    "rotation": (126.0, 65.7),
    "loose_crop": (134.4, 68.0),
    "tight_crop": (131.0, 68.7),
    "colour_cast": (128.2, 73.6),
}


@pytest.mark.parametrize("key", NEAR)
def test_other_kinds_give_nearly_the_same_everywhere(key: str) -> None:
    found = corrupt(pictures(), key, 3).astype(np.float64)
    assert (found.mean(), found.std()) == pytest.approx(NEAR[key], abs=0.5)


def test_every_kind_is_held_to_what_it_gave() -> None:
    assert EXACT.keys() | NEAR.keys() == {kind.key for kind in KINDS}


def test_noise_has_the_spread_that_it_says() -> None:
    noise = corrupt(flat(128, 8), "gaussian_noise", 2).astype(np.float64) - 128
    assert noise.std() == pytest.approx(0.08 * 255, rel=0.02)
    assert abs(noise.mean()) < 0.2


def test_low_light_takes_a_stop_of_linear_light_each() -> None:
    darker = corrupt(flat(200, 8), "low_light", 1).astype(np.float64) / 255
    linear = ((darker + 0.055) / 1.055) ** 2.4
    whole = ((200 / 255 + 0.055) / 1.055) ** 2.4
    assert linear.mean() == pytest.approx(whole / 2, rel=0.01)
    # A Poisson count's variance is its mean.
    assert linear.var() == pytest.approx(whole / 2 / 500, rel=0.1)


@pytest.mark.parametrize(
    "key", ["defocus_blur", "motion_blur", "pixelation", "rotation", "shift", "loose_crop",
            "tight_crop", "flip", "contrast", "greyscale"],
)  # fmt: skip
def test_one_colour_stays_what_it_is(key: str) -> None:
    for severity in range(1, len(BY_KEY[key].amounts) + 1):
        found = corrupt(flat(77), key, severity).astype(int)
        assert np.abs(found - 77).max() <= 1


def spread(kernel: npt.NDArray[np.float32]) -> float:
    """The standard deviation along the columns."""
    places = np.arange(len(kernel)) - len(kernel) // 2
    share = kernel.sum(axis=0)
    return float(np.sqrt((share * places**2).sum() - (share * places).sum() ** 2))


def test_a_disc_spreads_by_half_its_radius() -> None:
    for radius in (2.55, 3.06, 8.0):
        kernel = _disc(radius)
        assert kernel.sum() == pytest.approx(1)
        np.testing.assert_allclose(kernel, kernel.T)
        assert spread(kernel) == pytest.approx(radius / 2, abs=0.06)


def test_lengths_grow_with_the_image() -> None:
    def edge_px(side: int) -> int:
        """How wide a sharp edge has become."""
        image = flat(0, 1, side)
        image[:, side // 2 :] = 255
        column = corrupt(image, "defocus_blur", 5)[0, :, 0, 0]
        return int(((column > 0) & (column < 255)).sum())

    assert edge_px(128) == pytest.approx(2 * edge_px(64), abs=2)


def test_a_trail_goes_to_one_side() -> None:
    kernel = _trail(2.0, 0.0)
    half = len(kernel) // 2
    assert kernel.sum() == pytest.approx(1)
    assert not kernel[:, :half].any()
    assert (np.diff(kernel[half, half + 1 :]) <= 0).all()


def test_brightness_keeps_hue_and_contrast_keeps_the_mean() -> None:
    colour = np.tile(np.array([100, 50, 20], dtype=np.uint8), (1, 64, 64, 1))
    brighter = corrupt(colour, "brightness", 1)[0, 0, 0]
    assert brighter.tolist() == [126, 63, 25]  # value 100 + 25.5, the others in proportion
    images = pictures()
    flatter = corrupt(images, "contrast", 4)
    np.testing.assert_allclose(flatter.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.2)
    np.testing.assert_allclose(flatter.std(axis=(1, 2)), 0.1 * images.std(axis=(1, 2)), rtol=0.05)


def test_the_last_grey_has_no_colour() -> None:
    grey = corrupt(pictures(), "greyscale", 5)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_mirroring_twice_changes_nothing() -> None:
    images = pictures()
    np.testing.assert_array_equal(corrupt(corrupt(images, "flip"), "flip"), images)


def test_a_moved_picture_is_the_picture_elsewhere() -> None:
    images = pictures(1)
    by = 13  # 20 percent of 64
    found = corrupt(images, "shift", 4)[0]
    matches = [
        np.array_equal(
            found[max(0, -dy) : 64 - max(0, dy), max(0, -dx) : 64 - max(0, dx)],
            images[0, max(0, dy) : 64 - max(0, -dy), max(0, dx) : 64 - max(0, -dx)],
        )
        for dy in (-by, 0, by)
        for dx in (-by, 0, by)
    ]
    assert sum(matches) == 1
    assert not matches[4]  # not in its place


def test_a_loose_crop_holds_the_whole_picture_and_a_tight_one_its_middle() -> None:
    image = flat(0, 1)
    image[0, 16:48, 16:48] = 255  # a quarter of the picture
    assert (corrupt(image, "loose_crop", 5) > 127).mean() == pytest.approx(1 / 16, abs=0.01)
    assert (corrupt(image, "tight_crop", 5) > 127).mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("key", "height"), [("occlusion", 64), ("occlusion_above", 32)])
def test_a_rectangle_of_the_stated_area_covers_its_part(key: str, height: int) -> None:
    images = flat(77, 200)
    for severity, percent in enumerate(BY_KEY[key].amounts, 1):
        covered = (corrupt(images, key, severity) != 77).any(axis=3)
        assert covered.mean(axis=(1, 2)) == pytest.approx(percent / 100, abs=0.012)
        assert not covered[:, height:].any()
        # Over many images it has been nearly everywhere that it may; corners are seldom reached.
        assert covered[:, :height].any(axis=0).mean() > 0.9


def test_what_does_not_fit_is_refused() -> None:
    images, kind, rows = pictures(2), BY_KEY["jpeg"], np.arange(2)
    with pytest.raises(ConfigError, match="jpeg: severity 6: expected 1 to 5"):
        corrupted(images, kind, 6, rows=rows)
    with pytest.raises(ConfigError, match="severity 0"):
        corrupted(images, kind, 0, rows=rows)
    with pytest.raises(ConfigError, match="seed -1: expected 0 or more"):
        corrupted(images, kind, 1, rows=rows, seed=-1)
    with pytest.raises(ImageError, match="a row for each of 2 images"):
        corrupted(images, kind, 1, rows=np.arange(3))
    for wrong in (images[0], images[:, :32], images[..., :1]):
        with pytest.raises(ImageError, match=r"uint8 \(N, S, S, 3\), RGB"):
            corrupted(wrong, kind, 1, rows=np.arange(len(wrong)))


def test_no_image_at_all_is_corrupted_into_none() -> None:
    none = pictures(0)
    assert corrupt(none, "rotation").shape == none.shape
