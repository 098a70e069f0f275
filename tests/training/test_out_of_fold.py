import random
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tests.training.small_dataset import MakeDataset, MakeExperiment

from facecover.dataset.arrays import Dataset, with_table
from facecover.drawn.drawn_dataset import draw_dataset
from facecover.errors import ConfigError, DatasetError
from facecover.look.suspect_images import rank_suspects
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.reading import read_sources
from facecover.training import out_of_fold
from facecover.training.experiments import load_experiment
from facecover.training.out_of_fold import (
    EPOCHS,
    out_of_fold_experiment,
    out_of_fold_probabilities,
    plan_folds,
)

Groups = npt.NDArray[np.int64]


def pairs(count: int) -> Groups:
    """Groups of four: two of each class, since classes lie one after the other."""
    return np.arange(count, dtype=np.int64) % (count // 4)


def test_no_network_sees_what_it_judges_or_its_group(
    dataset: Dataset, make_experiment: MakeExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Dataset] = []

    def spied(*args: object, **options: object) -> Dataset:
        seen.append(with_table(*args, **options))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(out_of_fold, "with_table", spied)
    groups = pairs(len(dataset))
    experiment = make_experiment("training.epochs=1")
    out_of_fold_probabilities(dataset, groups, experiment=experiment, folds=4, device="cpu")
    held_out = [view.rows_of("test") for view in seen]
    assert sorted(np.concatenate(held_out).tolist()) == list(range(len(dataset)))
    assert len(seen) == 4
    for view, judged in zip(seen, held_out, strict=True):
        trained = view.rows_of("train")
        assert len(trained) + len(judged) == len(dataset)
        assert not set(groups[trained]) & set(groups[judged])
        np.testing.assert_array_equal(view.labels, dataset.labels)


def test_the_same_seed_gives_the_same_answers_and_nothing_is_left_behind(
    dataset: Dataset,
    make_experiment: MakeExperiment,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in dataset.folder.iterdir()}
    experiment = make_experiment("training.epochs=1", "network.dropout=0.5", "seed=7")

    def answers(seed: int) -> npt.NDArray[np.float64]:
        return out_of_fold_probabilities(
            dataset, pairs(len(dataset)), experiment=experiment, folds=2, seed=seed, device="cpu"
        )

    files = set(tmp_path.iterdir())
    random.seed(1)
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(3)
    first = answers(0)
    after_training = (random.random(), np.random.random(), torch.rand(1).item())  # noqa: S311, NPY002
    random.seed(1)
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(3)
    undisturbed = (random.random(), np.random.random(), torch.rand(1).item())  # noqa: S311, NPY002
    assert after_training == undisturbed
    np.testing.assert_array_equal(answers(0), first)
    assert not np.array_equal(answers(1), first)
    assert first.shape == (len(dataset), 2)
    np.testing.assert_allclose(first.sum(axis=1), 1)
    assert {path: path.stat().st_mtime_ns for path in dataset.folder.iterdir()} == before
    assert set(tmp_path.iterdir()) == files
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("override", ["training.label_smoothing=0.5", "augmentation.noise=0.5"])
def test_a_fold_learns_as_the_experiment_says(
    dataset: Dataset, make_experiment: MakeExperiment, override: str
) -> None:
    def answers(*overrides: str) -> npt.NDArray[np.float64]:
        experiment = make_experiment("training.epochs=1", *overrides)
        return out_of_fold_probabilities(
            dataset, pairs(len(dataset)), experiment=experiment, folds=2, device="cpu"
        )

    assert not np.array_equal(answers(), answers(override))


def test_no_experiment_learns_from_what_is_held_out(
    dataset: Dataset, make_experiment: MakeExperiment
) -> None:
    experiment, groups = make_experiment("training.refit=true"), pairs(len(dataset))
    with pytest.raises(ConfigError, match=r"training\.refit: expected false, since each fold"):
        out_of_fold_probabilities(dataset, groups, experiment=experiment, device="cpu")


def test_progress_runs_up_to_what_was_planned(
    dataset: Dataset, make_experiment: MakeExperiment
) -> None:
    experiment, groups = make_experiment("training.epochs=2"), pairs(len(dataset))
    plan = plan_folds(dataset, groups, experiment=experiment, folds=3)
    done: list[int] = []
    out_of_fold_probabilities(
        dataset, groups, experiment=experiment, folds=3, device="cpu", on_progress=done.append
    )
    assert plan.epochs == sum(done) == 6
    assert len(done) == 6


def test_an_interrupt_stays_one(dataset: Dataset, make_experiment: MakeExperiment) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        out_of_fold_probabilities(
            dataset,
            pairs(len(dataset)),
            experiment=make_experiment("training.epochs=1"),
            folds=2,
            device="cpu",
            on_progress=interrupt,
        )
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_class_with_few_groups_gets_fewer_folds(make_dataset: MakeDataset) -> None:
    dataset = make_dataset({"train": (6, 6), "val": (1, 1)})
    rare = dataset.labels == 1
    groups = np.where(rare, np.arange(14) % 3, np.arange(14) + 3).astype(np.int64)
    assert plan_folds(dataset, groups, folds=5).folds == 3
    assert plan_folds(dataset, np.arange(14), folds=5).folds == 5


@pytest.mark.parametrize(("images", "batch_size"), [(100, 16), (1_600, 32), (10_000, 64)])
def test_few_images_are_learned_in_small_batches(images: int, batch_size: int) -> None:
    experiment = out_of_fold_experiment(images)
    assert experiment.network == load_experiment("net1").network
    assert experiment.training.epochs == EPOCHS
    assert experiment.training.batch_size == batch_size


def _one_group_a_class(dataset: Dataset) -> Groups:
    return dataset.labels


def _too_few(dataset: Dataset) -> Groups:
    return np.arange(len(dataset) - 1)


@pytest.mark.parametrize(
    ("groups_of", "counts", "folds", "message"),
    [
        (_too_few, (4, 4), 5, r"expected shape \(8,\), found \(7,\)"),
        (_one_group_a_class, (4, 4), 5, r"two different pictures or persons .* 1 of 'no_mask'"),
        (_one_group_a_class, (0, 4), 5, r"expected two classes or more .* found mask"),
        (lambda dataset: np.arange(len(dataset)), (4, 4), 1, r"expected two folds .* found 1 fold"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    make_dataset: MakeDataset,
    groups_of: Callable[[Dataset], Groups],
    counts: tuple[int, int],
    folds: int,
    message: str,
) -> None:
    dataset = make_dataset({"train": counts})
    with pytest.raises(DatasetError, match=message):
        out_of_fold_probabilities(dataset, groups_of(dataset), folds=folds)


@pytest.mark.slow
def test_wrong_labels_of_drawn_faces_lead_the_list(tmp_path: Path) -> None:
    draw_dataset(tmp_path / "photos", 300, 20, 0)
    dataset = write_dataset(
        read_sources([tmp_path / "photos"]), tmp_path / "dataset", PrepareOptions()
    )
    flipped = np.random.default_rng(0).choice(len(dataset), 15, replace=False)
    table = dataset.manifest.table.copy()
    table.loc[flipped, "label"] = 1 - table.loc[flipped, "label"]
    wrong = with_table(dataset, table, split_by="given")
    groups = pd.factorize(table["group"])[0].astype(np.int64)
    probabilities = out_of_fold_probabilities(wrong, groups, device="cpu")
    is_flipped = np.isin(np.arange(len(table)), flipped)
    quality = probabilities[np.arange(len(table)), table["label"]]
    assert roc_auc_score(is_flipped, -quality) >= 0.75
    top = rank_suspects(table, probabilities)["row"].head(len(flipped))
    # By chance it would be one in twenty.
    assert np.isin(top, flipped).mean() >= 0.2
