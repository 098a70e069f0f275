"""The runs of a study: planned before the first is trained, trained, and measured once."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

import facecover
from facecover.dataset.arrays import Dataset
from facecover.documents import read_document, reading, write_document
from facecover.errors import ConfigError, RunError
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.files import written_file
from facecover.inference.classifier import Classifier
from facecover.inference.model_info import NetworkFacts
from facecover.studies.definition import Study, Variant
from facecover.studies.divisions import StudyPart
from facecover.studies.results import StudyRun
from facecover.training.config import Experiment
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.run_folder import RECORD_NAME, RunRecord, load_record

RESULT_NAME = "result.json"
ANSWERS_NAME = "answers.npz"


@dataclass(frozen=True)
class PlannedRun:
    """One variant with one seed on one part."""

    part: StudyPart
    variant: Variant
    experiment: Experiment
    folder: Path

    @property
    def title(self) -> str:
        """What it is called while it runs."""
        return (
            f"{self.part.division}, {self.part.source}: {self.variant.name}, "
            f"seed {self.experiment.seed}"
        )


def experiment_of(variant: Variant, seed: int, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a variant, named like it.

    Args:
        variant: the variant.
        seed: of the training.
        overrides: further values to change, each as ``section.key=value``; they win.

    Raises:
        ConfigError: if the experiment, a key or a value is wrong.
    """
    # JSON is YAML in one line.
    own = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in variant.set.items()]
    fixed = [f"name={variant.name}", f"seed={seed}"]
    try:
        experiment = load_experiment(variant.experiment, [*own, *overrides, *fixed])
        if experiment.training.refit:
            raise ConfigError(
                "training.refit: expected false, since a study measures on images that training "
                "did not see, found true"
            )
        return experiment
    except ConfigError as error:
        raise ConfigError(f"variant {variant.name}: {error}") from error


def input_sizes(study: Study, overrides: Sequence[str] = ()) -> tuple[int, ...]:
    """The sides of the square images that the variants learn from and take.

    Raises:
        ConfigError: if a variant is wrong.
    """
    experiments = [experiment_of(one, study.seeds[0], overrides) for one in study.variants]
    sides = {
        side for one in experiments for side in (one.source_size_px, one.network.input_size_px)
    }
    return tuple(sorted(sides))


def plan_runs(
    study: Study, parts: Sequence[StudyPart], out: Path, overrides: Sequence[str] = ()
) -> list[PlannedRun]:
    """Every run: part by part, and seed by seed, so that the first table is whole early.

    Raises:
        ConfigError: if a variant is wrong.
    """
    return [
        PlannedRun(
            part,
            variant,
            experiment_of(variant, seed, overrides),
            run_folder(out, part.division, part.source, variant.name, seed),
        )
        for part in parts
        for seed in study.seeds
        for variant in study.variants
    ]


def run_folder(out: Path, division: str, source: str, variant: str, seed: int) -> Path:
    """Where a run lies in its study's folder, whatever characters the source's name holds."""
    special = r"[%/\\:*?\"<>|\x00-\x1f]" if source.strip(".") else r"[%.]"
    name = re.sub(special, lambda found: f"%{ord(found[0]):02X}", source)
    return out / "runs" / division / name / f"{variant}-seed{seed}"


@dataclass(frozen=True)
class RunAnswers:
    """What the model of a run answered.

    Attributes:
        rows: ``int64 (n,)``, the images, as rows of all photos.
        labels: ``int64 (n,)``.
        probabilities: ``float32 (n, C)``, 0..1.
        is_right: ``bool (n,)``.
        groups: ``int64 (n,)``, which images are not independent.
    """

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    is_right: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _StoredRun:
    key: str
    result: StudyRun


def finished_run(planned: PlannedRun, view: Dataset, judged_on: str) -> StudyRun | None:
    """What a run found that was finished before, or None.

    It counts if the experiment, the data, its split and groups, the split judged on and the
    package's version are the same.
    """
    try:
        stored = read_document(planned.folder / RESULT_NAME, _StoredRun, RunError, "")
    except RunError:  # not finished, whatever it is
        return None
    is_same = stored.key == _key(planned, view, judged_on)
    return stored.result if is_same and (planned.folder / ANSWERS_NAME).is_file() else None


