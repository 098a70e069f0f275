"""Every file that is read back, damaged: an answer, or one error of ours with the file's name."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.studies.test_study_page import naive_and_honest
from tests.training.small_dataset import SIZE_PX, THREE_SPLITS, write_dataset, write_experiment

from facecover.dataset.arrays import Dataset, channel_statistics
from facecover.dataset.collect import DROPPED_NAME, read_drops, write_drops
from facecover.dataset.opened import of_dataset
from facecover.errors import FacecoverError
from facecover.inference.model_file import PackagedModel, packaged_models, read_facts
from facecover.preparation.label_corrections import read_corrections
from facecover.report.run_figures import curve_figures
from facecover.sources.rows import Drop
from facecover.studies.definition import read_study
from facecover.studies.results import STUDY_NAME, load_study
from facecover.studies.runs import ANSWERS_NAME, RunAnswers, read_answers
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.run_export import export_run
from facecover.training.run_folder import RunFolder, check_resumable
from facecover.training.trainer import restore_state
from facecover.workflows.train_run import Run
from facecover.yaml_text import read_yaml, to_yaml

Rng = np.random.Generator

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 3, 2**70, -0.5, float("nan"), "", "\x1b[2J\u202e", [], {}, [None], {"a": 1}
)  # fmt: skip
"""What a value may be that stands where another belongs."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, a run and the files of a study; each is damaged and put back."""
    folder = tmp_path_factory.mktemp("read_back")
    dataset = write_dataset(folder / "dataset", THREE_SPLITS, wide_cuts=9)
    drops = [Drop(Path(f"{name}.jpg"), "noise", "unreadable", "cut off") for name in "ab"]
    write_drops(folder / "dataset" / DROPPED_NAME, drops)
    experiment = load_experiment(write_experiment(folder / "small.yaml"))
    fit(experiment, dataset, folder / "run", device="cpu")
    naive_and_honest().result.save(folder)
    ones = np.ones(4, np.int64)
    answers = RunAnswers(ones, ones, np.ones((4, 2), np.float32), ones > 0, ones)
    with (folder / ANSWERS_NAME).open("wb") as stream:
        np.savez_compressed(stream, **vars(answers))
    shutil.copy(packaged_models()[0].facts, folder / "net.json")
    line = {"source": "noise", "path": "1.jpg", "label": "mask", "who": "me", "when": "", "why": ""}
    pd.DataFrame([line] * 3).to_csv(folder / "corrections.csv", index=False)
    (folder / "study.yaml").write_text(to_yaml(read_study("width").model_dump()), "utf-8")
    return folder


def _use_dataset(work: Path) -> None:
    images = of_dataset(work / "dataset", [SIZE_PX], "all", 2)
    assert set(images.labels.tolist()) <= {0, 1}
    channel_statistics(images.images[SIZE_PX], images.rows)
    Dataset.open(work / "dataset").wide_cuts(SIZE_PX).mean()


def _use_record(work: Path) -> None:
    run = Run.open(work / "run")
    run.to_json()
    experiment = load_experiment(work / "small.yaml")
    check_resumable(run.files, experiment, run.record.data_digest)


def _use_curves(work: Path) -> None:
    run = Run.open(work / "run")
    for figure in curve_figures({"run": run.curves}, ["model_1"]):
        assert figure.caption
    assert run.to_pandas() is run.curves


def _use_config(work: Path) -> None:
    load_experiment(work / "run/config.yaml").model_dump_json()


def _use_best(work: Path) -> None:
    export_run(work / "run", work / "out.onnx", None, int8=False)


def _use_last(work: Path) -> None:
    restore_state(RunFolder(work / "run"), load_experiment(work / "small.yaml"))


class Kind(NamedTuple):
    """A file that is read back, what reads it, and whether no damage of its bytes may pass."""

    file: str
    use: Callable[[Path], object]
    is_sealed: bool = False


