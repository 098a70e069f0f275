"""Loading an epoch against its arithmetic and against loading image by image; prints JSON.

Each network's epoch is read from a memory-mapped array of noise: once as the package reads it, a
batch in one gather, and once as a PyTorch `Dataset` of single images with the default collation.
Training steps on the same batches are timed in between; an epoch's arithmetic is the median step
times the steps of an epoch.

    python benchmarks/loading.py [--images 8000] [--repeats 5] [--batch-size 64] [--threads N]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss
from torch.utils.data import DataLoader, Dataset

from facecover.training.data_loader import Batches, BatchOrder
from facecover.training.experiments import load_experiment
from facecover.training.isolation import flushed_denormals
from facecover.training.network import Network, Normalisation

GREY = Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
STEPS = 8

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


class SingleImages(Dataset[tuple[Tensor, int]]):
    """What a script would do: one image an item, collated by PyTorch."""

    def __init__(self, images: Pixels, labels: Labels) -> None:
        self._images = images
        self._labels = labels

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """``uint8 (3, S, S)``, RGB, and its label."""
        image = torch.from_numpy(np.array(self._images[index])).permute(2, 0, 1)
        return image, int(self._labels[index])


def write_noise(folder: Path, n: int, size_px: int) -> tuple[Pixels, Labels]:
    """A memory-mapped array of noise, and labels."""
    rng = np.random.default_rng(0)
    path = folder / f"images_{size_px}.npy"
    np.save(path, rng.integers(0, 256, (n, size_px, size_px, 3), dtype=np.uint8))
    return np.load(path, mmap_mode="r"), rng.integers(0, 2, n)


def epoch_seconds(loader: Iterable[Any]) -> float:
    """How long it takes to read every batch."""
    start = time.perf_counter()
    for images, *_ in loader:
        if images.shape[1] != 3:
            raise ValueError(f"expected (B, 3, S, S), found {tuple(images.shape)}")
    return time.perf_counter() - start


def step_seconds(network: Network, optimizer: torch.optim.Optimizer, loader: Any) -> list[float]:  # noqa: ANN401
    """How long each of the first steps of an epoch takes, its loading left out."""
    times = []
    for (images, labels, _), _ in zip(loader, range(STEPS), strict=False):
        start = time.perf_counter()
        loss = nll_loss(log_softmax(network(images), dim=1), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        times.append(time.perf_counter() - start)
    return times


def measure(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Loading and arithmetic of one network's epoch, timed in turn."""
    experiment = load_experiment(name)
    size_px = experiment.network.input_size_px
    images, labels = write_noise(folder, options.images, size_px)
    network = Network(experiment.network, GREY, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    order = BatchOrder(options.images, options.batch_size, seed=0)
    batches = Batches(images, labels, np.arange(options.images))
    ours = DataLoader(batches, batch_size=None, sampler=order)
    single = DataLoader(SingleImages(images, labels), options.batch_size, shuffle=True)
    times: dict[str, list[float]] = {"ours": [], "single": [], "step": []}
    step_seconds(network, optimizer, ours)
    for epoch in range(options.repeats):
        order.set_epoch(epoch)
        times["ours"].append(epoch_seconds(ours))
        times["single"].append(epoch_seconds(single))
        times["step"] += step_seconds(network, optimizer, ours)
    arithmetic = statistics.median(times["step"]) * len(order)
    loading, alternative = statistics.median(times["ours"]), statistics.median(times["single"])
    return {
        "network": name,
        "images": options.images,
        "size_px": size_px,
        "arithmetic_seconds": round(arithmetic, 3),
        "loading_seconds": round(loading, 4),
        "single_images_seconds": round(alternative, 4),
        "loading_share_of_arithmetic": round(loading / arithmetic, 4),
        "single_images_share_of_arithmetic": round(alternative / arithmetic, 4),
        "times_faster_than_single_images": round(alternative / loading, 1),
    }


def main() -> None:
    """Measure both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder, flushed_denormals():
        networks = [measure(name, Path(folder), options) for name in ("net1", "net2")]
    document = {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batch_size": options.batch_size,
        "aim_share": 0.03,
        "networks": networks,
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
