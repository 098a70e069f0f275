import dataclasses
import functools
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.training.small_dataset import (
    SIZE_PX,
    TWO_SPLITS,
    MakeDataset,
    MakeExperiment,
    Recorded,
    rows_of,
)
from torch import Tensor

from facecover.dataset.arrays import Dataset
from facecover.dataset.manifest import Manifest
from facecover.errors import ConfigError, DatasetError, OutputError, RunError
from facecover.training.checkpoints import hash_weights, load_checkpoint, network_weights
from facecover.training.config import Experiment
from facecover.training.data_loader import load_split
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.lightning_module import Classification, measure
from facecover.training.run_folder import RunFolder, load_record
from facecover.training.trainer import new_network
from facecover.workflows.train_run import Run

pytestmark = pytest.mark.usefixtures("quick_export")

COLUMNS = [
    "epoch",
    *(
        f"{split}_{measure}"
        for split in ("train", "val", "test")
        for measure in ("loss", "accuracy", "f1", "roc_auc")
    ),
    "learning_rate",
    "seconds",
]


def train(experiment: Experiment, dataset: Dataset, run: Path) -> Run:
    fit(experiment, dataset, run, device="cpu")
    return Run.open(run)


def last_weights(run: Path) -> dict[str, Tensor]:
    return network_weights(load_checkpoint(RunFolder(run).last))


def test_a_run_holds_everything(finished: Run) -> None:
    folder = finished.folder
    names = {path.name for path in folder.iterdir()}
    files = {"config.yaml", "metrics.csv", "last.ckpt", "best.ckpt", "model.onnx", "run.json"}
    assert names == {*files, "tensorboard"}
    record = load_record(folder)
    assert record == finished.record
    assert record.is_finished
    assert record.epochs == 4
    assert record.data_digest == "d" * 64
    assert record.chosen_by == finished.info.chosen_by == f"val_loss, epoch {record.best_epoch}"


def test_the_config_reproduces_the_run(finished: Run) -> None:
    experiment = load_experiment(finished.files.config)
    assert experiment.model_dump() == finished.info.config
    assert experiment.training.epochs == 4


def test_every_epoch_has_one_row(finished: Run) -> None:
    assert list(finished.curves) == COLUMNS
    assert finished.curves["epoch"].tolist() == [1, 2, 3, 4]


def test_tensorboard_has_every_curve(finished: Run) -> None:
    board = EventAccumulator(str(finished.files.board)).Reload()
    assert len(board.Tags()["scalars"]) == 12
    for split in ("train", "val", "test"):
        events = board.Scalars(f"roc_auc/{split}")
        assert [event.step for event in events] == [1, 2, 3, 4]
        drawn = [event.value for event in events]
        assert drawn == pytest.approx([row[f"{split}_roc_auc"] for row in rows_of(finished)])


def test_the_lowest_validation_loss_chooses(finished: Run) -> None:
    losses = [row["val_loss"] for row in rows_of(finished)]
    assert finished.record.best_epoch == 1 + losses.index(min(losses))
    assert finished.record.best_value == pytest.approx(min(losses), rel=1e-5)


def test_the_best_checkpoint_measures_as_its_row(finished: Run, dataset: Dataset) -> None:
    experiment = load_experiment(finished.files.config)
    network = new_network(experiment, dataset)
    network.load_state_dict(network_weights(load_checkpoint(finished.files.best)))
    images, labels, _ = next(iter(load_split(dataset, "val", SIZE_PX, 100)))
    with torch.no_grad():
        found = measure(network.eval()(images), labels)
    row = rows_of(finished)[finished.record.best_epoch - 1]
    assert found == pytest.approx({name: row[f"val_{name}"] for name in found}, rel=1e-5)


