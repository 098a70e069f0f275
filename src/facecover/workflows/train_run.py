"""`train` and `export`: from a dataset to a run, and from a run to a model file."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from facecover.dataset.arrays import Dataset
from facecover.dataset.opened import of_dataset
from facecover.dataset.photo_dataset import PhotoDataset
from facecover.documents import to_document
from facecover.errors import ConfigError
from facecover.evaluation.performance import Evaluation
from facecover.evaluation.uncertain_band import choose_band
from facecover.files import check_own_file
from facecover.inference.classifier import Classifier, Images, Model
from facecover.inference.model_file import ModelFile, is_model_file, read_model_file
from facecover.inference.model_info import BandFit, ModelInfo
from facecover.progress import SILENT, Progress
from facecover.report import REPORT_NAME
from facecover.report.blocks import Section, table
from facecover.report.detection_page import detector_sections
from facecover.report.html import notebook_frame, write_page
from facecover.report.run_figures import RunReport
from facecover.report.run_page import run_sections, write_run_report
from facecover.scenes.detector_file import read_detector_file
from facecover.text import percent
from facecover.training.detector_config import DetectorExperiment
from facecover.training.experiments import load_any_experiment
from facecover.training.run_folder import RunFolder, RunRecord, load_record, read_curves
from facecover.workflows.measure_models import as_run, load_models, measure

if TYPE_CHECKING:
    from facecover.training.detector_config import AnyExperiment


@dataclass(frozen=True)
class Run:
    """A trained network: how it was trained, how it did, and what answers for it.

    Attributes:
        folder: where it lies.
        record: what it says of itself.
        validation: what its model file answered on the validation split; None unless `train` has
            just measured it.
    """

    folder: Path
    record: RunRecord
    validation: Evaluation | None = None

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """A run from its folder; one that is not finished has curves, and no model file yet.

        Raises:
            RunError: if the folder is no run, or its record is broken.
        """
        return cls(Path(folder), load_record(Path(folder)))

    @property
    def files(self) -> RunFolder:
        """Where each of its files lies."""
        return RunFolder(self.folder)

    @cached_property
    def info(self) -> ModelInfo:
        """What its model file knows.

        Raises:
            ModelFileError: if there is none, or it was changed.
        """
        return read_model_file(self.files.model).info

    @cached_property
    def classifier(self) -> Classifier:
        """Answers with its model file.

        Raises:
            ModelFileError: if there is none, or it was changed.
        """
        return Classifier(self.files.model)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row for each epoch: every measure on every split, learning rate and seconds.

        Raises:
            RunError: if they cannot be read.
        """
        return read_curves(self.folder, self.record)

    def to_json(self) -> dict[str, Any]:
        """The record, the folder, and what was measured on the validation split, if it was."""
        measured = None if self.validation is None else self.validation.to_json()
        record: dict[str, Any] = to_document(self.record)
        return {"folder": str(self.folder), **record, "validation": measured}

    def to_pandas(self) -> pd.DataFrame:
        """The curves."""
        return self.curves

    @cached_property
    def is_detector(self) -> bool:
        """Whether it finds faces in whole photos, and does not classify them.

        Raises:
            ConfigError: if its experiment cannot be read.
        """
        return isinstance(load_any_experiment(self.files.config), DetectorExperiment)

    def sections(self) -> tuple[Section, ...]:
        """What there is to show of it, on a page or in a terminal."""
        if self.is_detector:
            return detector_sections(
                read_detector_file(self.files.model).info,
                self.curves,
                seconds=self.record.seconds,
                device=self.record.device,
            )
        reported = RunReport(
            self.info.name,
            self.info,
            () if self.validation is None else (self.validation,),
            self.curves,
            training_seconds=self.record.seconds,
            device=self.record.device,
        )
        return run_sections(reported)

    def _repr_html_(self) -> str:
        return notebook_frame(self.folder.name, self.sections())


