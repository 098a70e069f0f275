import io
from collections.abc import Callable

import imagehash
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from tests.copies.audit_pictures import images_of, picture
from tests.copies.photo_table import photo_table

from facecover.copies.duplicates import (
    EDITED,
    MIRRORED,
    NEAR,
    SAME_FILE,
    SAME_PIXELS,
    DuplicateGroups,
    codes,
    components,
    cut_chains,
    find_duplicates,
    group_copies,
)
from facecover.copies.hashes import MAX_BITS, Hashes, find_candidates, hash_images, luma
from facecover.copies.matching import compare
from facecover.dataset.arrays import Images
from facecover.errors import DatasetError

PHOTOS = [picture(seed) for seed in range(24)]


def found_in(images: Images, **columns: object) -> DuplicateGroups:
    return find_duplicates(images, photo_table([0] * len(images), **columns), workers=2)


def encoded(photo: Image.Image, quality: int) -> Image.Image:
    content = io.BytesIO()
    photo.save(content, "JPEG", quality=quality)
    return Image.open(content).convert("RGB")


def cropped(photo: Image.Image, share: float) -> Image.Image:
    width, height = photo.size
    return photo.crop((round(width * share), 0, width, round(height * (1 - share))))


def masked(photo: Image.Image) -> Image.Image:
    copy = photo.copy()
    draw = ImageDraw.Draw(copy)
    draw.rectangle((65, 107, 95, 132), fill=(200, 225, 250))
    return copy


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "smaller": lambda photo: photo.resize((60, 75)),
    "larger and wider": lambda photo: photo.resize((300, 250)),
    "re-encoded": lambda photo: encoded(photo, 20),
    "cropped": lambda photo: cropped(photo, 0.025),
    "darker": lambda photo: ImageEnhance.Brightness(photo).enhance(0.6),
    "brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.3),
    "of less contrast": lambda photo: ImageEnhance.Contrast(photo).enhance(0.6),
    "grey": lambda photo: photo.convert("L").convert("RGB"),
    "mirrored": ImageOps.mirror,
    "mirrored, cropped and re-encoded": lambda photo: encoded(
        cropped(ImageOps.mirror(photo), 0.02), 40
    ),
}


def hexadecimal(code: npt.NDArray[np.uint64]) -> tuple[str, str]:
    phash, dhash = (f"{word:016x}" for word in code.tolist())
    return phash, dhash


def test_hashes_are_those_of_imagehash_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 64, 64, 3), dtype=np.uint8)
    images = np.concatenate([images_of(PHOTOS), noise, np.full_like(noise[:1], 77)])
    codes = hash_images(images, np.arange(len(images)), workers=2).codes
    for image, (plain, mirrored, *_) in zip(images, codes, strict=True):
        for pixels, code in ((image, plain), (image[:, ::-1], mirrored)):
            photo = Image.fromarray(np.ascontiguousarray(pixels))
            expected = (str(imagehash.phash(photo)), str(imagehash.dhash(photo)))
            assert hexadecimal(code) == expected


def test_the_zoomed_hash_of_a_picture_is_near_the_hash_of_its_crop() -> None:
    trimmed = [photo.crop((6, 8, 154, 192)) for photo in PHOTOS]  # 4% at each side
    codes = hash_images(images_of(PHOTOS), np.arange(24), workers=1).codes
    crops = hash_images(images_of(trimmed), np.arange(24), workers=1).codes
    zoomed = np.bitwise_count(codes[:, 2] ^ crops[:, 0]).sum(axis=1)
    plain = np.bitwise_count(codes[:, 0] ^ crops[:, 0]).sum(axis=1)
    assert zoomed.max() <= 8
    assert zoomed.mean() < plain.mean() / 2


def test_luma_is_pillows() -> None:
    images = images_of(PHOTOS[:3])
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in images]
    np.testing.assert_array_equal(luma(images), np.stack(expected))


