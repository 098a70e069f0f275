import dataclasses
import json
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from tests.evaluation.synthetic import Probabilities, model_info
from tests.report.printing import printed

from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.corruptions import KINDS
from facecover.evaluation.robustness import (
    Robustness,
    corruption_size,
    corruption_steps,
    measure_robustness,
)
from facecover.inference.model_info import ModelInfo
from facecover.report.robustness_sections import robustness_section, robustness_sentences

BY_KEY = {kind.key: kind for kind in KINDS}
FEW = tuple(BY_KEY[key] for key in ("contrast", "flip", "occlusion_above", "low_light"))


def info_of(size_px: int, name: str = "net1") -> ModelInfo:
    info = model_info(name)
    network = msgspec.structs.replace(info.network, input_size_px=size_px)
    return msgspec.structs.replace(info, network=network)


@dataclass
class Brightness:
    """Takes bright images for masks: the likelier, the farther their mean is over a level."""

    size_px: int = 32
    level: float = 128
    steepness: float = 0.2
    info: ModelInfo = field(init=False)

    def __post_init__(self) -> None:
        self.info = info_of(self.size_px)

    def classify_images(self, images: npt.NDArray[np.uint8]) -> Probabilities:
        assert images.shape[1:] == (self.size_px, self.size_px, 3)
        score = np.clip(self.steepness * (images.mean(axis=(1, 2, 3)) - self.level), -30, 30)
        mask = 1 / (1 + np.exp(-score))
        return np.column_stack([1 - mask, mask])


def bright_and_dark(n: int = 40) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Bright masks and dark bare faces, ``uint8 (n, 32, 32, 3)``, with a gradient in each."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n)
    levels = np.where(labels == 1, 160, 90) + rng.integers(-25, 25, n)
    ramp = np.linspace(-40, 40, 32)
    images = levels[:, None, None, None] + ramp[None, :, None, None] + np.zeros((n, 32, 32, 3))
    return images.astype(np.uint8), labels


def measured(**changes: object) -> Robustness:
    images, labels = bright_and_dark()
    settings: dict[str, object] = {"kinds": FEW, "resamples": 200, **changes}
    return measure_robustness(Brightness(), images, labels, **settings)  # type: ignore[arg-type]


def test_what_is_lost_is_what_the_model_leans_on() -> None:
    found = measured()
    by_key = {kind.kind.key: kind for kind in found.kinds}
    assert found.clean.accuracy == 1
    # Mirrored, a mean stays; in low light, every image is dark.
    assert by_key["flip"].severities[0].flip_rate == 0
    dark = by_key["low_light"].severities[-1]
    _, labels = bright_and_dark()
    assert dark.accuracy == pytest.approx((labels == 0).mean())
    assert dark.balanced_accuracy == pytest.approx(0.5)
    assert dark.flip_rate == pytest.approx((labels == 1).mean())
    assert [kind.mean_accuracy for kind in found.kinds] == sorted(
        kind.mean_accuracy for kind in found.kinds
    )


def test_intervals_hold_the_value_and_have_a_width() -> None:
    found = measured()
    for kind in found.kinds:
        for one in kind.severities:
            low, high = one.accuracy_ci95
            assert 0 <= low <= one.accuracy <= high <= 1
            assert high > low
            assert one.flip_ci95[0] <= one.flip_rate <= one.flip_ci95[1]
            assert one.n == 40


def test_groups_widen_the_intervals() -> None:
    # Ten groups of one class each, as photos of one person are.
    _, labels = bright_and_dark()
    groups = np.zeros(40, dtype=np.int64)
    for label in (0, 1):
        same = np.flatnonzero(labels == label)
        groups[same] = 5 * label + np.arange(len(same)) % 5
    alone, grouped = measured(), measured(groups=groups)
    assert grouped.n_units == 10
    assert alone.n_units == 40
    assert grouped.clean.accuracy_ci95[0] < alone.clean.accuracy_ci95[0]


def test_against_itself_every_error_ratio_is_one() -> None:
    found = measured(reference=Brightness(level=110), kinds=(BY_KEY["low_light"],))
    same = measured(reference=Brightness(), kinds=(BY_KEY["low_light"],))
    assert same.mce.value == 1
    assert same.mce.ci95 is None  # no resample moves it
    # A lower level keeps the answer mask for longer in the dark.
    assert found.mce.value is not None
    assert found.mce.value > 1


def test_corruption_errors_are_sums_of_errors_over_sums_of_errors() -> None:
    kinds = (BY_KEY["low_light"], BY_KEY["contrast"])
    model, reference = (
        measure_robustness(
            Brightness(level=level), *bright_and_dark(80), kinds=kinds, resamples=100
        )
        for level in (128, 140)
    )
    both = measure_robustness(
        Brightness(), *bright_and_dark(80), reference=Brightness(level=140), kinds=kinds,
        resamples=100,
    )  # fmt: skip

    def errors(found: Robustness, key: str) -> float:
        kind = next(one for one in found.kinds if one.kind.key == key)
        return sum(1 - one.accuracy for one in kind.severities)

    ratios = []
    for kind in both.kinds:
        ratio = errors(model, kind.kind.key) / errors(reference, kind.kind.key)
        assert kind.ce.value == pytest.approx(ratio)
        ratios.append(ratio)
    assert both.mce.value == pytest.approx(sum(ratios) / 2)
    assert both.mce.ci95 is not None
    assert both.mce.ci95[0] <= sum(ratios) / 2 <= both.mce.ci95[1]


