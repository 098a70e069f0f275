"""What the page takes from the Python package, so that each fact stands in one place.

Writes `src/generated/`: the facts of the models and rules as JSON, the reports' colours as CSS, the
networks and the runtime compressed, and a few drawn faces to try.
"""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

import facecover
from facecover import images
from facecover.drawn import draw_face
from facecover.inference import prediction
from facecover.inference.model_file import MODELS_FOLDER, PackagedModel, read_facts, read_model_file
from facecover.report.plotting import css_variables
from facecover.scenes import detector
from facecover.scenes.detector_file import read_detector_file

HERE = Path(__file__).parent
OUTPUT = HERE / "src/generated"
RUNTIME = HERE / "node_modules/onnxruntime-web/dist"
CLASSIFIER = PackagedModel(MODELS_FOLDER / "maskresnet-float32.onnx")
"""Float32: the browser's runtime multiplies INT8 more slowly."""

DETECTOR = PackagedModel(MODELS_FOLDER / "faces.onnx")

EXAMPLES = ((326, 1), (313, 0), (319, 1), (317, 0))
"""Seed and label of the drawn faces."""


def main() -> None:
    """Write everything anew."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "examples").mkdir(parents=True)
    # ".bin", not ".gz": some web servers would unpack a ".gz" on their own.
    _compress(RUNTIME / "ort-wasm-simd-threaded.wasm", "runtime.bin")
    _compress(CLASSIFIER.path, "classifier.bin")
    if DETECTOR.path.is_file():
        _compress(DETECTOR.path, "detector.bin")
    # ".js", not ".mjs": not every web server knows that for a script.
    shutil.copy(RUNTIME / "ort-wasm-simd-threaded.mjs", OUTPUT / "runtime.js")
    (OUTPUT / "facts.json").write_text(json.dumps(_facts(), indent=1), "utf-8")
    (OUTPUT / "colours.css").write_text(_colours(), "utf-8")
    for number, (seed, label) in enumerate(EXAMPLES, 1):
        face = draw_face(np.random.default_rng(seed), label, (320, 320))
        face.save(OUTPUT / f"examples/drawn-{number}.jpg", quality=85)


def _compress(path: Path, name: str) -> None:
    (OUTPUT / name).write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _facts() -> dict[str, Any]:
    info = read_model_file(CLASSIFIER.path).info
    return {
        "version": facecover.__version__,
        "max_pixels": images.MAX_PIXELS,
        "classifier": {
            "file_sha256": info.file_sha256,
            "class_names": info.class_names,
            "input_size_px": info.input_size_px,
            "temperature": info.temperature,
            "threshold": info.threshold,
            "uncertain_band": info.uncertain_band,
        },
        "detector": _detector(),
        "doubt": {
            "smallest_side_px": prediction.SMALLEST_SIDE_PX,
            "dark_level": images.DARK_LEVEL,
            "bright_level": images.BRIGHT_LEVEL,
            "lit_share": images.LIT_SHARE,
            "blank_below": images.BLANK_BELOW,
            "luma": [float(weight) for weight in images.LUMA],
        },
        "measured": _measured(info.file_sha256),
    }


def _detector() -> dict[str, Any] | None:
    if not DETECTOR.path.is_file():
        return None
    info = read_detector_file(DETECTOR.path).info
    return {
        "file_sha256": info.file_sha256,
        "threshold": info.threshold,
        "longest_side_px": detector.LONGEST_SIDE_PX,
        "low_sides_px": detector.LOW_SIDES_PX,
        "least_side_in_low_px": detector.LEAST_SIDE_IN_LOW_PX,
        "min_side_px": detector.MIN_SIDE_PX,
        "reducing_gap": detector.REDUCING_GAP,
        "overlap": detector.OVERLAP,
        "voting": detector.VOTING,
        "cell_px": detector.CELL_PX,
    }


def _measured(file_sha256: str) -> dict[str, Any] | None:
    """What the model's card says of its accuracy; None if it was never measured."""
    facts = read_facts(CLASSIFIER)
    if facts is None or facts["file_sha256"] != file_sha256:
        return None
    test = facts["test"]
    left_out = [one["accuracy"] for one in facts["left_out"]]
    return {
        "accuracy": test["accuracy"],
        "ci95": test["ci95"]["accuracy"],
        "n": test["n"],
        "sources": len(facts["sources"]),
        "of_twin": test["model"]["file_sha256"] != file_sha256,
        "left_out": [min(left_out), max(left_out)] if left_out else None,
    }


def _colours() -> str:
    """The reports' colours by the reader's setting."""
    light, dark = (
        ":root {" + " ".join(f"{name}: {value};" for name, value in form.items()) + "}"
        for form in css_variables().values()
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n"


if __name__ == "__main__":
    main()
