"""Write all that a user sees, with every seed fixed, so that two versions can be compared.

    python benchmarks/frozen.py OUT [--package facecover]
    diff -r BEFORE AFTER

What is written: every help text; what each command prints, on both streams, and as JSON; the pages
without what changes from day to day; the digest of a prepared dataset; the answers of the packaged
models on drawn faces; a run's weights after two epochs. The photos are drawn, the work is done
below a temporary folder, and the name of the package is replaced in every text.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = (
    "demo", "draw", "explore", "audit", "prepare", "train", "evaluate", "compare", "study",
    "predict", "export", "card", "models",
)  # fmt: skip
"""Every command, in the order of the work."""

STEPS = (
    ("draw", "draw -o photos --train 400 --test 100 --seed 3"),
    ("explore", "explore photos -o explored"),
    ("explore-json", "explore photos --json"),
    ("audit", "audit photos -o audited --no-suspects"),
    ("audit-json", "audit photos --json"),
    ("prepare", "prepare photos -o dataset --size 96 --size 112"),
    ("explore-dataset", "explore dataset --json"),
    ("train-net1", "train net1 --data dataset -o runs/net1 --set training.epochs=2 --device cpu"),
    ("train-net2", "train net2 --data dataset -o runs/net2 --set training.epochs=1 --device cpu"),
    ("evaluate", "evaluate runs/net1 --data dataset -o evaluated --resamples 200"),
    ("evaluate-json", "evaluate runs/net1 --data dataset --json --resamples 200"),
    (
        "evaluate-all",
        "evaluate net1 --data dataset -o evaluated-all --resamples 200 --explain --robustness "
        "--cost-miss 3 --cost-alarm 1 --target-accuracy 0.9",
    ),
    (
        "evaluate-all-json",
        "evaluate net1 --data photos --json --resamples 200 --explain --cost-miss 3 "
        "--cost-alarm 1 --split test",
    ),
    ("compare", "compare runs/net1 net1 net2 --data dataset -o compared --resamples 200"),
    ("compare-json", "compare runs/net1 net1 --data dataset --json --resamples 200"),
    (
        "study",
        "study first-filter --data photos -o studied --seeds 1 --device cpu "
        "--set training.epochs=1",
    ),
    ("export", "export runs/net1 --data dataset -o net1.onnx --int8"),
    ("card", "card runs/net1 --data dataset -o card.md"),
    ("predict", "predict photos/test"),
    ("predict-json", "predict photos/test --json --model net1"),
    ("predict-csv", "predict photos/test --csv --model net2"),
    ("predict-run", "predict photos/test --json --model runs/net1"),
    ("models", "models"),
    ("models-json", "models --json"),
    ("no-photos", "predict nowhere"),
    ("no-command", "nothing"),
)  # fmt: skip
"""A name for what is written, and the command; each works on what the ones before it made."""

PAGES = ("explored", "audited", "runs/net1", "evaluated", "evaluated-all", "compared", "studied")
"""Folders whose text files are kept, pages among them."""

KEPT = frozenset({".html", ".json", ".csv", ".md", ".yaml"})

_CHANGING = (
    (re.compile(r"data:[a-z/+-]+;base64,[A-Za-z0-9+/=]+"), "data:…"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"), "DATE"),
    (re.compile(r"\b[0-9.,]+ ?(ms|images/s|photos/s|photos a second|seconds|s)\b"), "TIME"),
    (re.compile(r"\"[a-z_]*(seconds|_ms|per_second)\": [0-9.e-]+"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"(?<=[\d\"#-])[mp][0-9a-f]{10}\b"), "ID"),
    (re.compile(r"data-sort=\"[0-9.]+\">TIME"), "TIME"),
)
"""What differs between two calls of one version."""


def main() -> None:
    """Freeze one version into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="the folder to make")
    parser.add_argument("--package", default="facecover", help="what is run with python -m")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        frozen = _Frozen(chosen.package, Path(name), chosen.out.resolve())
        for command in ("", *COMMANDS):
            frozen.run(f"help-{command or 'all'}", f"{command} --help")
        for step, line in STEPS:
            frozen.run(step, line)
        frozen.keep()


class _Frozen:
    def __init__(self, package: str, work: Path, out: Path) -> None:
        self._package, self._work, self._out = package, work, out

    def run(self, name: str, line: str) -> None:
        """Run one command and write its status and both streams."""
        done = subprocess.run(
            [sys.executable, "-m", self._package, *line.split()],
            cwd=self._work,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "120", "TERM": "dumb", "CUDA_VISIBLE_DEVICES": ""},
        )
        text = f"status {done.returncode}\n--- out\n{done.stdout}\n--- err\n{done.stderr}"
        (self._out / f"{name}.txt").write_text(self._settled(text), "utf-8")
        sys.stderr.write(f"{name}: {done.returncode}\n")

    def keep(self) -> None:
        """Keep the pages and tables, and the digests of what is not text."""
        for folder in PAGES:
            for path in sorted((self._work / folder).glob("*")):
                if path.suffix in KEPT:
                    kept = self._out / folder / path.name
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(self._settled(path.read_text("utf-8")), "utf-8")
        if (self._work / "card.md").is_file():
            shutil.copy(self._work / "card.md", self._out)
        digests = {
            "photos": _digest(self._work / "photos", "*.*"),
            "images": _digest(self._work / "dataset", "images_*.npy"),
            "weights": {name: _weights(self._work / "runs" / name) for name in ("net1", "net2")},
        }
        (self._out / "digests.json").write_text(json.dumps(digests, indent=2) + "\n", "utf-8")

    def _settled(self, text: str) -> str:
        text = text.replace(str(self._work), "WORK")
        for pattern, instead in _CHANGING:
            text = pattern.sub(instead, text)
        # Help is drawn in boxes, whose width depends on the name.
        text = re.sub(self._package, "PACKAGE", text, flags=re.IGNORECASE)
        return re.sub(r"[ ─]{2,}", "  ", text)


def _digest(folder: Path, pattern: str) -> str:
    hashed = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        if path.is_file():
            hashed.update(path.name.encode() + path.read_bytes())
    return hashed.hexdigest()


def _weights(run: Path) -> str:
    import torch

    path = run / "last.ckpt"
    if not path.is_file():
        return "no checkpoint"
    state = torch.load(path, weights_only=True)["state_dict"]
    hashed = hashlib.sha256()
    for name in sorted(state):
        hashed.update(name.encode() + state[name].numpy().tobytes())
    return hashed.hexdigest()


if __name__ == "__main__":
    main()