def test_a_network_learns_32_images_by_heart(
    make_dataset: MakeDataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    dataset = make_dataset({"train": (16, 16), "val": (4, 4)})
    rows = rows_of(train(make_experiment("training.epochs=12"), dataset, tmp_path / "run"))
    assert rows[0]["train_loss"] > 0.5
    assert rows[-1]["train_loss"] < 0.05
    assert rows[-1]["train_accuracy"] == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_weights(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path, seed: int
) -> None:
    experiment = make_experiment(f"seed={seed}", "network.dropout=0.5", "training.epochs=1")
    other = make_experiment(f"seed={seed + 1}", "network.dropout=0.5", "training.epochs=1")
    for number, name in enumerate(("a", "b", "c")):
        torch.manual_seed(number)  # the caller's state must not matter
        train(other if name == "c" else experiment, dataset, tmp_path / name)
    hashes = [hash_weights(last_weights(tmp_path / name)) for name in ("a", "b", "c")]
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def test_bfloat16_learns_nearly_the_same_weights_and_keeps_them_as_float32(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        experiment = make_experiment("training.epochs=3", f"training.precision={precision}")
        result = train(experiment, dataset, tmp_path / precision)
        losses[precision] = [float(row["val_loss"]) for row in rows_of(result)]
        floats = [w for w in last_weights(tmp_path / precision).values() if w.is_floating_point()]
        assert {weight.dtype for weight in floats} == {torch.float32}
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.1)
    assert losses["bfloat16"] != losses["float32"]


def test_a_compiled_network_learns_nearly_the_same(
    dataset: Dataset,
    make_experiment: MakeExperiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # All but the C++ compiler, which takes most of a minute.
    compiling = Mock(side_effect=functools.partial(torch.compile, backend="aot_eager"))
    monkeypatch.setattr(torch, "compile", compiling)
    losses = {}
    for compiled in ("false", "true"):
        experiment = make_experiment("training.epochs=2", f"training.compile={compiled}")
        result = train(experiment, dataset, tmp_path / compiled)
        losses[compiled] = [float(row["val_loss"]) for row in rows_of(result)]
        assert list(last_weights(tmp_path / compiled)) == list(last_weights(tmp_path / "false"))
    compiling.assert_called_once()
    assert losses["true"] == pytest.approx(losses["false"], rel=1e-3)


def test_only_whole_batches_are_compiled(
    dataset: Dataset,
    make_experiment: MakeExperiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []

    def compiling(forward: Callable[[Tensor], Tensor], *, mode: str) -> Callable[[Tensor], Tensor]:
        def answer(images: Tensor) -> Tensor:
            sizes.append(len(images))
            return forward(images)

        return answer

    monkeypatch.setattr(torch, "compile", compiling)
    n, epochs = len(dataset.rows_of("train")), 2
    size = n // 2 - 1
    experiment = make_experiment(
        f"training.epochs={epochs}", f"training.batch_size={size}", "training.compile=true"
    )
    train(experiment, dataset, tmp_path / "run")
    assert n % size > 1
    assert sizes == [size] * 2 * epochs


def test_test_curves_change_no_weight(
    finished: Run, dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment("training.epochs=4", "network.dropout=0.5")
    result = train(experiment, dataset, tmp_path / "run")
    expected = hash_weights(last_weights(finished.folder))
    assert hash_weights(last_weights(tmp_path / "run")) == expected
    assert not any(column.startswith("test") for column in rows_of(result)[0])


def test_a_refit_learns_from_the_test_split_as_if_it_were_training_data(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment("training.epochs=1")
    refit = make_experiment("training.epochs=1", "training.refit=true")
    table = dataset.manifest.table
    table = table.assign(split=table["split"].replace("test", "train"))
    merged = dataclasses.replace(dataset, manifest=Manifest(table, dataset.manifest.info))
    runs = {
        "plain": train(experiment, dataset, tmp_path / "plain"),
        "refit": train(refit, dataset, tmp_path / "refit"),
        "merged": train(experiment, merged, tmp_path / "merged"),
    }
    weights = {name: hash_weights(last_weights(tmp_path / name)) for name in runs}
    assert weights["refit"] == weights["merged"] != weights["plain"]
    with pytest.raises(RunError, match=r"with training\.refit true, found false; set it back"):
        fit(experiment, dataset, tmp_path / "refit", resume=True, device="cpu")


def test_the_callers_world_is_untouched(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    before = (torch.get_rng_state(), str(np.random.get_state()), random.getstate())  # noqa: NPY002
    deterministic = torch.backends.cudnn.deterministic
    images = dataset.images(SIZE_PX).copy()
    train(make_experiment("training.epochs=1"), dataset, tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert str(np.random.get_state()) == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]
    assert torch.backends.cudnn.deterministic == deterministic
    np.testing.assert_array_equal(dataset.images(SIZE_PX), images)


def test_early_stopping_ends_the_run(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    # A step so small that float32 weights stay as they are: nothing ever improves.
    overrides = ("optimizer.learning_rate=1e-30", "training.epochs=9")
    experiment = make_experiment(*overrides, "training.early_stopping_epochs=2")
    result = train(experiment, dataset, tmp_path / "run")
    assert (result.record.epochs, result.record.best_epoch) == (3, 1)
    assert result.record.stopped_early
    again = fit(experiment, dataset, tmp_path / "run", resume=True, device="cpu")
    assert again == result.record


def test_the_monitor_can_be_another(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment("training.monitor=val_accuracy", "training.epochs=4")
    result = train(experiment, dataset, tmp_path / "run")
    accuracies = [row["val_accuracy"] for row in rows_of(result)]
    assert result.record.chosen_by == f"val_accuracy, epoch {1 + accuracies.index(max(accuracies))}"


def test_the_last_weights_can_be_kept_whatever_they_measure(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    # A step so small that nothing ever improves: a measure would keep the first.
    overrides = ("optimizer.learning_rate=1e-30", "training.epochs=3")
    experiment = make_experiment(*overrides, "training.monitor=last_epoch")
    result = train(experiment, dataset, tmp_path / "run")
    assert result.record.best_epoch == 3
    assert result.record.best_value == pytest.approx(rows_of(result)[-1]["val_loss"], rel=1e-5)
    assert result.record.chosen_by == "last, epoch 3"
    folder = RunFolder(tmp_path / "run")
    assert load_checkpoint(folder.best)["epoch"] == load_checkpoint(folder.last)["epoch"]


def test_three_classes_are_learned(
    make_dataset: MakeDataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    dataset = make_dataset({"train": (8, 8, 8), "val": (3, 3, 3)})
    rows = rows_of(train(make_experiment("training.epochs=12"), dataset, tmp_path / "run"))
    assert last_weights(tmp_path / "run")["layers.linear.bias"].shape == (3,)
    assert rows[-1]["train_accuracy"] > rows[0]["train_accuracy"]
    assert rows[-1]["val_roc_auc"] == 1


def test_divergence_is_named(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment("optimizer.learning_rate=1", "optimizer.weight_decay=1")
    hopeless = experiment.model_copy(
        update={"optimizer": experiment.optimizer.model_copy(update={"learning_rate": 1e30})}
    )
    with pytest.raises(RunError, match=r"diverged in epoch 1: .* --set optimizer\.learning_rate="):
        train(hopeless, dataset, tmp_path / "run")
    assert not load_record(tmp_path / "run").is_finished


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train": (8, 8)}, "the dataset has no val split"),
        ({**TWO_SPLITS, "val": (8, 0)}, "every class in the val split, found 8 no_mask, 0 mask"),
        ({**TWO_SPLITS, "train": (0, 9)}, "every class in the train split"),
        ({"train": (9,), "val": (9,)}, "at least two classes, found no_mask"),
    ],
)
def test_data_that_teach_nothing_are_refused(
    make_dataset: MakeDataset,
    make_experiment: MakeExperiment,
    tmp_path: Path,
    counts: dict[str, tuple[int, ...]],
    message: str,
) -> None:
    with pytest.raises(DatasetError, match=message):
        train(make_experiment(), make_dataset(counts), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_images_of_one_colour_are_refused(
    make_dataset: MakeDataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    dataset = make_dataset(TWO_SPLITS)
    info = dataclasses.replace(dataset.manifest.info, channel_std={SIZE_PX: (0.0, 0.0, 0.0)})
    flat = dataclasses.replace(dataset, manifest=dataclasses.replace(dataset.manifest, info=info))
    with pytest.raises(DatasetError, match="found a standard deviation of 0"):
        train(make_experiment(), flat, tmp_path / "run")


def test_a_network_over_budget_leaves_no_folder(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="expected at most 100 parameters"):
        train(make_experiment("network.budget=100"), dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_refused(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="--device cuda: expected a CUDA device, found"):
        fit(make_experiment(), dataset, tmp_path / "run", device="cuda")


def test_an_unknown_device_is_refused(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="--device tpu: expected one of auto, cpu, cuda"):
        fit(make_experiment(), dataset, tmp_path / "run", device="tpu")


def test_somebodys_folder_is_left_alone(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    for resume in (False, True):
        with pytest.raises(
            OutputError, match="found other files; they are left as they are: name another"
        ):
            fit(make_experiment(), dataset, tmp_path / "run", resume=resume, device="cpu")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "missing", ["augmentation.source_size_px=48", "augmentation.wide_cuts=true"]
)
def test_nothing_is_made_where_windows_cannot_be_taken(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path, missing: str
) -> None:
    table = dataset.manifest.table.assign(wide_cut=0, wide_x0=float("nan"))
    manifest = dataclasses.replace(dataset.manifest, table=table)
    with pytest.raises(DatasetError, match="run prepare again"):
        fit(
            make_experiment(missing),
            dataclasses.replace(dataset, manifest=manifest),
            tmp_path / "run",
            device="cpu",
        )
    assert not (tmp_path / "run").exists()


def test_a_name_that_is_too_long_is_told(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="name is too long"):
        fit(make_experiment(), dataset, tmp_path / ("a" * 300), device="cpu")


def test_each_epoch_is_a_note_and_each_image_moves_the_bar(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    recorded = Recorded()
    for epochs in (1, 2):
        experiment = make_experiment(f"training.epochs={epochs}")
        fit(experiment, dataset, tmp_path / "run", resume=True, device="cpu", progress=recorded)
    assert [note[:16] for note in recorded.notes] == ["small epoch 1/1:", "small epoch 2/2:"]
    assert re.search(r"training loss 0\.\d{4}, validation loss .* ROC-AUC", recorded.notes[1])
    n = len(dataset.rows_of("train"))
    assert [(what, total) for what, total, _ in recorded.bars] == [("small", n), ("small", 2 * n)]
    assert [(counts[0], sum(counts)) for *_, counts in recorded.bars] == [(0, n), (n, 2 * n)]


def test_the_record_is_plain_json(finished: Run) -> None:
    document = json.loads(finished.files.record.read_text(encoding="utf-8"))
    assert document["monitor"] == "val_loss"
    assert set(document["versions"]) == {"facecover", "lightning", "python", "torch"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("is_compiled", ["false", "true"])
def test_cuda_trains(
    is_compiled: str, dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    experiment = make_experiment("training.epochs=12", f"training.compile={is_compiled}")
    fit(experiment, dataset, tmp_path / "run", device="cuda")
    result = Run.open(tmp_path / "run")
    assert result.record.device.startswith("cuda")
    assert rows_of(result)[-1]["val_accuracy"] == 1


def test_loss_is_negative_log_likelihood(dataset: Dataset, make_experiment: MakeExperiment) -> None:
    experiment = make_experiment()
    network = new_network(experiment, dataset)
    module = Classification(network, experiment.optimizer, 0, ("val",))
    module.on_train_epoch_start()
    batch = next(iter(load_split(dataset, "train", SIZE_PX, 12)))
    loss = module.training_step(batch, 0)
    chosen = network(batch.images).softmax(1)[torch.arange(12), batch.labels]
    torch.testing.assert_close(loss, -chosen.log().mean())