KINDS = {
    kind.file: kind
    for kind in (
        Kind("dataset/manifest.parquet", _use_dataset),
        Kind(f"dataset/images_{SIZE_PX}.npy", _use_dataset, is_sealed=True),
        Kind(f"dataset/wide_{SIZE_PX}.npy", _use_dataset, is_sealed=True),
        Kind(f"dataset/{DROPPED_NAME}", lambda work: read_drops(work / "dataset" / DROPPED_NAME)),
        Kind("run/run.json", _use_record),
        Kind("run/metrics.csv", _use_curves),
        Kind("run/config.yaml", _use_config),
        Kind("run/best.ckpt", _use_best),
        Kind("run/last.ckpt", _use_last),
        Kind("run/model.onnx", lambda work: Run.open(work / "run").info, is_sealed=True),
        Kind(STUDY_NAME, lambda work: load_study(work / STUDY_NAME)),
        Kind(ANSWERS_NAME, read_answers),
        Kind("study.yaml", lambda work: read_study(work / "study.yaml")),
        Kind("net.json", lambda work: read_facts(PackagedModel(work / "net.onnx"))),
        Kind("corrections.csv", lambda work: read_corrections(work / "corrections.csv")),
    )
}


def _flipped(data: bytes, rng: Rng) -> bytes:
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    bits[rng.integers(len(bits), size=rng.integers(1, 9))] ^= 1
    return np.packbits(bits).tobytes()


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[: rng.integers(len(data))]


def _zeroed(data: bytes, rng: Rng) -> bytes:
    start = int(rng.integers(len(data)))
    size = int(rng.integers(1, len(data)))
    return data[:start] + bytes(len(data[start : start + size])) + data[start + size :]


def _swapped(data: bytes, rng: Rng, suffix: str) -> bytes:
    """The same kind of file with another value in it."""
    match suffix:
        case ".json":
            return json.dumps(_with_odd(json.loads(data), rng)).encode()
        case ".yaml":
            return to_yaml(_with_odd(read_yaml(data.decode(), "."), rng)).encode()
        case ".csv":
            return _with_odd_cell(data, rng)
        case ".ckpt":
            stream = io.BytesIO()
            loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            torch.save(_with_odd(loaded, rng), stream)
            return stream.getvalue()
        case ".parquet":
            return _with_odd_column(data, rng)
        case ".npy":
            images = np.load(io.BytesIO(data))
            odd = (images[:-1], images.astype(np.int16), images[..., 0], images[::-1], images * 0)
            stream = io.BytesIO()
            np.save(stream, odd[rng.integers(len(odd))])
            return stream.getvalue()
    return _flipped(data, rng)


def _with_odd(document: Any, rng: Rng) -> Any:  # noqa: ANN401  (whatever JSON can hold)
    """A document in which one value is another, or is not there."""
    inside = document
    while True:
        keys: list[Any] = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = keys[rng.integers(len(keys))]
        if not isinstance(inside[key], dict | list) or not inside[key] or rng.random() < 0.2:
            break
        inside = inside[key]
    if rng.random() < 0.2:
        del inside[key]
    else:
        inside[key] = ODD[rng.integers(len(ODD))]
    return document


def _with_odd_cell(data: bytes, rng: Rng) -> bytes:
    rows = list(csv.reader(io.StringIO(data.decode())))
    row = rows[rng.integers(len(rows))]
    row[rng.integers(len(row))] = str(ODD[rng.integers(len(ODD))])
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _with_odd_column(data: bytes, rng: Rng) -> bytes:
    arrow = pq.read_table(io.BytesIO(data))
    table = arrow.to_pandas()
    name = table.columns[rng.integers(len(table.columns))]
    odd = (None, -1, 7, 2**40, "odd", 0.5)[rng.integers(6)]
    table[name] = pd.Series([odd] * len(table), dtype=object if odd is None else None)
    meta = {b"facecover": (arrow.schema.metadata or {})[b"facecover"]}
    stream = io.BytesIO()
    new = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(new.replace_schema_metadata(meta), stream)
    return stream.getvalue()


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=settings().max_examples // 5)  # 15 kinds, and slow ones
@given(seed=st.integers(0, 2**32 - 1))
def test_damage_is_one_error_or_none(kind: Kind, seed: int, work: Path) -> None:
    rng = np.random.default_rng(seed)
    path = work / kind.file
    whole, before = path.read_bytes(), path.stat()
    harm = rng.integers(4)
    damaged = (
        _swapped(whole, rng, path.suffix)
        if harm == 3
        else (_flipped, _cut, _zeroed)[harm](whole, rng)
    )
    path.write_bytes(damaged)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1 + seed))
    try:
        kind.use(work)
        assert damaged == whole or not kind.is_sealed
    except FacecoverError as error:
        _check_said(str(error), path)
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _check_said(message: str, path: Path) -> None:
    assert message.isprintable()
    assert path.name in message
    assert len(message) < 1000
    assert "weights_only" not in message
