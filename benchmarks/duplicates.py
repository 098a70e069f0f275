"""How well duplicates are found: known changes of known photos, and photos of different persons.

Photos are drawn from the folders and dealt into two halves. On the first half thresholds of the
pixel comparison are tried; with the ones in use, the second half gives the recall for each kind of
change: a change counts as found if the changed photo stands in the group of its original. All
photos together give the pairs that must not be found, those of persons whose names in the file
names differ, and the time. Prints JSON, and writes sheets of pairs found, for a look.

    python benchmarks/duplicates.py PHOTOS... [--count 1200] [--sheets FOLDER]
"""

import argparse
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageEnhance, ImageOps

from facecover.copies.duplicates import (
    EDITED,
    MIRRORED,
    NEAR,
    DuplicateGroups,
    components,
    find_duplicates,
)
from facecover.copies.hashes import find_candidates, hash_images
from facecover.copies.identities import find_identities
from facecover.copies.matching import MAX_RELATIVE, compare
from facecover.dataset.arrays import Images
from facecover.dataset.manifest import BOX
from facecover.errors import ImageError
from facecover.images import read_photo, resized

Picture = Image.Image
Change = Callable[[Picture, np.random.Generator], Picture]

SIZE_PX = 64
TRIED = (12, 16, 20, 24, 28, 32, 36, 40)
PAIRS_A_SHEET = 84


def scaled(photo: Picture, factor: float) -> Picture:
    """The photo at another size."""
    size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    return photo.resize(size, Image.Resampling.BICUBIC)


def encoded(photo: Picture, quality: int) -> Picture:
    """The photo after it was written as JPEG and read."""
    content = io.BytesIO()
    photo.save(content, "JPEG", quality=quality)
    return read_photo(content.getvalue()).image


def cropped(photo: Picture, share: float, rng: np.random.Generator) -> Picture:
    """The photo without a share of its width and of its height, somewhere at its sides."""
    left, top = rng.random(2) * share
    width, height = photo.size
    box = (left * width, top * height, (1 - share + left) * width, (1 - share + top) * height)
    return photo.crop(tuple(round(side) for side in box))


def trimmed(photo: Picture, share: float) -> Picture:
    """The photo without a share of its width or height at each of its sides."""
    width, height = photo.size
    left, top = round(width * share), round(height * share)
    return photo.crop((left, top, width - left, height - top))


def brightened(photo: Picture, factor: float) -> Picture:
    """The photo brighter or darker."""
    return ImageEnhance.Brightness(photo).enhance(factor)


CHANGES: dict[str, Change] = {
    "half the size": lambda photo, _: scaled(photo, 0.5),
    "a quarter of the size": lambda photo, _: scaled(photo, 0.25),
    "1.7 times the size": lambda photo, _: scaled(photo, 1.7),
    "1.3 times as wide": lambda photo, _: photo.resize((round(photo.width * 1.3), photo.height)),
    "JPEG quality 30": lambda photo, _: encoded(photo, 30),
    "JPEG quality 10": lambda photo, _: encoded(photo, 10),
    "brighter by 1.3": lambda photo, _: brightened(photo, 1.3),
    "darker by 0.7": lambda photo, _: brightened(photo, 0.7),
    "contrast by 1.3": lambda photo, _: ImageEnhance.Contrast(photo).enhance(1.3),
    "contrast by 0.7": lambda photo, _: ImageEnhance.Contrast(photo).enhance(0.7),
    "grey": lambda photo, _: photo.convert("L").convert("RGB"),
    "mirrored": lambda photo, _: ImageOps.mirror(photo),
    "cropped by 2%": lambda photo, rng: cropped(photo, 0.02, rng),
    "cropped by 4%": lambda photo, rng: cropped(photo, 0.04, rng),
    "cropped by 6%": lambda photo, rng: cropped(photo, 0.06, rng),
    "cropped by 8%": lambda photo, rng: cropped(photo, 0.08, rng),
    "trimmed by 2% at each side": lambda photo, _: trimmed(photo, 0.02),
    "trimmed by 4% at each side": lambda photo, _: trimmed(photo, 0.04),
    "trimmed by 8% at each side": lambda photo, _: trimmed(photo, 0.08),
    "cropped by 5%, smaller, darker, JPEG 50": lambda photo, rng: encoded(
        brightened(scaled(cropped(photo, 0.05, rng), 0.6), 0.8), 50
    ),
    "the same, mirrored and brighter": lambda photo, rng: encoded(
        brightened(scaled(ImageOps.mirror(cropped(photo, 0.05, rng)), 0.6), 1.2), 50
    ),
    "turned by 3 degrees": lambda photo, _: photo.rotate(3, Image.Resampling.BICUBIC),
}


