"""A finished run as a model file elsewhere: as it stands, made anew, or in INT8."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from facemask.data.arrays import Dataset
from facemask.errors import ConfigError, RunError
from facemask.files import written_file
from facemask.inference.model_file import ModelFile, read_model_file
from facemask.training.experiments import load_experiment
from facemask.training.export import best_network, export_model
from facemask.training.quantize import export_int8
from facemask.training.run import RunFolder, RunRecord, load_record
from facemask.training.weights import hash_weights, load_checkpoint, network_weights


@dataclass(frozen=True)
class Exported:
    """A model file that was written.

    Attributes:
        file: it.
        float32: what an INT8 file was made from; else None.
    """

    file: ModelFile
    float32: ModelFile | None = None


def export_run(run: Path, path: Path, dataset: Dataset | None, *, int8: bool) -> Exported:
    """Write the model file of a finished run.

    Without a dataset the run's own file is checked and copied. With it the file is made anew from
    the weights kept: the temperature is fitted and the difference from PyTorch measured again.

    Args:
        run: the run folder.
        path: the file to write.
        dataset: what the run learned from.
        int8: whether to write INT8; it needs the dataset.

    Raises:
        ConfigError: if INT8 is wanted without a dataset.
        RunError: if the folder is no finished run, or its parts do not belong together, or the
            run learned from another dataset, or INT8 answers worse than `quantize.MAX_LOSS` lets.
        ModelFileError: if the run's model file is missing or was changed.
        OutputError: if the file cannot be written.
    """
    folder = RunFolder(run)
    record = load_record(run)
    if not record.is_finished:
        raise RunError(
            f"{run}: the run is not finished ({record.epochs} epochs done); go on with 'facemask "
            "train ... --resume'"
        )
    if dataset is None:
        if int8:
            raise ConfigError(
                "--int8: expected the dataset that the run learned from, found none; name it with "
                "--data"
            )
        return Exported(_copied(folder, path))
    return _made_anew(folder, record, path, dataset, int8=int8)


def _copied(folder: RunFolder, path: Path) -> ModelFile:
    file = read_model_file(folder.model)
    weights = hash_weights(network_weights(load_checkpoint(folder.best)))
    if file.info.weights_sha256 != weights:
        raise RunError(
            f"{folder.model}: expected the weights of {folder.best.name} "
            f"({weights[:12]}), found {file.info.weights_sha256[:12]}; export with --data, which "
            "makes the model file anew"
        )
    with written_file(path) as beside:
        beside.write_bytes(file.data)
    return read_model_file(path)


def _made_anew(
    folder: RunFolder, record: RunRecord, path: Path, dataset: Dataset, *, int8: bool
) -> Exported:
    digest = dataset.manifest.info.digest
    if record.data_digest != digest:
        raise RunError(
            f"{folder.folder}: the run learned from another dataset: expected the digest "
            f"{record.data_digest[:12]}, found {digest[:12]} in {dataset.folder}; name that "
            "dataset with --data"
        )
    experiment = load_experiment(folder.config)
    network = best_network(folder, experiment, dataset)
    if not int8:
        export_model(network, experiment, dataset, path, chosen_by=record.chosen_by)
        return Exported(read_model_file(path))
    with tempfile.TemporaryDirectory() as name:
        beside = Path(name) / "float32.onnx"
        export_model(network, experiment, dataset, beside, chosen_by=record.chosen_by)
        float32 = read_model_file(beside)
    export_int8(network, float32, dataset, path)
    return Exported(read_model_file(path), float32)
