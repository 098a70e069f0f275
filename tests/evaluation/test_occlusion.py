import json
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from tests.evaluation.synthetic import Probabilities, model_info
from tests.evaluation.test_robustness import info_of
from tests.report.printing import printed

from facecover.errors import ConfigError, ImageError
from facecover.evaluation.explanation import (
    PER_GROUP,
    SHOWN,
    Explanation,
    Grid,
    evidence_grids,
    explain,
    explained_images,
    log_odds,
    lower_half_shares,
    patch_grid,
    pixel_map,
)
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.inference.model_info import ModelInfo
from facecover.report.robustness_sections import occlusion_section

SIDE = 32
Weights = npt.NDArray[np.float64]


@dataclass
class Weighing:
    """A mask is what is textured where the weights are: how far the pixels there vary."""

    weights: Weights
    info: ModelInfo = field(default_factory=lambda: info_of(SIDE))

    def classify_images(self, images: npt.NDArray[np.uint8]) -> Probabilities:
        texture = (np.abs(images.astype(np.float64) - 128).mean(axis=3) > 60).astype(float)
        score = 40 * (texture * self.weights).sum(axis=(1, 2)) - 20
        mask = 1 / (1 + np.exp(-score))
        return np.column_stack([1 - mask, mask])


def weighing(where: tuple[slice, slice]) -> Weighing:
    weights = np.zeros((SIDE, SIDE))
    weights[where] = 1
    return Weighing(weights / weights.sum())


def checkered(n: int = 1) -> npt.NDArray[np.uint8]:
    """Black and white pixels by turns, whose mean is grey: a patch has no texture."""
    row, column = np.mgrid[:SIDE, :SIDE]
    board = np.where((row + column) % 2, 255, 0).astype(np.uint8)
    return np.tile(board[None, :, :, None], (n, 1, 1, 3))


def falls_of(classifier: Weighing, grid: Grid) -> npt.NDArray[np.float64]:
    return evidence_grids(classifier, checkered(), np.array([1]), grid)


EVERYWHERE = (slice(None), slice(None))


@pytest.mark.parametrize(("top", "left"), [(20, 8), (4, 20), (24, 24), (0, 0)])
@pytest.mark.parametrize("steps", [2, 4])
def test_the_place_that_decides_is_found(top: int, left: int, steps: int) -> None:
    grid = patch_grid(SIDE, steps)
    classifier = weighing((slice(top, top + 6), slice(left, left + 6)))
    found = pixel_map(falls_of(classifier, grid)[0], grid)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert top - 2 <= row < top + 8
    assert left - 2 <= column < left + 8
    outside = np.ones_like(found, dtype=bool)
    outside[max(top - 8, 0) : top + 14, max(left - 8, 0) : left + 14] = False
    np.testing.assert_allclose(found[outside], 0, atol=1e-9)


@pytest.mark.parametrize("side", [16, 32, 48, 50, 64])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_each_pixel_is_covered_equally_often(side: int, steps: int) -> None:
    grid = patch_grid(side, steps)
    times = np.zeros(side)
    for place in range(len(grid.starts_px)):
        times[grid.span(place)] += 1
    assert set(times) == {steps}
    assert not (grid.in_half(lower=True) & grid.in_half(lower=False)).any()


@pytest.mark.parametrize(
    ("where", "share"),
    [((slice(16, 32), slice(None)), 1.0), ((slice(0, 16), slice(None)), 0.0), (EVERYWHERE, 0.5)],
)
def test_the_share_of_the_lower_half_is_what_the_model_leans_on(
    where: tuple[slice, slice], share: float
) -> None:
    grid = patch_grid(SIDE)
    found = lower_half_shares(falls_of(weighing(where), grid), grid)
    assert found == pytest.approx([share], abs=1e-9)


def test_what_speaks_against_the_answer_is_no_evidence() -> None:
    weights = np.zeros((SIDE, SIDE))
    weights[:16], weights[16:] = 2 / 512, -1 / 512
    grid = patch_grid(SIDE)
    falls = falls_of(Weighing(weights), grid)
    assert (falls < 0).any()
    assert lower_half_shares(falls, grid) == pytest.approx([0])
    assert np.isnan(lower_half_shares(np.minimum(falls, 0), grid)).all()