def photos_in(folders: list[Path]) -> Iterator[tuple[Path, Path, Picture]]:
    """Every readable photo, with its folder and path."""
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                yield folder, path, read_photo(path).image
            except ImageError:
                continue


def table_of(sources: list[str], paths: list[str], digests: list[str]) -> pd.DataFrame:
    """What finding duplicates and persons needs to know."""
    table = pd.DataFrame({"source": sources, "path": paths, "sha256": digests}, dtype="string")
    return table.assign(**{name: pd.array([None] * len(paths), dtype="Int32") for name in BOX})


def all_photos(folders: list[Path]) -> tuple[Images, pd.DataFrame, list[Path]]:
    """Every photo at 64 x 64, its table and its path."""
    images, sources, paths, digests, files = [], [], [], [], []
    for folder, path, photo in photos_in(folders):
        images.append(resized(photo, SIZE_PX))
        sources.append(folder.name)
        paths.append(path.relative_to(folder).as_posix())
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
        files.append(path)
    return np.stack(images), table_of(sources, paths, digests), files


def changed(
    files: list[Path], change: Change, rng: np.random.Generator
) -> Images:  # fmt: skip
    """Photos after a change, at 64 x 64."""
    return np.stack([resized(change(read_photo(path).image, rng), SIZE_PX) for path in files])


def recall(originals: Images, files: list[Path], seed: int) -> dict[str, float]:
    """By change, the share of photos that stand in one group with their original."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, change in CHANGES.items():
        both = np.concatenate([originals, changed(files, change, rng)])
        numbers = [str(row) for row in range(len(both))]
        groups = find_duplicates(both, table_of(numbers, numbers, numbers)).group
        found[name] = float((groups[: len(files)] == groups[len(files) :]).mean())
    return found


def thresholds(
    originals: Images, files: list[Path], images: Images, strangers: npt.NDArray[np.int64]
) -> list[dict[str, float]]:
    """Recall over all changes but turning, and pairs of strangers found, by threshold."""
    rng = np.random.default_rng(1)
    worst, relative = [], []
    for name, change in CHANGES.items():
        if "turned" in name:
            continue
        both = np.concatenate([originals, changed(files, change, rng)])
        pairs = np.arange(2 * len(files)).reshape(2, -1).T
        # A changed photo looks like its original in one of the two orientations.
        compared = [compare(both, pairs, np.full(len(pairs), way), 2) for way in (False, True)]
        worst.append(np.minimum(*(one.worst for one in compared)))
        relative.append(np.minimum(*(one.worst / one.contrast for one in compared)))
    apart = compare(images, strangers[:, :2], strangers[:, 2] == 1, 2)
    limits = [(limit, MAX_RELATIVE * limit / 28) for limit in TRIED]
    close = np.concatenate(worst), np.concatenate(relative)
    far = apart.worst, apart.worst / apart.contrast
    return [
        {
            "max_difference": limit,
            "max_relative": ratio,
            "recall_of_pairs_compared": float(((close[0] <= limit) & (close[1] <= ratio)).mean()),
            "strangers_taken_for_twins": int(((far[0] <= limit) & (far[1] <= ratio)).sum()),
            "strangers_compared": len(strangers),
        }
        for limit, ratio in limits
    ]


def strangers_among(images: Images, table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Candidates of different persons: ``int64 (n, 3)``, two rows and whether mirrored."""
    persons = pd.factorize(find_identities(table).identity)[0]
    hashes = hash_images(images, np.arange(len(images)), os.cpu_count() or 1)
    found = find_candidates(hashes.codes, os.cpu_count() or 1)
    first, second = persons[found.pairs].T
    lines = np.column_stack([found.pairs, found.is_mirrored])
    apart: npt.NDArray[np.int64] = lines[(first >= 0) & (second >= 0) & (first != second)]
    return apart