def test_a_reference_without_errors_leaves_the_ratio_undefined_with_the_reason() -> None:
    found = measured(reference=Brightness(), kinds=FEW[1:])
    by_key = {kind.kind.key: kind for kind in found.kinds}
    assert by_key["flip"].ce.value is None
    assert by_key["flip"].ce.undefined == "the reference makes no errors"
    assert by_key["low_light"].ce.value == 1
    assert found.mce.value is None
    assert "no errors under Mirrored" in found.mce.undefined
    assert measured().mce.undefined == "no reference model was given"


def test_models_of_any_size_see_the_same_spoilt_photos() -> None:
    images, labels = bright_and_dark()
    small, large = (
        measure_robustness(Brightness(size), images, labels, kinds=FEW, resamples=100)
        for size in (16, 32)
    )
    assert small.size_px == large.size_px == 32
    for one, other in zip(small.kinds, large.kinds, strict=True):
        assert one.mean_accuracy == pytest.approx(other.mean_accuracy, abs=0.04)


def test_rows_choose_the_images_and_keep_their_chances() -> None:
    images, labels = bright_and_dark()
    rows = np.arange(10, 30)
    seen = list[int]()
    part = measure_robustness(
        Brightness(), images, labels, rows=rows, kinds=FEW, resamples=100, on_images=seen.append
    )
    assert part.clean.n == 20
    assert sum(seen) == 20 * corruption_steps(FEW)
    again = measure_robustness(
        Brightness(), images, labels, rows=rows[::-1], kinds=FEW, resamples=100
    )
    assert [one.mean_accuracy for one in part.kinds] == [one.mean_accuracy for one in again.kinds]


def test_the_seed_decides_all_but_the_time() -> None:
    first, again = (dataclasses.replace(measured(seed=4), seconds=0) for _ in range(2))
    assert first == again


def test_a_class_without_an_image_leaves_no_balanced_accuracy() -> None:
    class OfThree(Brightness):
        def classify_images(self, images: npt.NDArray[np.uint8]) -> Probabilities:
            two = super().classify_images(images)
            return np.column_stack([two, np.zeros(len(two))])

    model, (images, labels) = OfThree(), bright_and_dark()
    model.info = msgspec.structs.replace(
        model.info, class_names=("no_mask", "mask", "incorrect_mask")
    )
    found = measure_robustness(model, images, labels, kinds=FEW, resamples=100)
    assert found.clean.balanced_accuracy is None
    assert found.clean.accuracy == 1


@pytest.mark.parametrize("n", [3, 20])
def test_json_holds_no_number_that_is_not_one(n: int) -> None:
    images, labels = bright_and_dark(n)
    for chosen in (labels, np.zeros(n, dtype=np.int64)):
        found = measure_robustness(
            Brightness(), images, chosen, kinds=FEW, resamples=100, reference=Brightness(level=99)
        )
        document = found.to_json()
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert len(document["kinds"]) == len(FEW)  # type: ignore[arg-type]
    assert document["clean"]["balanced_accuracy"] is None  # type: ignore[call-overload,index]


def test_the_table_names_every_kind_and_the_worst_first() -> None:
    found = measured(reference=Brightness(level=140), reference_name="Net [1]")
    section = robustness_section(found, bright_and_dark(1)[0][0], 0)
    text = printed(section, width=120)
    places = [text.rindex(kind.kind.title) for kind in found.kinds]
    assert places == sorted(places)
    assert "against Net [1]" in text
    assert "200 bootstrap resamples of images" in " ".join(text.split())


@pytest.mark.parametrize(
    ("kept", "inputs", "expected"),
    [((32, 64), (32,), 64), ((32, 64, 128), (32, 64), 64), ((32, 128), (32,), 128),
     ((32, 64, 128), (128,), 128), ((32,), (32,), 32)],
)  # fmt: skip
def test_images_are_spoilt_at_the_smallest_size_that_is_large_enough(
    kept: tuple[int, ...], inputs: tuple[int, ...], expected: int
) -> None:
    assert corruption_size(kept, inputs) == expected


def test_what_does_not_fit_is_refused() -> None:
    images, labels = bright_and_dark(10)
    with pytest.raises(DatasetError, match="a label for each of 10 images, found 9"):
        measure_robustness(Brightness(), images, labels[:9])
    with pytest.raises(DatasetError, match="at least one image"):
        measure_robustness(Brightness(), images, labels, rows=np.arange(0))
    with pytest.raises(ConfigError, match="at least one kind"):
        measure_robustness(Brightness(), images, labels, kinds=())
    with pytest.raises(DatasetError, match="incorrect_mask"):
        measure_robustness(Brightness(), images, labels + 1, kinds=KINDS[:1])


def test_a_kind_that_lowers_nothing_is_not_called_the_worst() -> None:
    images, labels = bright_and_dark()
    always_mask = Brightness(level=-1000)
    robustness = measure_robustness(always_mask, images, labels, kinds=FEW, resamples=100)
    first, second = robustness_sentences(robustness)
    assert first.endswith("no corruption lowers that.")
    assert second == "There is no mean corruption error: no reference model was given."