def flipped(
    codes: npt.NDArray[np.uint64], bits: int, rng: np.random.Generator
) -> npt.NDArray[np.uint64]:
    """The codes with exactly so many of their 128 bits changed."""
    changed = codes.copy()
    for code in changed:
        for bit in rng.choice(128, bits, replace=False):
            code[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return changed


@pytest.mark.parametrize("bits", [0, 1, 7, 12])
def test_every_pair_within_12_bits_is_a_candidate(bits: int) -> None:
    rng = np.random.default_rng(bits)
    codes = rng.integers(0, 2**64, (150, 2), dtype=np.uint64)
    both = np.concatenate([codes, flipped(codes, bits, rng)])[:, None]
    found = find_candidates(both, workers=2)
    pairs = {tuple(pair) for pair in found.pairs.tolist()}
    assert {(row, row + 150) for row in range(150)} <= pairs
    assert not found.is_mirrored.any()


def test_candidates_are_pairs_within_the_limit_and_most_of_all() -> None:
    rng = np.random.default_rng(3)
    centres = rng.integers(0, 2**64, (60, 1, 2), dtype=np.uint64)
    near = [flipped(centres[:, 0], bits, rng) for bits in (0, 3, 6, 9, 14, 19)]
    codes = np.stack([np.concatenate(near), np.concatenate(near[::-1])], axis=1)
    found = find_candidates(codes, workers=1)
    expected: dict[tuple[int, int, int], int] = {}
    for view in (0, 1):
        bits = np.bitwise_count(codes[:, None, 0] ^ codes[None, :, view]).sum(axis=2)
        for first, second in np.argwhere(bits <= MAX_BITS).tolist():
            if first != second:
                key = (min(first, second), max(first, second), view)
                expected[key] = min(expected.get(key, 128), int(bits[first, second]))
    lines = zip(found.pairs.tolist(), found.is_mirrored.tolist(), found.bits.tolist(), strict=True)
    got = {(first, second, int(way)): bits for (first, second), way, bits in lines}
    assert len(got) == len(found.pairs)
    assert got.keys() <= expected.keys()
    assert all(expected[key] == bits for key, bits in got.items())
    assert len(got) >= 0.95 * len(expected)


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_photo_is_in_the_group_of_its_original(name: str) -> None:
    change = CHANGES[name]
    images = images_of([*PHOTOS, *(change(photo) for photo in PHOTOS)])
    found = found_in(images)
    same = found.group[:24] == found.group[24:]
    assert same.mean() >= 0.95
    assert found.group_count == 48 - same.sum()
    kinds = set(found.pairs["kind"])
    assert kinds <= ({MIRRORED} if "mirrored" in name else {NEAR, SAME_PIXELS})


def test_different_pictures_stay_apart() -> None:
    images = images_of(picture(seed) for seed in range(100, 220))
    found = found_in(images)
    assert found.group_count == found.family_count == 120
    assert found.pairs.empty
    assert found.group.tolist() == list(range(120))


def test_a_picture_with_something_pasted_on_it_is_of_its_family_but_not_its_group() -> None:
    found = found_in(images_of([*PHOTOS, *(masked(photo) for photo in PHOTOS)]))
    np.testing.assert_array_equal(found.group, np.arange(48))
    assert (found.family[:24] == found.family[24:]).mean() >= 0.75
    assert len(np.unique(found.family[:24])) == 24
    assert set(found.pairs["kind"]) == {EDITED}


def test_copies_of_an_edited_picture_join_its_family() -> None:
    edited = masked(PHOTOS[4])
    images = images_of([PHOTOS[4], PHOTOS[1], edited, encoded(edited, 60)])
    found = found_in(images)
    assert found.group.tolist() == [0, 1, 2, 2]
    assert found.family.tolist() == [0, 1, 0, 0]


def test_the_kind_of_exact_copies_says_whether_the_file_is_the_same() -> None:
    images = images_of([PHOTOS[0], PHOTOS[0], PHOTOS[0], PHOTOS[1]])
    found = found_in(images, sha256=["a", "a", "b", "c"])
    assert found.pairs[["first", "second", "kind"]].values.tolist() == [
        [0, 1, SAME_FILE],
        [0, 2, SAME_PIXELS],
    ]
    assert found.group.tolist() == [0, 0, 0, 1]


def test_two_faces_of_one_photo_are_not_the_same_file() -> None:
    images = images_of([PHOTOS[0], PHOTOS[1]])
    boxes = {"x0": [0, 50], "y0": [0, 0], "x1": [40, 90], "y1": [40, 40]}
    found = found_in(images, sha256=["a", "a"], **boxes)
    assert found.group.tolist() == [0, 1]


def test_blank_images_are_the_same_only_if_their_pixels_are() -> None:
    greys = np.array([20, 20, 90, 200], np.uint8)
    images = np.broadcast_to(greys[:, None, None, None], (4, 64, 64, 3)).copy()
    found = found_in(images)
    assert found.group.tolist() == [0, 0, 1, 2]
    assert found.family.tolist() == [0, 0, 1, 2]


def test_groups_do_not_depend_on_the_order_of_images_or_on_threads() -> None:
    twins = [ImageOps.mirror(photo) for photo in PHOTOS[:6]] + [masked(PHOTOS[7]), PHOTOS[8]]
    images = images_of([*PHOTOS[:10], *twins])
    order = np.random.default_rng(5).permutation(len(images))
    first = found_in(images)
    second = find_duplicates(images[order], photo_table([0] * len(images)), workers=1)
    for one, other in ((first.group, second.group), (first.family, second.family)):
        together = one[order][:, None] == one[order][None]
        np.testing.assert_array_equal(together, other[:, None] == other[None])


def test_the_callers_images_and_table_are_untouched() -> None:
    images, table = images_of(PHOTOS[:5]), photo_table([0, 1, 0, 1, 0])
    kept, before = images.copy(), table.copy()
    images.setflags(write=False)
    find_duplicates(images, table, workers=1)
    np.testing.assert_array_equal(images, kept)
    pd.testing.assert_frame_equal(table, before)


def test_comparing_does_not_depend_on_which_image_is_first() -> None:
    images = images_of([*PHOTOS, *(cropped(photo, 0.03) for photo in PHOTOS)])
    pairs = np.column_stack([np.arange(24), np.arange(24, 48)])
    plain = np.zeros(24, bool)
    forward = compare(images, pairs, plain, 1)
    backward = compare(images, pairs[:, ::-1], plain, 1)
    np.testing.assert_array_equal(forward.same(), backward.same())
    np.testing.assert_allclose(forward.contrast, backward.contrast, rtol=0.1)


def test_as_many_threads_as_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def recorded(images: Images, rows: npt.NDArray[np.int64], workers: int) -> Hashes:
        threads.append(workers)
        return hash_images(images, rows, workers)

    monkeypatch.setattr("facecover.copies.duplicates.hash_images", recorded)
    monkeypatch.setattr("os.cpu_count", lambda: 512)
    monkeypatch.setattr("facecover.copies.duplicates.available_cores", lambda: 3)
    find_duplicates(images_of(PHOTOS[:3]), photo_table([0, 1, 0]))
    assert threads == [3]


def test_copies_edits_and_the_faces_of_one_photo_are_not_independent() -> None:
    edited, mirrored = masked(PHOTOS[4]), ImageOps.mirror(PHOTOS[1])
    images = images_of([PHOTOS[4], PHOTOS[1], edited, mirrored, PHOTOS[2], PHOTOS[3], PHOTOS[5]])
    files = ["a", "b", "c", "d", "e", "e", "f"]
    groups = group_copies(photo_table([0] * 7, sha256=files), images)
    assert groups.dtype == np.int64
    assert groups.tolist() == [0, 1, 0, 1, 2, 2, 3]


def test_no_image_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"no image to look for duplicates in"):
        find_duplicates(np.zeros((0, 64, 64, 3), np.uint8), photo_table([]))