def do_run(planned: PlannedRun, view: Dataset, judged_on: str, *, device: str = "auto") -> StudyRun:
    """Train a run, or go on with it, and measure its model file.

    Args:
        planned: the run.
        view: the data of its part.
        judged_on: the split to measure on.
        device: see `fit`.

    Raises:
        ConfigError: if the network is over its budget, or the device is not there.
        DatasetError: if the data cannot be learned from.
        OutputError: if something cannot be written.
        RunError: if the run in the folder was begun with another experiment, on other data or by
            another version of the package.
    """
    _check_version(planned.folder)
    trained = fit(planned.experiment, view, planned.folder, resume=True, device=device)
    classifier = Classifier(planned.folder)
    evaluation = evaluate_images(
        classifier,
        view.images(classifier.info.input_size_px),
        view.labels,
        name=planned.variant.name,
        split=judged_on,
        data_digest=view.manifest.info.digest,
        rows=view.rows_of(judged_on),
        groups=_groups(view),
    )
    result = _result(planned, view, trained, classifier.info.network, evaluation)
    _save_answers(planned.folder / ANSWERS_NAME, evaluation)
    stored = _StoredRun(_key(planned, view, judged_on), result)
    write_document(planned.folder / RESULT_NAME, stored)
    return result


def _check_version(folder: Path) -> None:
    if not (folder / RECORD_NAME).is_file():
        return
    versions = load_record(folder).versions
    found = versions.get("facecover") or versions.get("facemask")  # the package's first name
    if found != facecover.__version__:
        raise RunError(
            f"{folder}: the run was begun by facecover {found or 'of another version'}, and this "
            f"is {facecover.__version__}; name another folder with -o, or remove this one"
        )


def _key(planned: PlannedRun, view: Dataset, judged_on: str) -> str:
    """Changes with whatever a stored result depends on."""
    hashed = hashlib.sha256(_groups(view).tobytes())
    for part in (
        facecover.__version__,
        planned.experiment.model_dump_json(),
        view.manifest.info.digest,  # of pixels, labels and splits
        judged_on,
    ):
        hashed.update(f"{part}\n".encode())
    return hashed.hexdigest()


def _groups(view: Dataset) -> npt.NDArray[np.int64]:
    codes, _ = pd.factorize(view.manifest.table["group"])
    return codes.astype(np.int64)


def _result(
    planned: PlannedRun,
    view: Dataset,
    trained: RunRecord,
    network: NetworkFacts,
    evaluation: Evaluation,
) -> StudyRun:
    test = view.rows_of("test")
    return StudyRun(
        division=planned.part.division,
        source=planned.part.source,
        variant=planned.variant.name,
        seed=planned.experiment.seed,
        n_train=len(view.rows_of("train")),
        n_val=len(view.rows_of("val")),
        n_test=len(test),
        groups_test=len(np.unique(_groups(view)[test])),
        data_digest=view.manifest.info.digest,
        epochs=trained.epochs,
        best_epoch=trained.best_epoch,
        seconds=trained.seconds,
        parameters=network.parameters,
        macs=network.macs,
        metrics=evaluation.to_json(),
    )


def _save_answers(path: Path, evaluation: Evaluation) -> None:
    answers = evaluation.answers
    groups = np.arange(len(answers)) if evaluation.groups is None else evaluation.groups
    kept = RunAnswers(
        evaluation.rows,
        answers.labels,
        answers.probabilities.astype(np.float32),
        answers.is_right,
        groups,
    )
    with written_file(path) as beside, beside.open("wb") as stream:
        np.savez_compressed(stream, **vars(kept))


def read_answers(folder: Path) -> RunAnswers:
    """What the model in a run's folder answered.

    Raises:
        RunError: if that was not kept, or is broken.
    """
    path = folder / ANSWERS_NAME
    advice = f"remove {folder / RESULT_NAME} and run the study again"
    with reading(path, "answers", RunError, advice), path.open("rb") as stream:
        stored = np.load(stream, allow_pickle=False)
        found = {field.name: stored[field.name] for field in dataclasses.fields(RunAnswers)}
        if len({len(values) for values in found.values()}) != 1:
            raise ValueError("expected parts of one length")
        return RunAnswers(**found)
