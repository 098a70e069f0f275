"""How well a network that looks twice knows where faces are, learned from a dataset's wide cuts.

    python benchmarks/locating.py dataset96 [--seeds 3] [--larger 4] [--sheet found.png]

Learns as training does (`facecover.training.locator_training`), and prints the overlap of its
answers with the boxes of validation and test pictures, in windows of their wide cuts that show a
face from closely to from afar. The sheet shows the face that it finds in whole photos of each
source, from their 96 x 96 pixels; it is for looking, since nobody knows where those faces are.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from facecover.dataset.arrays import Dataset
from facecover.training.data_loader import wide_cuts_of
from facecover.training.locator_training import STEPS, learn_locator, overlap, windows_around
from facecover.training.residual_blocks import SIDE_PX, FaceLocator, cropped

SOURCE_PX = 96
WINDOWS = 4
"""Of each wide cut."""

COLUMNS, ROWS = 16, 3
"""Of the sheet, rows for each source."""


def main() -> None:
    """Print the overlap for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--larger", type=int, default=1, help="times larger batches, as on a GPU")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    dataset = Dataset.open(options.dataset)
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        locator = FaceLocator()
        cuts = wide_cuts_of(dataset, dataset.rows_of("train"), SOURCE_PX)
        start = time.perf_counter()
        images = cuts.images[cuts.indices]
        learn_locator(locator, images, cuts.places, STEPS, larger=options.larger)
        took = time.perf_counter() - start
        print(f"seed {seed}: learned from {len(cuts.rows):,} wide cuts in {took:.0f} s")
        for split in ("val", "test"):
            print_overlap(dataset, split, locator)
    if options.sheet is not None:
        draw_sheet(dataset, locator).save(options.sheet)


def print_overlap(dataset: Dataset, split: str, locator: FaceLocator) -> None:
    """The overlap with boxes of a split."""
    cuts = wide_cuts_of(dataset, dataset.rows_of(split), SOURCE_PX, WINDOWS)
    images = as_images(cuts.images[cuts.indices])
    windows, faces = windows_around(images, torch.from_numpy(cuts.places))
    with torch.no_grad():
        shares = overlap(locator(windows)[:, :4], faces).numpy()
    print(
        f"  {split}: {len(shares):,} windows of {len(cuts.rows) // WINDOWS} wide cuts, overlap "
        f"{shares.mean():.3f} in the mean, over a half for {np.mean(shares > 0.5):.1%}"
    )


def draw_sheet(dataset: Dataset, locator: FaceLocator) -> Image.Image:
    """Whole photos of each source, at random, with the face that was found."""
    table = dataset.manifest.table
    whole = table[table["x0"].isna()]
    sources = list(dict.fromkeys(whole["source"]))
    size = (COLUMNS * SOURCE_PX, ROWS * SOURCE_PX * len(sources))
    sheet = Image.new("RGB", size)
    rng = np.random.default_rng(0)
    for number, source in enumerate(sources):
        rows = np.flatnonzero((table["x0"].isna() & (table["source"] == source)).to_numpy())
        for place, row in enumerate(rng.permutation(rows)[: COLUMNS * ROWS]):
            pixels = np.array(dataset.images(SOURCE_PX)[[row]])
            part = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
            with torch.no_grad():
                x, y, width, height, _ = locator(cropped(as_images(pixels), part, SIDE_PX))[0]
            image = Image.fromarray(pixels[0])
            corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            box = [float(corner) * SOURCE_PX for corner in corners]
            ImageDraw.Draw(image).rectangle(box, outline=(0, 255, 0), width=2)
            down = number * ROWS + place // COLUMNS
            sheet.paste(image, (place % COLUMNS * SOURCE_PX, down * SOURCE_PX))
    return sheet


def as_images(pixels: np.ndarray) -> torch.Tensor:
    """``float32 (n, 3, S, S)``, 0..1, of ``uint8 (n, S, S, 3)``."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32) / 255


if __name__ == "__main__":
    main()