def test_images_that_do_not_fit_the_table_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"expected uint8 \(3, 64, 64, 3\), found uint8 \(2,"):
        find_duplicates(images_of(PHOTOS[:2]), photo_table([0, 0, 1]))


Pairs = npt.NDArray[np.int64]
LINKS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30)


def pairs_of(links: list[tuple[int, int]]) -> Pairs:
    return np.array(links, dtype=np.int64).reshape(-1, 2)


def always(pairs: Pairs) -> npt.NDArray[np.bool_]:
    return np.ones(len(pairs), bool)


def test_groups_are_numbered_by_their_first_members() -> None:
    assert codes(np.array([7, 3, 7, 9, 3])).tolist() == [0, 1, 0, 2, 1]


def test_what_is_linked_through_others_is_one_group() -> None:
    assert components(6, pairs_of([(5, 1), (1, 3)])).tolist() == [0, 1, 2, 1, 3, 1]


def test_no_link_no_group() -> None:
    assert components(3, pairs_of([])).tolist() == [0, 1, 2]


def test_a_chain_is_cut_where_its_ends_are_strangers() -> None:
    # Pictures on a line; a link joins neighbours, three steps away is another picture.
    chain = pairs_of([(place, place + 1) for place in range(9)])
    groups = cut_chains(10, chain, lambda pairs: np.abs(np.subtract(*pairs.T)) <= 2)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        assert np.ptp(members) <= 4
        assert (np.diff(members) == 1).all()
    assert len(np.unique(groups)) < 6


def test_a_bridge_between_two_tight_groups_is_cut() -> None:
    tight = [(a, b) for a in range(4) for b in range(a)]
    links = [*tight, *((a + 4, b + 4) for a, b in tight), (3, 4)]

    def same_half(pairs: Pairs) -> npt.NDArray[np.bool_]:
        return np.equal(pairs[:, 0] < 4, pairs[:, 1] < 4)

    groups = cut_chains(8, pairs_of(links), same_half)
    assert len(set(groups.tolist())) == 2
    assert (groups[[0, 1, 2]] == groups[0]).all()
    assert (groups[[5, 6, 7]] == groups[7]).all()
    assert groups[0] != groups[7]


@given(LINKS)
@settings(max_examples=60)
def test_where_all_agree_nothing_is_cut(links: list[tuple[int, int]]) -> None:
    pairs = pairs_of(links)
    assert cut_chains(12, pairs, always).tolist() == components(12, pairs).tolist()


@given(LINKS, st.integers(0, 2**16))
@settings(max_examples=60)
def test_cutting_only_divides_and_always_ends(links: list[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    verdicts = rng.random((12, 12)) < 0.5
    pairs = pairs_of(links)
    whole = components(12, pairs)
    cut = cut_chains(12, pairs, lambda some: verdicts[some[:, 0], some[:, 1]])
    for group in np.unique(cut):
        assert len(np.unique(whole[cut == group])) == 1
