"""`facecover serve` under load, beside a loop in one process and a plain FastAPI endpoint; JSON.

The load comes from wrk (Debian has it), over the loopback: photos as files of a form, as browsers
and `curl -F` send them. Loop, server and plain endpoint are measured in turn, round after round, so
that what disturbs one disturbs all; figures are medians over the rounds, ratios are taken within a
round. Processor time counts the server's alone, without wrk's.

    python benchmarks/serving.py PHOTOS [--rounds 3] [--seconds 4] [--workers 1] [--minutes 0]
"""

import argparse
import io
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from latency import readable_photos
from memory import pss_mb, tree

CLIENTS = (1, 8, 64)

LUA = """
local bodies = {}
for number = 1, %d do
  local file = io.open("%s/" .. number, "rb")
  bodies[number] = file:read("*a")
  file:close()
end
local next_one = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=b0undary"
request = function()
  next_one = next_one %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[next_one])
end
"""


def plain_app() -> Any:  # noqa: ANN401
    """What is mostly found: each request decodes, resizes and runs the network by itself."""
    import onnxruntime
    from fastapi import FastAPI, UploadFile
    from PIL import Image

    from facecover.inference.model_file import DEFAULT_MODEL, packaged_file

    path = packaged_file(DEFAULT_MODEL)
    session = onnxruntime.InferenceSession(path.read_bytes())
    size_px = session.get_inputs()[0].shape[1]
    app = FastAPI()

    @app.post("/v1/predict")
    async def predict(photos: UploadFile) -> dict[str, float]:
        image = Image.open(io.BytesIO(await photos.read())).convert("RGB")
        pixels = np.asarray(image.resize((size_px, size_px), Image.Resampling.BILINEAR))
        (logits,) = session.run(["logits"], {"images": pixels[None]})
        exponentials = np.exp(logits[0] - logits[0].max())
        return {"mask": float(exponentials[1] / exponentials.sum())}

    return app


def looped(photos: list[bytes], seconds: int) -> dict[str, float]:
    """The same photos through a `Classifier`, one after the other, in a process of its own."""
    code = (
        "import json, sys, time; from pathlib import Path; from facecover import Classifier\n"
        "photos = [path.read_bytes() for path in Path(sys.argv[1]).iterdir()]\n"
        "classifier, n = Classifier(), 0; classifier(photos[0])\n"
        "began, used = time.perf_counter(), time.process_time()\n"
        "while time.perf_counter() - began < float(sys.argv[2]):\n"
        "    classifier(photos[n % len(photos)]); n += 1\n"
        "took = time.perf_counter() - began\n"
        "print(json.dumps([n / took, 1000 * (time.process_time() - used) / n]))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, photo in enumerate(photos):
            Path(folder, str(number)).write_bytes(photo)
        done = subprocess.run(
            [sys.executable, "-c", code, folder, str(seconds)],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
    rate, cpu_ms = json.loads(done.stdout)
    return {"photos_per_second": rate, "cpu_ms_a_photo": cpu_ms}


@contextmanager
def served(command: list[str]) -> Iterator[int]:
    """A server's process id, once it answers."""
    null = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=null, stderr=null) as process:
        port = int(command[command.index("--port") + 1])
        try:
            while not _listens(port) and process.poll() is None:
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def loaded(pid: int, port: int, script: Path, clients: int, seconds: int) -> dict[str, float]:
    """One run of wrk."""
    before = cpu_seconds(pid)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "--latency",
         "-s", str(script), f"http://127.0.0.1:{port}/v1/predict"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    used = cpu_seconds(pid) - before
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", done.stdout)[0])
    refused = re.findall(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    percentile = dict(re.findall(r"(50|99)%\s+([\d.]+\w+)", done.stdout))
    answered = int(re.findall(r"(\d+) requests in", done.stdout)[0])
    return {
        "photos_per_second": rate,
        "p50_ms": _milliseconds(percentile["50"]),
        "p99_ms": _milliseconds(percentile["99"]),
        "cpu_ms_a_photo": 1000 * used / max(answered, 1),
        "refused": float(refused[0]) if refused else 0.0,
    }


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def cpu_seconds(pid: int) -> float:
    """Of a process and all that descend from it."""
    ticks = 0
    for one in tree(pid):
        fields = Path(f"/proc/{one}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_over(pid: int, port: int, script: Path, minutes: float) -> list[float]:
    """MB of the server's processes each half minute under the load of 8 clients."""
    figures = []
    for _ in range(round(2 * minutes)):
        loaded(pid, port, script, 8, 30)
        figures.append(round(sum(map(pss_mb, tree(pid))), 1))
    return figures


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(run[key] for run in runs), 2) for key in runs[0]}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0, help="of load, to watch the memory")
    parser.add_argument("--serve", nargs="*", default=[], help="more of its options, without --")
    options = parser.parse_args()
    photos = readable_photos(options.photos, 64)
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        ports = [one.getsockname()[1], two.getsockname()[1]]
    first, second = map(str, ports)
    commands = {
        "facecover": [sys.executable, "-m", "facecover", "serve", "--port", first, "--workers",
                      str(options.workers), *(f"--{one}" for one in options.serve)],
        "plain": [sys.executable, "-m", "uvicorn", "--factory", "serving:plain_app",
                  "--app-dir", str(Path(__file__).parent), "--port", second, "--no-access-log",
                  "--workers", str(options.workers)],
    }  # fmt: skip
    runs: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        script = _written(photos, Path(folder))
        with served(commands["facecover"]) as ours, served(commands["plain"]) as plain:
            tasks: dict[str, Callable[[], dict[str, float]]] = {
                "loop": partial(looped, photos, options.seconds)
            }
            for clients in CLIENTS:
                for name, pid, port in (("facecover", ours, ports[0]), ("plain", plain, ports[1])):
                    tasks[f"{name} {clients}"] = partial(
                        loaded, pid, port, script, clients, options.seconds
                    )
            for _ in range(options.rounds):
                for name, task in tasks.items():
                    runs.setdefault(name, []).append(task())
            memory = memory_over(ours, ports[0], script, options.minutes)
    of_loop = {
        name: round(statistics.median(
            one["photos_per_second"] / loop["photos_per_second"]
            for one, loop in zip(found, runs["loop"], strict=True)
        ), 3)
        for name, found in runs.items()
    }  # fmt: skip
    print(
        json.dumps(
            {
                "photos": len(photos),
                "rounds": options.rounds,
                "medians": {name: _medians(found) for name, found in runs.items()},
                "rate_as_a_share_of_the_loops": of_loop,
                "memory_mb": memory,
            },
            indent=2,
        )
    )


def _written(photos: list[bytes], folder: Path) -> Path:
    head = b'--b0undary\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'
    for number, photo in enumerate(photos, 1):
        (folder / str(number)).write_bytes(head + photo + b"\r\n--b0undary--\r\n")
    script = folder / "load.lua"
    script.write_text(LUA % (len(photos), folder), "utf-8")
    return script


if __name__ == "__main__":
    main()