def train(
    experiment: "str | Path | AnyExperiment",
    data: str | Path,
    output: str | Path,
    *,
    settings: Sequence[str] = (),
    resume: bool = False,
    device: str = "auto",
    progress: Progress = SILENT,
) -> Run:
    """Train a network, keep its best or last weights, and measure its model file on validation.

    Args:
        experiment: ``net1``, ``net2``, ``maskresnet``, ``faces`` (a detector), a YAML file, or an
            experiment.
        data: a dataset from `prepare`; of whole photos for a detector.
        output: the run folder to make; its report is written there, too.
        settings: values to change, each as ``section.key=value``.
        resume: go on with a run that was stopped.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: told how far it is.

    Raises:
        ConfigError: if the experiment or a setting is wrong, the network is over its budget, or
            the device is not there.
        DatasetError: if the dataset cannot be read or learned from.
        OutputError: if the folder holds something already, another training is at work in it, or
            it cannot be written.
        RunError: if the run was begun with another experiment or on other data, or training
            diverged.
        KeyboardInterrupt: on Ctrl-C, with a message that says how to go on.
    """
    from facecover.training.fit import fit  # PyTorch takes seconds to import

    folder = Path(output)
    chosen = load_any_experiment(experiment, settings)
    if isinstance(chosen, DetectorExperiment):
        return _train_detector(chosen, Path(data), folder, resume, device, progress)
    dataset = Dataset.open(Path(data))
    record = fit(chosen, dataset, folder, resume=resume, device=device, progress=progress)
    (model,) = load_models([folder])
    validation = of_dataset(
        Path(data), [model.input_size_px], "val", model.classifier.info.classes, progress
    )
    evaluation = measure(model, validation, progress=progress)
    write_run_report(
        folder / REPORT_NAME,
        as_run(model, evaluation, validation),
        validation.manifest,
        validation.drops,
    )
    return Run(folder, record, evaluation)


def _train_detector(
    experiment: DetectorExperiment,
    data: Path,
    folder: Path,
    resume: bool,
    device: str,
    progress: Progress,
) -> Run:
    from facecover.training.detector_training import fit_detector

    dataset = PhotoDataset.open(data)
    record = fit_detector(
        experiment, dataset, folder, resume=resume, device=device, progress=progress
    )
    run = Run(folder, record)
    write_page(folder / REPORT_NAME, experiment.name, run.sections())
    return run