def wrong_pairs(found: DuplicateGroups, table: pd.DataFrame) -> dict[str, int]:
    """How many pairs of different persons were found, of how many there are."""
    persons = pd.factorize(find_identities(table).identity)[0]
    named = np.bincount(persons[persons >= 0]) if (persons >= 0).any() else np.zeros(0, int)
    pairs = found.pairs
    first, second = persons[pairs["first"]], persons[pairs["second"]]
    wrong = (first >= 0) & (second >= 0) & (first != second)
    same = (pairs["kind"] != EDITED).to_numpy(dtype=bool)
    return {
        "pairs_of_different_persons": int((named.sum() ** 2 - (named**2).sum()) // 2),
        "found_as_one_picture": int((wrong & same).sum()),
        "found_as_edited_copies": int((wrong & ~same).sum()),
    }


def write_sheet(path: Path, images: Images, pairs: pd.DataFrame, seed: int) -> int:
    """Pairs drawn at random, side by side; gives how many."""
    drawn = pairs.sample(min(PAIRS_A_SHEET, len(pairs)), random_state=seed)
    sheet = Image.new("RGB", (7 * 200, -(-len(drawn) // 7) * 100), "white")
    columns = (drawn[name].tolist() for name in ("first", "second", "kind"))
    for place, (first, second, kind) in enumerate(zip(*columns, strict=True)):
        left, top = place % 7 * 200, place // 7 * 100
        other = images[second][:, ::-1] if kind == MIRRORED else images[second]
        for offset, pixels in ((0, images[first]), (96, other)):
            photo = Image.fromarray(np.ascontiguousarray(pixels)).resize((96, 96))
            sheet.paste(photo, (left + offset, top))
    sheet.save(path)
    return len(drawn)


def sheets(folder: Path, images: Images, found: DuplicateGroups) -> dict[str, int]:
    """A sheet of near pairs, of mirrored ones, of the hardest of both, and of edited copies."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = found.pairs
    twins = pairs[pairs["kind"].isin([NEAR, MIRRORED])]
    chosen = {
        "near": pairs[pairs["kind"] == NEAR],
        "mirrored": pairs[pairs["kind"] == MIRRORED],
        "hardest": twins.nlargest(PAIRS_A_SHEET, "difference"),
        "edited": pairs[pairs["kind"] == EDITED],
    }
    return {
        f"{name} ({len(some):,} pairs)": write_sheet(folder / f"{name}.png", images, some, 0)
        for name, some in chosen.items()
        if len(some)
    }


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def imagehash_seconds(images: Images) -> float:
    """What imagehash takes for the hashes of the plain images alone, one by one."""

    def work() -> None:
        for image in images:
            photo = Image.fromarray(image)
            imagehash.phash(photo)
            imagehash.dhash(photo)

    return seconds_of(work)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--sheets", type=Path)
    options = parser.parse_args()
    images, table, files = all_photos(options.photos)
    start = time.perf_counter()
    found = find_duplicates(images, table)
    taken = time.perf_counter() - start
    # One photo of each family, so that none has a twin among the others.
    firsts = np.unique(found.family, return_index=True)[1]
    drawn = np.random.default_rng(0).permutation(firsts)[: options.count]
    trying, judging = drawn[::2], drawn[1::2]
    named = [[files[row] for row in half] for half in (trying, judging)]
    strangers = strangers_among(images, table)
    results: dict[str, Any] = {
        "photos": len(images),
        "groups": found.group_count,
        "families": found.family_count,
        "groups_if_chains_were_not_cut": int(components(len(images), same_pairs(found)).max()) + 1,
        "seconds": taken,
        "imagehash_seconds_for_plain_hashes": imagehash_seconds(images[:1000]) / 1000 * len(images),
        "thresholds_on_the_first_half": thresholds(images[trying], named[0], images, strangers),
        "photos_judged": len(judging),
        "recall_on_the_second_half": recall(images[judging], named[1], seed=2),
        "different_persons": wrong_pairs(found, table),
    }
    if options.sheets:
        results["sheets"] = sheets(options.sheets, images, found)
    print(json.dumps(results, indent=2))


def same_pairs(found: DuplicateGroups) -> npt.NDArray[np.int64]:
    """The links of one picture: ``int64 (n, 2)``."""
    links = found.pairs[found.pairs["kind"] != EDITED]
    return links[["first", "second"]].to_numpy(dtype=np.int64)


if __name__ == "__main__":
    main()
