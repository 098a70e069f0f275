"""A study from end to end: what is trained, what is not trained again, and what is written."""

import dataclasses
import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.copies.audit_pictures import picture

import facecover
from facecover.dataset.arrays import Dataset
from facecover.errors import DatasetError, RunError
from facecover.evaluation.intervals import measure
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.progress import SILENT, OnProgress
from facecover.sources.reading import read_sources
from facecover.studies import runs as runs_module
from facecover.studies.definition import Study
from facecover.studies.divisions import Photos, photos_once, photos_with_copies
from facecover.studies.engine import run_study, summarize
from facecover.studies.results import load_study
from facecover.studies.runs import read_answers, run_folder
from facecover.training.fit import fit
from facecover.training.run_folder import RunRecord

pytestmark = pytest.mark.usefixtures("exported_once")

OVERRIDES = ["training.epochs=1", "training.batch_size=16", "network.input_size_px=32"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two sources of 60 pictures each, ten of them with a copy, and one of masks alone."""
    root = tmp_path_factory.mktemp("photos")
    for number, source in enumerate(("first", "second", "masks")):
        for place in range(60 if number < 2 else 20):
            label = place % 2 if number < 2 else 1
            folder = root / source / ("with_mask" if label else "without_mask")
            folder.mkdir(parents=True, exist_ok=True)
            photo = picture(1000 * number + place, (80, 100))
            photo.save(folder / f"{place}.jpg", quality=90)
            if place < 10:
                photo.resize((64, 80)).save(folder / f"{place} copy.jpg", quality=90)
    sources = read_sources([root / name for name in ("first", "second", "masks")])
    return write_dataset(sources, root / "dataset", PrepareOptions(split_by="random", workers=1))


@pytest.fixture(scope="module")
def photos(dataset: Dataset) -> Photos:
    return photos_with_copies(dataset, workers=1)


def _study(**changes: object) -> Study:
    document: dict[str, object] = {
        "name": "small",
        "question": "Does width matter?",
        "claim": "wide is better",
        "expects": [{"better": "wide"}],
        "variants": [
            {"name": "narrow", "experiment": "net1", "set": {"network.width": 0.05}},
            {"name": "wide", "experiment": "net1", "set": {"network.width": 0.1}},
        ],
        "seeds": [0, 1],
        "divisions": ["merged-group"],
    }
    return Study.model_validate({**document, **changes})


class _Notes:
    """Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def bar(self, what: str, total: int | None) -> AbstractContextManager[OnProgress]:
        return SILENT.bar(what, total)


class _Trained:
    """Counts the runs that are trained, and stops before one of them if asked to."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.stop_before: int | None = None

    def __call__(self, *arguments: object, **options: object) -> RunRecord:
        if len(self.folders) == self.stop_before:
            raise KeyboardInterrupt
        self.folders.append(Path(str(arguments[2])))
        return fit(*arguments, **options)  # type: ignore[arg-type]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> _Trained:
    spy = _Trained()
    monkeypatch.setattr(runs_module, "fit", spy)
    return spy


@pytest.mark.slow
def test_a_study_goes_on_and_trains_nothing_twice(
    dataset: Dataset, photos: Photos, tmp_path: Path, trained: _Trained
) -> None:
    def go() -> list[str]:
        progress = _Notes()
        run_study(
            _study(), dataset, photos, tmp_path, overrides=OVERRIDES, device="cpu",
            progress=progress,
        )  # fmt: skip
        return progress.notes

    trained.stop_before = 1
    with pytest.raises(KeyboardInterrupt):
        go()
    assert len(load_study(tmp_path).results) == 1
    trained.stop_before = None
    steps = go()
    assert [step.partition(":")[0] for step in steps] == [f"run {n} of 3" for n in (1, 2, 3)]
    assert steps[0].endswith("merged-group, all: wide, seed 0")
    assert "left" in steps[1]
    assert len(trained.folders) == len(set(trained.folders)) == 4
    whole = (tmp_path / "study.json").read_text()
    assert go() == []
    assert len(trained.folders) == 4
    assert (tmp_path / "study.json").read_text() == whole
    # A result that was lost is measured again; its run is whole, so nothing is learned.
    shutil.rmtree(tmp_path / "runs/merged-group/all/wide-seed1/tensorboard")
    (tmp_path / "runs/merged-group/all/wide-seed1/result.json").unlink()
    model = tmp_path / "runs/merged-group/all/wide-seed1/model.onnx"
    before = model.stat().st_mtime_ns
    assert len(go()) == 1
    assert model.stat().st_mtime_ns == before
    with pytest.raises(RunError, match=r"begun with optimizer\.learning_rate 0\.001, found 0\.1"):
        run_study(
            _study(), dataset, photos, tmp_path,
            overrides=[*OVERRIDES, "optimizer.learning_rate=0.1"], device="cpu",
        )  # fmt: skip
    _check_what_was_written(tmp_path, photos)


def _check_what_was_written(out: Path, photos: Photos) -> None:
    study = load_study(out)
    assert (study.name, study.judged_on) == ("small", "test")
    assert study.data.sources == ("first", "second", "masks")
    order = [(run.variant, run.seed) for run in study.results]
    assert order == [("narrow", 0), ("wide", 0), ("narrow", 1), ("wide", 1)]
    for run in study.results:
        answers = read_answers(out / f"runs/merged-group/all/{run.variant}-seed{run.seed}")
        again = measure(
            answers.labels, answers.probabilities.astype(np.float64), groups=answers.groups
        )
        assert run.metrics["accuracy"] == again.values["accuracy"] == answers.is_right.mean()
        assert run.metrics["n"] == run.n_test == len(answers.rows)
        assert run.groups_test == len(np.unique(photos.group[answers.rows]))
        assert run.metrics["data_digest"] == run.data_digest
        assert (run.epochs, run.best_epoch) == (1, 1)
    (comparison,) = study.comparisons
    assert (comparison.variant, comparison.baseline, comparison.seeds) == ("wide", "narrow", 2)
    assert study.sentences[0].startswith("Does width matter? The claim: wide is better.")
    summary = summarize(_study(), study, out, n_photos=len(photos))
    assert summary.rows[1].to_baseline == comparison
    assert summary.result == study
    assert summary.rows[0].accuracy.value == np.mean(
        [run.metrics["accuracy"] for run in study.results if run.variant == "narrow"]
    )


@pytest.mark.slow
def test_a_source_of_one_class_gives_the_share_answered_right(
    dataset: Dataset, photos: Photos, tmp_path: Path
) -> None:
    study = _study(divisions=["left-out"], seeds=[0], expects=[])
    document = study.model_copy(update={"variants": study.variants[:1]})
    summary = run_study(document, dataset, photos, tmp_path, overrides=OVERRIDES, device="cpu")
    assert [run.source for run in summary.result.results] == ["first", "second", "masks"]
    metrics = summary.result.results[2].metrics
    assert metrics["n"] == 20
    assert metrics["accuracy"] is not None
    for key in ("balanced_accuracy", "precision", "roc_auc"):
        assert metrics[key] is None
        assert "no image of 20 is no_mask" in metrics["undefined"][key]
    assert summary.rows[2].balanced is None


@pytest.mark.slow
def test_a_stored_run_counts_for_its_groups_and_version_alone(
    dataset: Dataset,
    photos: Photos,
    tmp_path: Path,
    trained: _Trained,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = _study(divisions=["merged-random"], seeds=[0], expects=[])
    study = study.model_copy(update={"variants": study.variants[:1]})

    def go(photos: Photos) -> int:
        summary = run_study(study, dataset, photos, tmp_path, overrides=OVERRIDES, device="cpu")
        return summary.result.results[0].groups_test

    grouped = go(photos)
    assert go(photos) == grouped
    assert len(trained.folders) == 1
    # A random division is the same whatever the groups are, and its intervals are not.
    alone = go(dataclasses.replace(photos, group=np.arange(len(photos))))
    assert alone > grouped
    assert len(trained.folders) == 2
    monkeypatch.setattr(facecover, "__version__", "9.9")
    with pytest.raises(RunError, match=r"begun by facecover 0\.1\.0, and this is 9\.9; name ano"):
        go(photos)


@pytest.mark.slow
def test_validation_can_be_the_judge_of_a_part_of_the_data(
    dataset: Dataset, photos: Photos, tmp_path: Path
) -> None:
    variants = [
        {"name": "all", "experiment": "net1", "set": {"network.width": 0.05}},
        {"name": "some", "experiment": "net1", "set": {"network.width": 0.05}, "data_share": 0.5},
    ]
    study = _study(variants=variants, judged_on="val", seeds=[3], expects=[])
    result = run_study(
        study, dataset, photos, tmp_path, overrides=OVERRIDES, only=["some"], device="cpu"
    ).result
    assert [run.variant for run in result.results] == ["some"]
    assert not result.comparisons
    result = run_study(study, dataset, photos, tmp_path, overrides=OVERRIDES, device="cpu").result
    every, some = result.results
    assert every.metrics["split"] == "val"
    assert every.metrics["n"] == every.n_val == some.n_val
    assert 0.4 * every.n_train < some.n_train < 0.7 * every.n_train
    assert len(result.comparisons) == 1


def test_photos_that_cannot_be_divided_are_refused(
    dataset: Dataset, photos: Photos, tmp_path: Path
) -> None:
    masks = Photos(
        photos.table.iloc[photos.rows_of("masks")].reset_index(drop=True),
        photos.group[photos.rows_of("masks")],
        photos.duplicates and photos.duplicates.of_rows(photos.rows_of("masks")),
    )
    with pytest.raises(DatasetError, match="cannot be divided: merged-group all: every one of"):
        run_study(_study(), dataset, masks, tmp_path, overrides=OVERRIDES)
    assert not any(tmp_path.iterdir())


def test_a_dataset_with_copies_is_no_dataset_of_pictures(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="expected a dataset with one image a picture"):
        photos_once(dataset)


def test_a_study_that_is_not_there_or_broken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"expected a folder with a study\.json, found none"):
        load_study(tmp_path)
    path = tmp_path / "study.json"
    for text in ("", "[]", "{}", '{"format_version": 1}'):
        path.write_text(text)
        with pytest.raises(RunError, match=r"study\.json: broken: "):
            load_study(path)
    path.write_text(json.dumps({"format_version": 2, "version": "9"}))
    with pytest.raises(RunError, match=r"format 1, found 2, written by facecover 9"):
        load_study(path)


def test_missing_answers_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"answers\.npz: cannot be read: .*remove .*result\.json"):
        read_answers(tmp_path)


@given(st.text(min_size=1), st.text(min_size=1))
def test_runs_of_any_source_lie_in_the_studys_folder(one: str, other: str) -> None:
    out = Path("/studies/s")
    folder = run_folder(out, "left-out", one, "net1", 0)
    assert folder.parts[:5] == ("/", "studies", "s", "runs", "left-out")
    assert len(folder.parts) == 7
    assert folder.parts[5] not in ("", ".", "..")
    assert (folder == run_folder(out, "left-out", other, "net1", 0)) == (one == other)
