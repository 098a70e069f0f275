"""Peak memory of every command of the study, its helper processes included; prints JSON.

Memory is the proportional set size (PSS) of the command's process tree, sampled five times a
second from /proc: pages that processes share count once. Linux only.

    python benchmarks/memory.py SOURCE... [--label NAME=mask] [--epochs 1]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLE_SECONDS = 0.2


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        listing = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8")
    except OSError:
        return []
    return [pid, *(found for child in listing.split() for found in tree(int(child)))]


def pss_mb(pid: int) -> float:
    """The proportional set size of one process, 0 if it has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def peak_mb(arguments: list[str], cwd: Path) -> float:
    """The peak memory of one command."""
    command = [sys.executable, "-m", "facecover", *arguments]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, sum(pss_mb(pid) for pid in tree(process.pid)))
            time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{arguments}: exit status {process.returncode}")
    return round(peak, 1)


def main() -> None:
    """Run the study once and print each command's peak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    sources = [str(path.resolve()) for path in options.sources]
    reading = [part for label in options.label for part in ("--label", label)]
    epochs = ["--set", f"training.epochs={options.epochs}"]
    study = {
        "explore": ["explore", *sources, *reading, "-o", "explored"],
        "prepare": ["prepare", *sources, *reading, "-o", "dataset"],
        "train net1": ["train", "net1", "--data", "dataset", "-o", "net1", *epochs],
        "train net2": ["train", "net2", "--data", "dataset", "-o", "net2", *epochs],
        "evaluate": ["evaluate", "net2", "--data", "dataset", "-o", "evaluated"],
        "compare": ["compare", "net1", "net2", "--data", "dataset", "-o", "compared"],
    }
    with tempfile.TemporaryDirectory() as name:
        peaks = {step: peak_mb(arguments, Path(name)) for step, arguments in study.items()}
    print(json.dumps({"peak_mb": peaks, "largest_mb": max(peaks.values())}, indent=2))


if __name__ == "__main__":
    main()
