"""How long one photo takes, on one thread, by model file; prints JSON.

The network alone, decoding and resizing alone, and both, against the same network in PyTorch
(eager, one thread). All are timed in turn, so that what disturbs one disturbs all.

    python benchmarks/latency.py MODEL... --photos DIR [--repeats 500] [--limit 50]
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from facecover.errors import ImageError
from facecover.images import read_photo
from facecover.inference.classifier import Classifier
from facecover.inference.model_info import ModelInfo
from facecover.training.config import NetworkConfig
from facecover.training.network import Network, Normalisation

Task = Callable[[bytes], object]


def readable_photos(folder: Path, limit: int) -> list[bytes]:
    """The bytes of photos spread over a folder; they are timed from memory, not from disk."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    chosen = np.random.default_rng(0).permutation(len(paths))[: 2 * limit]
    photos: list[bytes] = []
    for index in chosen:
        content = paths[index].read_bytes()
        try:
            read_photo(content)
        except ImageError:
            continue
        photos.append(content)
    if not photos:
        raise SystemExit(f"{folder}: no photo found")
    return photos[:limit]


def pytorch_network(info: ModelInfo) -> Network:
    """A model file's layers, ready to answer. Their weights are drawn: no matter to the time."""
    torch.manual_seed(0)
    config = NetworkConfig.model_validate(info.config["network"])
    normalisation = Normalisation(info.channel_mean, info.channel_std)
    return Network(config, normalisation, info.classes).eval()


def tasks_of(path: Path, photos: list[bytes]) -> dict[str, Task]:
    """What is timed of one model file, each on one photo."""
    classifier = Classifier(path, threads=1)
    size_px = classifier.info.input_size_px
    inputs = {content: read_photo(content).resized(size_px)[None] for content in photos}
    network = pytorch_network(classifier.info)

    def eager(content: bytes) -> object:
        with torch.inference_mode():
            pixels = torch.from_numpy(inputs[content].copy()).permute(0, 3, 1, 2)
            return torch.softmax(network(pixels), 1)

    return {
        "network": lambda content: classifier.classify_images(inputs[content]),
        "preprocessing": lambda content: read_photo(content).resized(size_px),
        "both": classifier,
        "pytorch_network": eager,
    }


def timed(
    tasks: dict[str, dict[str, Task]], photos: list[bytes], repeats: int
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Milliseconds by model and task, each task in turn on each photo in turn.

    Pairs of the time on the clock and of the processor's time in this thread, which other
    programs disturb less.
    """
    taken: dict[str, dict[str, list[tuple[float, float]]]] = {
        model: {name: [] for name in of_model} for model, of_model in tasks.items()
    }
    for round_ in range(-10, repeats):
        content = photos[round_ % len(photos)]
        for model, of_model in tasks.items():
            for name, task in of_model.items():
                wall, cpu = time.perf_counter(), time.thread_time()
                task(content)
                wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
                if round_ >= 0:
                    taken[model][name].append((wall * 1000, cpu * 1000))
    return taken


def facts(taken: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Median and 99th percentile of each task, and the ratio of the networks' medians."""
    document: dict[str, Any] = {}
    for name, times in taken.items():
        wall, cpu = np.array(times).T
        document[name] = {
            "median_ms": round(float(np.median(wall)), 3),
            "p99_ms": round(float(np.percentile(wall, 99)), 3),
            "cpu_median_ms": round(float(np.median(cpu)), 3),
        }
    ours, theirs = document["network"], document["pytorch_network"]
    ratio = theirs["cpu_median_ms"] / ours["cpu_median_ms"]
    return {**document, "network_times_faster_than_pytorch_cpu": round(ratio, 2)}


def main() -> None:
    """Measure every model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--limit", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(1)
    photos = readable_photos(options.photos, options.limit)
    tasks = {str(path): tasks_of(path, photos) for path in options.models}
    taken = timed(tasks, photos, options.repeats)
    document = {
        "onnxruntime": onnxruntime.__version__,
        "torch": torch.__version__,
        "photos": len(photos),
        "repeats": options.repeats,
        "models": {model: facts(of_model) for model, of_model in taken.items()},
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