def test_odds_stay_numbers_where_a_probability_is_all_or_nothing() -> None:
    probabilities = np.array([[1e-20, 1.0], [1.0, 0.0], [0.5, 0.5]])
    odds = log_odds(probabilities, np.array([1, 1, 0]))
    assert odds[0] == pytest.approx(20 * np.log(10))
    assert np.isfinite(odds).all()
    assert odds[2] == 0
    three = log_odds(np.array([[0.2, 0.5, 0.3]]), np.array([1]))
    assert three == pytest.approx([0.0])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="steps 0: expected 1 to 16"):
        patch_grid(SIDE, 0)
    with pytest.raises(ImageError, match=r"uint8 \(N, 64, 64, 3\) with an answer for each"):
        falls_of(weighing(EVERYWHERE), patch_grid(64))
    with pytest.raises(ImageError, match=r"found shape .* with 2 answers"):
        evidence_grids(weighing(EVERYWHERE), checkered(), np.array([1, 0]), patch_grid(SIDE))


def evaluated(
    classifier: Weighing, n: int, label: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.uint8], Evaluation]:
    """Every other image is checkered and answered mask, the others are grey."""
    images = checkered(n)
    images[::2] = 128
    labels = label(np.arange(n))
    return images, evaluate_images(classifier, images, labels, resamples=100)


def explained(n: int = 12, **changes: object) -> Explanation:
    classifier = weighing((slice(16, 32), slice(None)))
    images, evaluation = evaluated(classifier, n, lambda rows: rows % 2)
    return explain(classifier, images, evaluation, **changes)  # type: ignore[arg-type]


def test_shares_stand_by_class_with_their_reasons() -> None:
    bare, mask, wrong = explained().lower_half
    assert (mask.answers, mask.n, mask.share) == ("mask answered right", 6, 1.0)
    assert mask.ci95 is None  # every image has the same share
    # Nothing can be taken from a grey image, so that there is no evidence in it.
    assert (bare.n, bare.share, bare.without_evidence) == (0, None, 6)
    assert bare.undefined == "no image with evidence"
    assert (wrong.n, wrong.share, wrong.without_evidence) == (0, None, 0)


def test_too_few_images_have_a_share_without_an_interval() -> None:
    mask = explained(4).lower_half[1]
    assert (mask.n, mask.share, mask.ci95) == (2, 1.0, None)
    assert "fewer than 5" in mask.undefined


def test_the_surest_mistakes_and_a_sample_are_explained() -> None:
    classifier = weighing((slice(16, 32), slice(None)))
    images, evaluation = evaluated(classifier, 40, lambda rows: np.ones_like(rows))
    found = explain(classifier, images, evaluation, resamples=100, seed=2)
    assert len(found.mistakes) == len(found.sample) == SHOWN
    assert all(not evaluation.answers.is_right[one.row] for one in found.mistakes)
    for one in found.sample:
        assert one.evidence.shape == (SIDE, SIDE)
        assert one.lower_half_share == (None if one.row % 2 == 0 else 1.0)


def test_samples_are_seeded_and_bounded() -> None:
    classifier = weighing(EVERYWHERE)
    n = 2 * PER_GROUP + 100
    _, evaluation = evaluated(classifier, n, lambda rows: rows % 2)
    first, again, other = (explained_images(evaluation, seed) for seed in (0, 0, 1))
    for name, chosen in first.items():
        np.testing.assert_array_equal(chosen, again[name])
        assert len(chosen) <= PER_GROUP
    assert (first["mask answered right"] != other["mask answered right"]).any()
    assert len(first["mistakes"]) == 0


def test_json_and_text_hold_the_same_shares() -> None:
    seen = list[int]()
    found = explained(on_images=seen.append)
    document = found.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert sum(seen) == 12 + len(found.sample)
    images, evaluation = evaluated(weighing(EVERYWHERE), 12, lambda rows: rows % 2)
    text = printed(occlusion_section(found, evaluation, images, ["a.jpg"] * len(images)))
    assert "mask answered right" in text
    assert "100.0%" in text
    assert "6 images that no patch made less sure" in text


def test_an_info_of_another_size_makes_another_patch() -> None:
    assert patch_grid(model_info().input_size_px).patch_px == 8
    assert patch_grid(64).patch_px == 16
