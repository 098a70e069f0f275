"""`facecover predict` on a folder against plain loops, on the same cores; prints JSON.

Decoding alone is the shortest loop that opens every photo with Pillow, makes it RGB and squeezes
it to the model's input with the same filter: once on threads, once on processes, and the faster
of the two is the bound. Another loop decodes at the reduced scale that `predict` may use, and runs
the network besides: photos in parts of 32, each part on one thread. Every side is a process of its
own, timed from its start to its end, one after the other in turn. The photos are linked (or copied)
into a folder until there are enough. Memory is the resident set of `facecover predict`, sampled
from /proc. Linux only.

    python benchmarks/folder.py PHOTOS MODEL [--photos 10000] [--cores 2] [--repeats 3]
"""

import argparse
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from facecover.images import RESAMPLING
from facecover.inference.classifier import Classifier
from facecover.photos import reason_to_skip
from facecover.workflows.answer_photos import REDUCED_FACTOR

SAMPLE_SECONDS = 0.1

DECODING = ("decoding, threads", "decoding, processes")
ANSWERING = "decoding and network, threads"


def decode(
    path: Path, size_px: int, reduced: tuple[int, int] | None = None
) -> npt.NDArray[np.uint8] | None:
    """What any script would do with a photo."""
    try:
        stored = Image.open(path)
        stored.draft("RGB", reduced)
        image = stored.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return None
    return np.asarray(image.resize((size_px, size_px), RESAMPLING))


def decode_folder(folder: Path, size_px: int, workers: int, kind: str) -> None:
    """The plain loop; keeps no image."""
    paths = sorted(folder.iterdir())
    work = partial(decode, size_px=size_px)
    if kind == "threads":
        with ThreadPoolExecutor(workers) as threads:
            for _ in threads.map(work, paths):
                pass
    else:
        with ProcessPoolExecutor(workers) as processes:
            for _ in processes.map(work, paths, chunksize=32):
                pass


def answer_folder(folder: Path, size_px: int, workers: int, model: str) -> None:
    """The plain loop with the network; keeps no answer."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    reduced = (REDUCED_FACTOR * size_px, REDUCED_FACTOR * size_px)

    def answer(paths: list[Path]) -> None:
        images = [decode(path, size_px, reduced) for path in paths]
        given = np.stack([image for image in images if image is not None])
        session.run(["logits"], {"images": given})

    paths = sorted(folder.iterdir())
    parts = [paths[start : start + 32] for start in range(0, len(paths), 32)]
    with ThreadPoolExecutor(workers) as threads:
        for _ in threads.map(answer, parts):
            pass


def fill(folder: Path, source: Path, n_photos: int) -> None:
    """The photos of a folder and below, again and again until there are enough."""
    paths = [path for path in sorted(source.rglob("*")) if path.is_file()]
    photos = itertools.cycle([path for path in paths if reason_to_skip(path.name) is None])
    for number, path in enumerate(itertools.islice(photos, n_photos)):
        copy = folder / f"{number:06}{path.suffix}"
        try:
            os.link(path, copy)
        except OSError:
            shutil.copyfile(path, copy)


def resident_mb(pid: int) -> float:
    """The resident set of a process, 0 if it has gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def timed(command: list[str], cores: set[int]) -> tuple[float, float, list[float]]:
    """A command on some cores: seconds, seconds of processor time, and memory in MB over time."""
    samples: list[float] = []
    start, used = time.perf_counter(), processor_seconds()
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    ) as process:
        while process.poll() is None:
            samples.append(resident_mb(process.pid))
            time.sleep(SAMPLE_SECONDS)
    seconds = time.perf_counter() - start
    if process.returncode not in (0, 3):
        raise SystemExit(f"{command}: exit status {process.returncode}")
    return seconds, processor_seconds() - used, samples[:-1]


def processor_seconds() -> float:
    """What all child processes that have ended used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def sides(folder: Path, model: Path, workers: int, extra: list[str]) -> dict[str, list[str]]:
    """The command of each side."""
    size_px = str(Classifier(model).info.input_size_px)
    plain = [sys.executable, __file__, str(folder), str(model), "--size", size_px]
    plain += ["--cores", str(workers), "--decode"]
    predict = [sys.executable, "-m", "facecover", "predict", str(folder), "--model", str(model)]
    return {
        DECODING[0]: [*plain, "threads"],
        DECODING[1]: [*plain, "processes"],
        ANSWERING: [*plain, "network"],
        "predict": [*predict, "--json", "--threads", str(workers), *extra],
    }


def main() -> None:
    """Interleave the sides and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--decode", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("extra", nargs="*", help="options for predict, after --")
    options = parser.parse_args()
    if options.decode == "network":
        answer_folder(options.folder, options.size, options.cores, options.model)
        return
    if options.decode:
        decode_folder(options.folder, options.size, options.cores, options.decode)
        return
    cores = set(sorted(os.sched_getaffinity(0))[: options.cores])
    seconds: dict[str, list[float]] = {}
    processor: dict[str, list[float]] = {}
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), options.folder, options.photos)
        commands = sides(Path(name), Path(options.model), options.cores, options.extra)
        for _ in range(options.repeats):
            for side, command in commands.items():
                took, used, samples = timed(command, cores)
                seconds.setdefault(side, []).append(took)
                processor.setdefault(side, []).append(used)
                memory = samples if side == "predict" else memory
    report(options.photos, seconds, processor, memory)


def report(
    n_photos: int,
    seconds: dict[str, list[float]],
    processor: dict[str, list[float]],
    memory: list[float],
) -> None:
    """Print what was measured; on a machine that has other work, processor time says more."""
    medians = {side: statistics.median(times) for side, times in seconds.items()}
    used = {side: statistics.median(times) for side, times in processor.items()}
    quarter = max(1, len(memory) // 4)
    print(
        json.dumps(
            {
                "photos": n_photos,
                "seconds": seconds,
                "photos_per_second": {side: n_photos / value for side, value in medians.items()},
                "share_of_the_bound": share_of_the_bound(medians),
                "processor_seconds": used,
                "share_of_the_bound_by_processor_time": share_of_the_bound(used),
                "times_decoding_and_network": medians["predict"] / medians[ANSWERING],
                "times_decoding_and_network_by_processor_time": used["predict"] / used[ANSWERING],
                "predict_memory_mb": {
                    "second_quarter": statistics.mean(memory[quarter : 2 * quarter]),
                    "last_quarter": statistics.mean(memory[-quarter:]),
                    "largest": max(memory),
                },
            },
            indent=2,
        )
    )


def share_of_the_bound(seconds: dict[str, float]) -> float:
    """The speed of predicting over that of the faster plain loop."""
    return min(seconds[side] for side in DECODING) / seconds["predict"]


if __name__ == "__main__":
    main()
