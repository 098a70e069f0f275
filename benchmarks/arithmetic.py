"""Training arithmetic against the machine's own matrix products, in one run; prints JSON.

A training step of a network with M multiply-accumulates an image takes about 6 M floating point
operations: 2 M forward, and 2 M each for the gradients of the inputs and of the weights. Their
rate is set against that of a 2048 x 2048 matrix product in the same precision with the same
threads, each timed in turn.

    python benchmarks/arithmetic.py [--networks net1 net2] [--precision float32] [--compile]
        [--repeats 15] [--batch-size 64] [--threads N] [--device auto]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import log_softmax, nll_loss

from facecover.training.config import Experiment
from facecover.training.experiments import load_experiment
from facecover.training.isolation import choose_device, describe_device, flushed_denormals
from facecover.training.lightning_module import compiled
from facecover.training.network import Network, Normalisation, describe_network

GREY = Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
SIDE = 2048
OPERATIONS_PER_MAC = 6

Step = Callable[[], None]


@dataclass(frozen=True)
class Way:
    """How a step is computed.

    Attributes:
        device: ``cpu`` or ``cuda``.
        dtype: of the multiplications.
        is_compiled: whether the network is compiled first.
    """

    device: str
    dtype: torch.dtype
    is_compiled: bool


def training_step(experiment: Experiment, batch_size: int, way: Way) -> Step:
    """A whole step of training on a batch of noise."""
    device = way.device
    network = Network(experiment.network, GREY, 2).to(device)
    answer = compiled(network.forward) if way.is_compiled else network.forward
    optimizer = torch.optim.Adam(
        network.parameters(),
        lr=experiment.optimizer.learning_rate,
        weight_decay=experiment.optimizer.weight_decay,
    )
    size_px = experiment.network.input_size_px
    pixels = torch.randint(0, 256, (batch_size, size_px, size_px, 3), dtype=torch.uint8)
    images = pixels.permute(0, 3, 1, 2).to(device)
    labels = torch.randint(0, 2, (batch_size,), device=device)

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=way.dtype == torch.bfloat16):
            logits = answer(images)
        loss = nll_loss(log_softmax(logits.to(torch.float32), dim=1), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def matrix_product(way: Way) -> Step:
    """A product of two square matrices."""
    left, right = (torch.randn(SIDE, SIDE, device=way.device, dtype=way.dtype) for _ in range(2))

    def multiply() -> None:
        torch.mm(left, right)

    return multiply


def seconds(work: Step, device: str, repeats: int = 1) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / repeats


def measure(name: str, batch_size: int, repeats: int, way: Way) -> dict[str, Any]:
    """The rates of a network and of the matrix product, timed in turn."""
    experiment = load_experiment(name)
    macs = describe_network(experiment.network).macs
    works = {
        "training": training_step(experiment, batch_size, way),
        "matrix": matrix_product(way),
    }
    times: dict[str, list[float]] = {kind: [] for kind in works}
    for work in works.values():
        seconds(work, way.device, 3)
    for _ in range(repeats):
        for kind, work in works.items():
            times[kind].append(seconds(work, way.device))
    training, matrix = (statistics.median(times[kind]) for kind in works)
    rate = OPERATIONS_PER_MAC * macs * batch_size / training
    own_rate = 2 * SIDE**3 / matrix
    shares = [
        OPERATIONS_PER_MAC * macs * batch_size / ours / (2 * SIDE**3 / theirs)
        for ours, theirs in zip(times["training"], times["matrix"], strict=True)
    ]
    return {
        "network": name,
        "macs": macs,
        "step_ms": round(training * 1e3, 2),
        "images_per_second": round(batch_size / training),
        "gflops": round(rate / 1e9, 1),
        "matrix_product_gflops": round(own_rate / 1e9, 1),
        "share": round(rate / own_rate, 3),
        "share_range": [round(min(shares), 3), round(max(shares), 3)],
    }


def main() -> None:
    """Measure each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=["net1", "net2"])
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = choose_device(options.device)
    way = Way(device, getattr(torch, options.precision), options.compile)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with flushed_denormals():
        networks = [
            measure(name, options.batch_size, options.repeats, way) for name in options.networks
        ]
    document = {
        "device": describe_device(device),
        "torch": torch.__version__,
        "precision": options.precision,
        "is_compiled": options.compile,
        "batch_size": options.batch_size,
        "aim_share_net2": 0.5,
        "networks": networks,
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
