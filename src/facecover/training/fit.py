"""From a dataset and an experiment to a finished run."""

import dataclasses
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning
import torch

import facecover
from facecover.dataset.arrays import Dataset
from facecover.documents import write_document
from facecover.progress import SILENT, Progress
from facecover.training.config import Experiment
from facecover.training.data_loader import check_classes, check_sources, normalisation_of
from facecover.training.detector_config import AnyExperiment
from facecover.training.isolation import (
    Device,
    choose_device,
    describe_device,
    interruptible,
    isolated,
)
from facecover.training.network import check_budget, describe_network
from facecover.training.onnx_export import best_network, export_model
from facecover.training.run_folder import (
    RunFolder,
    RunRecord,
    begin_run,
    check_resumable,
    locked_run,
    save_experiment,
)
from facecover.training.trainer import State, evaluated_splits, learn, restore_state


def fit(
    experiment: Experiment,
    dataset: Dataset,
    run: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    progress: Progress = SILENT,
) -> RunRecord:
    """Train a network, keep the weights that its monitor names, and export them as a model file.

    The same experiment, dataset and seed give the same weights on a CPU with the same number of
    threads, in one go or with interruptions. The caller's random states are left as they were.

    Args:
        experiment: every choice.
        dataset: what to learn from; the validation split fits the temperature and, unless the
            monitor is ``last_epoch``, chooses the weights.
        run: the folder to make, or to go on with.
        resume: go on where an earlier call was interrupted, or begin where there is none. A
            finished run is given back as it is, unless it is given more epochs.
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one.
        progress: told how far it is.

    Raises:
        ConfigError: if the network is over its budget, or the device is not there.
        DatasetError: if the dataset lacks a split, a class or the network's input size.
        OutputError: if the folder holds something already, another training is at work in it, or
            it cannot be written.
        RunError: if the run in the folder was begun with another experiment or on other data,
            training diverged, or ONNX Runtime and PyTorch differ.
        KeyboardInterrupt: on Ctrl-C, with a message that says how to go on.
    """
    used = choose_device(device)
    check_budget(describe_network(experiment.network, len(dataset.manifest.info.class_names)))
    check_classes(dataset, ("train", *evaluated_splits(experiment)))
    normalisation_of(dataset, experiment.network.input_size_px)
    check_sources(dataset, experiment)

    def export(folder: RunFolder, chosen_by: str) -> None:
        network = best_network(folder, experiment, dataset)
        export_model(network, experiment, dataset, folder.model, chosen_by=chosen_by)

    return run_training(
        experiment,
        dataset.manifest.info.digest,
        RunFolder(run),
        used,
        lambda folder, state: learn(experiment, dataset, folder, state, used, progress),
        export,
        resume=resume,
    )


def run_training(
    experiment: AnyExperiment,
    data_digest: str,
    folder: RunFolder,
    device: Device,
    learn: Callable[[RunFolder, State], None],
    export: Callable[[RunFolder, str], None],
    *,
    resume: bool,
) -> RunRecord:
    """A run, begun or gone on with, to its model file; see `fit` for what is raised.

    Args:
        experiment: every choice.
        data_digest: of the dataset that is learned from.
        folder: the run's, locked meanwhile.
        device: that is learned on.
        learn: trains the epochs that are left and keeps the state.
        export: writes the model file, given what chose the weights.
        resume: go on where there is a run.
    """
    with locked_run(folder):
        record = _begin(folder, experiment, data_digest, device, resume=resume)
        state = restore_state(folder, experiment)
        with _saying_how_to_go_on(folder, state, experiment), isolated():
            if not state.is_over(experiment):
                record = _learned(experiment, folder, record, state, learn)
            elif record.is_finished and folder.model.is_file():
                return record
            else:
                # It may have been killed after the last checkpoint and before it wrote that down.
                record = _updated(record, experiment, state)
            export(folder, record.chosen_by)
            record = dataclasses.replace(record, is_finished=True)
            write_document(folder.record, record)
            return record


def _begin(
    folder: RunFolder, experiment: AnyExperiment, data_digest: str, device: Device, *, resume: bool
) -> RunRecord:
    fresh = RunRecord(
        data_digest=data_digest,
        device=describe_device(device),
        versions={
            "facecover": facecover.__version__,
            "lightning": lightning.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        monitor=experiment.training.monitor,
    )
    if resume and folder.record.is_file():
        return check_resumable(folder, experiment, fresh.data_digest)
    begin_run(folder, experiment, fresh)
    return fresh


def _learned(
    experiment: AnyExperiment,
    folder: RunFolder,
    record: RunRecord,
    state: State,
    learn: Callable[[RunFolder, State], None],
) -> RunRecord:
    save_experiment(folder, experiment)
    # What finished earlier, with fewer epochs, is finished no more.
    write_document(folder.record, _updated(record, experiment, state))
    try:
        learn(folder, state)
    finally:
        record = _updated(record, experiment, state)
        write_document(folder.record, record)
    return record


def _updated(record: RunRecord, experiment: AnyExperiment, state: State) -> RunRecord:
    rows = state.history.rows
    gave_up = state.checkpoints.gave_up(len(rows))
    return dataclasses.replace(
        record,
        epochs=len(rows),
        seconds=round(sum(row["seconds"] for row in rows), 3),
        best_epoch=state.checkpoints.best_epoch,
        best_value=state.checkpoints.best_value if rows else None,
        stopped_early=gave_up and len(rows) < experiment.training.epochs,
        is_finished=False,
    )


@contextmanager
def _saying_how_to_go_on(
    folder: RunFolder, state: State, experiment: AnyExperiment
) -> Iterator[None]:
    """An interrupt that leaves the block says how to go on."""
    try:
        with interruptible():
            yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{folder.folder}: interrupted after epoch {len(state.history.rows)} of "
            f"{experiment.training.epochs}; go on with --resume"
        ) from None