@dataclass(frozen=True)
class ExportedModel:
    """A model file that was written, and what was measured of it.

    Attributes:
        file: it.
        measured: by precision, the one that an INT8 file was made from included: bytes,
            temperature, milliseconds an image, accuracy, and difference from PyTorch.
    """

    file: ModelFile
    measured: dict[str, dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """What was measured, by precision."""
        return self.measured

    def to_pandas(self) -> pd.DataFrame:
        """A row for each precision."""
        return pd.DataFrame.from_dict(self.measured, orient="index")

    def _repr_html_(self) -> str:
        rows = [
            (precision, fact, "" if value is None else str(value))
            for precision, facts in self.measured.items()
            for fact, value in facts.items()
        ]
        shown = table(("Precision", "Measured", "Value"), rows)
        return notebook_frame(
            f"Model file of {self.file.info.name}", [Section("Measured", "measured", (shown,))]
        )


_TIMED = 100
"""Images that are answered one by one, on one thread, for the time that an image takes."""


def export(
    run: str | Path,
    output: str | Path,
    *,
    int8: bool = False,
    data: str | Path | None = None,
    target_accuracy: float | None = None,
) -> ExportedModel:
    """Write a run's model file, in float32 or INT8, and measure it.

    Args:
        run: a finished run folder.
        output: the model file to write.
        int8: write static INT8, if it answers as well; needs the dataset.
        data: the dataset that the run learned from: makes the file anew.
        target_accuracy: 0..1; gives the file an uncertain band, chosen on the dataset's validation
            images, so that the rest of the answers is this right.

    Raises:
        ConfigError: if INT8 or a band is wanted without a dataset, or no band reaches the target.
        DatasetError: if the dataset cannot be read.
        ModelFileError: if the run's model file is missing or was changed.
        OutputError: if another file stands there, or it cannot be written.
        RunError: if the folder is no finished run, its parts do not belong together, it learned
            from another dataset, or INT8 answers worse.
    """
    path = Path(output)
    check_own_file(path, is_model_file, "a model file")
    load_record(Path(run))  # what is no run is refused at once
    from facecover.training.run_export import export_run  # PyTorch takes seconds to import

    dataset = None if data is None else Dataset.open(Path(data))
    if target_accuracy is None:
        files = export_run(Path(run), path, dataset, int8=int8)
    else:
        files = _with_band(Path(run), path, dataset, target_accuracy, int8=int8)
    return ExportedModel(
        files[-1], {file.info.precision: _measured(file, files, dataset) for file in files}
    )


def _with_band(
    run: Path, path: Path, dataset: Dataset | None, target: float, *, int8: bool
) -> list[ModelFile]:
    from facecover.training.run_export import export_run

    if dataset is None:
        raise ConfigError(
            "--target-accuracy: expected the dataset that the run learned from, found none; name "
            "it with --data"
        )
    with tempfile.TemporaryDirectory() as name:
        *before, file = export_run(run, Path(name) / path.name, dataset, int8=int8)
        return [*before, banded(file, dataset.folder, target, path)]


def banded(file: ModelFile, data: Path, target: float, path: Path) -> ModelFile:
    """Write the same network with the uncertain band that validation images choose.

    Raises:
        ConfigError: if the target is no share, there are too few images, or no band reaches it.
        OutputError: if the file cannot be written.
    """
    from facecover.training.run_export import with_band

    (model,) = load_models([file.path])
    images = of_dataset(data, [model.input_size_px], "val", file.info.classes)
    evaluation = measure(model, images)
    choice = choose_band(evaluation, target, evaluation)
    if not choice.is_reached:
        raise ConfigError(
            f"--target-accuracy {target:g}: no band reaches it on "
            f"{evaluation.counted_images}: the most is {percent(choice.chosen_accuracy)}, of "
            f"{percent(choice.chosen_coverage)} of them; no file was written: ask for less"
        )
    if choice.may_be_chance:
        raise ConfigError(
            f"--target-accuracy {target:g}: {evaluation.counted_images} are too few to choose a "
            "band on: what it gains may be chance; no file was written: bring more of them"
        )
    fit = BandFit(target, len(evaluation.answers), choice.chosen_coverage, choice.chosen_accuracy)
    return with_band(file, choice.band, fit, path)


def _measured(
    file: ModelFile, files: Sequence[ModelFile], dataset: Dataset | None
) -> dict[str, Any]:
    info = file.info
    facts: dict[str, Any] = {
        "bytes": len(file.data),
        "temperature": info.temperature,
        "milliseconds": None if dataset is None else _milliseconds(file, dataset),
        "file_sha256": info.file_sha256,
    }
    if (fit := info.band_fit) is not None:
        facts |= {
            "uncertain_band": info.uncertain_band,
            "answered": fit.coverage,
            "answered_right": fit.accuracy,
        }
    if (cost := files[-1].info.quantization) is not None:
        is_int8 = info.precision == "int8"
        facts["validation_accuracy"] = cost.int8_accuracy if is_int8 else cost.float32_accuracy
        facts["validation_images"] = cost.images
    return {
        **facts,
        "difference_from_pytorch": info.parity.largest_difference,
        "label_agreement_with_pytorch": info.parity.label_agreement,
        "images_compared": info.parity.images,
    }


def _milliseconds(file: ModelFile, dataset: Dataset) -> float:
    """The median time of one image on one thread."""
    images: Images = dataset.images(file.info.input_size_px)[:_TIMED]
    model, times = Model(file, threads=1), []
    for image in images:
        start = time.perf_counter()
        model.logits(np.array(image)[None])
        times.append(time.perf_counter() - start)
    return 1000 * median(times)
