"""How long an answer takes from a fresh process; prints JSON.

Every process is started in turn, as often as told, after one round that fills the disk's cache.
Beside the time on the clock stands the processor's time, which other programs disturb less.

    python benchmarks/startup.py PHOTO [--model MODEL] [--repeats 15]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from facecover.inference.model_file import DEFAULT_MODEL, read_model_file
from facecover.training.config import NetworkConfig
from facecover.training.network import Network, Normalisation

BASE = "import numpy, PIL, onnxruntime"
CLASSIFIER = """
import sys
from facecover import Classifier
print(Classifier(sys.argv[2], threads=1)(sys.argv[1]).label)
"""
# What a script would do: the network's layers as PyTorch saves them, nothing of this package.
PYTORCH = """
import sys
import numpy, torch
from PIL import Image, ImageOps
torch.set_num_threads(1)
saved = torch.load(sys.argv[2], weights_only=False)
side = saved["size_px"]
with Image.open(sys.argv[1]) as image:
    image = ImageOps.exif_transpose(image).convert("RGB").resize((side, side))
pixels = torch.from_numpy(numpy.array(image)).permute(2, 0, 1)[None].float()
with torch.inference_mode():
    logits = saved["layers"]((pixels - saved["mean"]) / saved["std"])
print(torch.softmax(logits, 1)[0, 1].item())
"""


@dataclass
class Process:
    """A command line and how long it took, each time.

    Attributes:
        command: what is started.
        wall: seconds on the clock.
        cpu: seconds of the processor, user and system.
    """

    command: list[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Run it once more."""
        start = time.perf_counter()
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        process = os.posix_spawn(self.command[0], self.command, os.environ, file_actions=quiet)
        _, status, used = os.wait4(process, 0)
        self.wall.append(time.perf_counter() - start)
        self.cpu.append(used.ru_utime + used.ru_stime)
        if status:
            raise SystemExit(f"{self.command}: exit status {os.waitstatus_to_exitcode(status)}")

    def facts(self, base: "Process") -> dict[str, float]:
        """Medians, and how many times those of another process."""
        wall, cpu = statistics.median(self.wall), statistics.median(self.cpu)
        return {
            "wall_ms": round(wall * 1000, 1),
            "cpu_ms": round(cpu * 1000, 1),
            "wall_times_base": round(wall / statistics.median(base.wall), 2),
            "cpu_times_base": round(cpu / statistics.median(base.cpu), 2),
        }


def save_layers(model: Path, place: Path) -> None:
    """Save a model file's layers as a script without this package would have them.

    Their weights are drawn: they do not matter to the time.
    """
    info = read_model_file(model).info
    config = NetworkConfig.model_validate(info.config["network"])
    network = Network(config, Normalisation(info.channel_mean, info.channel_std), info.classes)
    document: dict[str, Any] = {
        "layers": network.layers,
        "size_px": info.input_size_px,
        "mean": network.normalise.mean,
        "std": network.normalise.std,
    }
    torch.save(document, place)


def main() -> None:
    """Start every process in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--model", type=Path, default=Path(DEFAULT_MODEL))
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    python, photo, model = sys.executable, str(options.photo), str(options.model)
    predict = [python, "-m", "facecover", "predict", photo, "--model", model, "--threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        layers = Path(folder) / "layers.pt"
        save_layers(options.model, layers)
        processes = {
            "python": Process([python, "-c", "pass"]),
            "base": Process([python, "-c", BASE]),
            "import_facemask": Process([python, "-c", "import facecover"]),
            "classifier": Process([python, "-c", CLASSIFIER, photo, model]),
            "predict": Process(predict),
            "help": Process([python, "-m", "facecover", "--help"]),
            "pytorch": Process([python, "-c", PYTORCH, photo, str(layers)]),
        }
        for process in processes.values():
            process.start()
            process.wall.clear()
            process.cpu.clear()
        for _ in range(options.repeats):
            for process in processes.values():
                process.start()
    facts = {name: process.facts(processes["base"]) for name, process in processes.items()}
    document = {"repeats": options.repeats, "base_command": BASE, "aim_predict_times_base": 2}
    print(json.dumps(document | facts, indent=2))


if __name__ == "__main__":
    main()
