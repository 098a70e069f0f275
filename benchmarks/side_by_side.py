"""Variants of maskresnet's recipe, each on a source left out, trained side by side on one GPU.

A network this small leaves a GPU waiting for the next kernel. Here every step is one CUDA graph,
and several runs share the GPU, each on a stream of its own. The images, the networks and what is
done to each batch are those of ``facecover study networks --division left-out``. What differs:

- only whole batches, and the weights of the last step, whatever ``training.monitor`` says;
- bfloat16 while it learns, whatever ``training.precision`` says; never compiled;
- eight batches are changed at once, so that they share what is drawn once a batch;
- all runs draw from one random state: with more than one slot another time gives other weights;
- PyTorch answers, not the ONNX file, and no loss is looked at.

On a CPU the runs go one after another, without graphs.

    facecover study networks --data PHOTOS... --division left-out ... -o studies/networks  # decodes
    python benchmarks/side_by_side.py studies/networks/photos benchmarks/side_by_side.yaml \
        --leave-out techyhoney --seeds 0 --seeds 1 --seeds 2

Prints each run, and at the end the mean over seeds of every variant with its 95% interval, drawn
over seeds and groups of images, and the difference from the first variant. With a design of
``screening.py`` instead of variants it trains that one's runs, each with its own seed, and prints
what `screening.py` prints of them. Answers may be judged by corrected labels (``--relabel``).
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from facecover.dataset.arrays import Dataset
from facecover.evaluation.answers import check_answers
from facecover.evaluation.intervals import measure_answers
from facecover.inference.classifier import softmax
from facecover.studies.conclusion import mean_accuracy, mean_difference
from facecover.studies.divisions import Photos, StudyPart, divide, photos_with_copies, with_splits
from facecover.studies.runs import RunAnswers
from facecover.training.augmentation import augment
from facecover.training.config import Experiment
from facecover.training.data_loader import Batch, load_split
from facecover.training.experiments import load_experiment
from facecover.training.isolation import choose_device
from facecover.training.lightning_module import WARM_UP
from facecover.training.network import Network
from facecover.training.onnx_export import fit_temperature
from facecover.training.trainer import new_network, teach_locator
from facecover.yaml_text import read_yaml_file
from left_out import Truth
from screening import Design, summed_up

AT_ONCE = 8
"""Batches that are changed in one go."""

SECOND_MOMENT, EPSILON = 0.999, 1e-8
"""PyTorch's defaults of AdamW."""

Rows = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Planned:
    """One run: a variant, the source that it never sees, and a seed."""

    variant: str
    source: str
    experiment: Experiment
    view: Dataset


class FlatAdamW:
    """AdamW over all weights as one vector, with its numbers on the GPU, where a graph finds them.

    Args:
        network: its parameters become views of one vector, and so do their gradients.
        experiment: for the learning rate, the weight decay and the one cycle.
        steps: of the whole run.
    """

    def __init__(self, network: Network, experiment: Experiment, steps: int) -> None:
        parameters = [weight for weight in network.parameters() if weight.requires_grad]
        device = parameters[0].device
        count = sum(parameter.numel() for parameter in parameters)
        self.weights, self.gradients, self._first, self._second, self._decay = (
            torch.zeros(count, device=device) for _ in range(5)
        )
        at = 0
        for parameter in parameters:
            part = slice(at, at + parameter.numel())
            with torch.no_grad():
                _view(self.weights[part], parameter).copy_(parameter)
            parameter.data = _view(self.weights[part], parameter)
            parameter.grad = _view(self.gradients[part], parameter)
            # As in training: biases and batch normalisation's scales do not decay.
            self._decay[part] = experiment.optimizer.weight_decay if parameter.ndim > 1 else 0
            at = part.stop
        self._numbers = _numbers_of_each_step(experiment, steps).to(device)
        self._done = torch.zeros(1, dtype=torch.int64, device=device)

    @torch.no_grad()
    def step(self) -> None:
        """Learn from the gradients."""
        rate, beta, bias, second_bias = self._numbers.index_select(0, self._done)[0].unbind()
        self._first.lerp_(self.gradients, 1 - beta)
        self._second.lerp_(self.gradients.square(), 1 - SECOND_MOMENT)
        self.weights.sub_(self.weights * self._decay * rate)
        scale = (self._second / second_bias).sqrt() + EPSILON
        self.weights.sub_(rate / bias * self._first / scale)
        self._done.add_(1)


def _view(part: Tensor, like: Tensor) -> Tensor:
    """A part of a vector in the shape of a parameter, its channels last."""
    if like.ndim != 4:
        return part.view(like.shape)
    wider, channels, height, width = like.shape
    return part.view(wider, height, width, channels).permute(0, 3, 1, 2)


def _numbers_of_each_step(experiment: Experiment, steps: int) -> Tensor:
    """Learning rate, beta 1 and both bias corrections, from PyTorch's own one cycle."""
    peak = experiment.optimizer.learning_rate
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=peak)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peak, total_steps=steps, pct_start=WARM_UP
    )
    rows = []
    for number in range(1, steps + 1):
        group = optimizer.param_groups[0]
        beta = group["betas"][0]
        rows.append((group["lr"], beta, 1 - beta**number, 1 - SECOND_MOMENT**number))
        optimizer.step()
        cycle.step()
    return torch.tensor(rows)


def trained(planned: Planned, device: torch.device) -> Iterator[RunAnswers | None]:
    """Train a run; it has queued a little work each time that it yields, and last its answers."""
    experiment, view = planned.experiment, planned.view
    augmentation = experiment.augmentation
    if augmentation is None or experiment.optimizer.schedule != "one-cycle":
        raise SystemExit(f"{planned.variant}: expected augmentation and one cycle")
    network = new_network(experiment, view).to(device)
    teach_locator(network, experiment, view, choose_device(device.type))
    network.train()
    loader = load_split(
        view, "train", experiment.source_size_px, 1, wide_cuts=augmentation.wide_cuts
    )
    n = len(loader.dataset)  # type: ignore[arg-type]
    whole = Batch(*(part.to(device) for part in loader.dataset[np.arange(n)]))
    size, batch_size = network.look_size_px, experiment.training.batch_size
    steps = n // batch_size * experiment.training.epochs
    optimizer = FlatAdamW(network, experiment, steps)
    images = torch.zeros(batch_size, 3, size, size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(batch_size, dtype=torch.int64, device=device)
    smoothing = experiment.training.label_smoothing

    def step() -> None:
        optimizer.gradients.zero_()
        with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            logits = network.look(images)
        loss = cross_entropy(logits.float(), labels, label_smoothing=smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    once = Repeated(step, device)
    for chosen in _shuffled(n, batch_size, steps, device):
        with torch.no_grad():
            changed = augment(Batch(*(part[chosen] for part in whole)), size, augmentation)
        for start in range(0, len(chosen), batch_size):
            images.copy_(changed.images[start : start + batch_size])
            labels.copy_(changed.labels[start : start + batch_size])
            once()
        yield None
    yield _answered(network.eval(), view, device)


def _shuffled(n: int, batch_size: int, steps: int, device: torch.device) -> Iterator[Tensor]:
    """The images of several whole batches at a time, every epoch in a new order."""
    waiting = torch.zeros(0, dtype=torch.int64, device=device)
    left = steps * batch_size
    while left:
        while len(waiting) < min(AT_ONCE * batch_size, left):
            order = torch.randperm(n, device=device)[: n // batch_size * batch_size]
            waiting = torch.cat([waiting, order])
        taken = min(AT_ONCE * batch_size, left)
        yield waiting[:taken]
        waiting, left = waiting[taken:], left - taken


class Repeated:
    """A step that becomes a CUDA graph once it has run a few times.

    Args:
        step: works on the same tensors each time, and waits for nothing.
        device: without CUDA the step is called as it is.
    """

    def __init__(self, step: Callable[[], None], device: torch.device) -> None:
        self._step, self._is_cuda = step, device.type == "cuda"
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Do the step."""
        self._calls += 1
        if self._graph is not None:
            self._graph.replay()
        elif not self._is_cuda or self._calls < 4:
            self._step()
        else:
            self._capture()

    def _capture(self) -> None:
        """Do the step on another stream, as PyTorch asks for before a capture, and record it."""
        torch.cuda.synchronize()
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            self._step()
        torch.cuda.current_stream().wait_stream(beside)
        torch.cuda.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # Not on PyTorch's one stream for captures: runs beside each other would share its memory.
        with torch.cuda.graph(self._graph, stream=torch.cuda.current_stream()):
            self._step()


@torch.no_grad()
def _answered(network: Network, view: Dataset, device: torch.device) -> RunAnswers:
    def logits_of(split: str) -> tuple[Rows, Logits]:
        rows = view.rows_of(split)
        pixels = np.ascontiguousarray(view.images(network.input_size_px)[rows])
        parts = torch.from_numpy(pixels).permute(0, 3, 1, 2).split(512)  # type: ignore[no-untyped-call]
        return rows, torch.cat([network(part.to(device)).cpu() for part in parts]).numpy()

    val, val_logits = logits_of("val")
    temperature, _ = fit_temperature(val_logits, view.labels[val])
    rows, logits = logits_of("test")
    labels = view.labels[rows]
    is_right = logits.argmax(axis=1) == labels
    probabilities = softmax(logits, temperature).astype(np.float32)
    return RunAnswers(rows, labels, probabilities, is_right, rows)


def side_by_side(
    plan: list[Planned], device: torch.device, slots: int
) -> Iterator[tuple[Planned, RunAnswers]]:
    """The runs of a plan as they are done, so many at a time."""
    new_stream = torch.cuda.Stream if device.type == "cuda" else lambda: None
    streams = [new_stream() for _ in range(slots if device.type == "cuda" else 1)]
    waiting, running = list(plan), dict[int, tuple[Planned, Iterator[RunAnswers | None]]]()
    while waiting or running:
        for slot in range(len(streams)):
            if slot not in running and waiting:
                planned = waiting.pop(0)
                running[slot] = planned, trained(planned, device)
        for slot, (planned, run) in list(running.items()):
            stream = streams[slot]
            with torch.cuda.stream(stream) if stream else nullcontext():
                answered = next(run)
            if answered is not None:
                del running[slot]
                yield planned, answered


def planned_runs(
    views: dict[str, Dataset], variants: dict[str, list[str]], seeds: list[int]
) -> list[Planned]:
    """Every variant with every seed on every source that is left out."""
    return [
        Planned(name, source, load_experiment("maskresnet", [*changes, f"seed={seed}"]), view)
        for source, view in views.items()
        for seed in seeds
        for name, changes in variants.items()
    ]


def designed_runs(
    parts: list[StudyPart], views: dict[str, Dataset], design: Design, overrides: list[str]
) -> list[Planned]:
    """The runs of a design on every source that is left out."""
    return [
        Planned(run.variant.name, part.source, run.experiment, views[part.source])
        for part in parts
        for run in design.planned(part, Path(), overrides)
    ]


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path, help="a dataset that kept every copy, as studies do")
    parser.add_argument(
        "plan", type=Path, help="YAML: for each variant a list of changes; or a design"
    )
    parser.add_argument("--leave-out", action="append", default=[], help="every source by default")
    parser.add_argument("--seeds", action="append", type=int, help="of variants; 0 by default")
    parser.add_argument("--only", action="append", help="some of the variants")
    parser.add_argument("--set", action="append", default=[], help="for every run")
    parser.add_argument("--slots", type=int, default=6, help="runs at a time on a GPU")
    parser.add_argument("--relabel", action="append", type=Path, default=[], help="to judge by")
    parser.add_argument("--min-side-px", type=int, default=0, help="of a box, to be judged")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    photos = Dataset.open(options.photos)
    known = photos_with_copies(photos)
    truth = Truth.of_photos(options.photos, options.relabel, options.min_side_px)
    parts, skipped = divide(known, "left-out", options.leave_out)
    for one in skipped:
        print(f"{one.source}: left alone: {one.reason}", flush=True)
    views = {part.source: with_splits(photos, known, part.splits, part.division) for part in parts}
    document = read_yaml_file(options.plan, "a plan")
    design = Design.read(options.plan) if "without" in document else None
    variants: dict[str, list[str]] = {}
    if problem := _wrong_choice(options, document):
        parser.error(problem)
    if design is not None:
        plan = designed_runs(parts, views, design, options.set)
    else:
        variants = {
            name: [*changes, *options.set]
            for name, changes in document.items()
            if name in (options.only or document)
        }
        plan = planned_runs(views, variants, options.seeds or [0])
    found: dict[str, dict[str, dict[int, RunAnswers]]] = {source: {} for source in views}
    for planned, answered in told(side_by_side(plan, device, options.slots), known, truth):
        of_variant = found[planned.source].setdefault(planned.variant, {})
        of_variant[planned.experiment.seed] = answered
    for source, by_variant in found.items():
        if design is not None:
            print(json.dumps({source: effects_of(design, by_variant)}, indent=2))
        for name in variants:
            print(
                f"{source:15} {name:12} {_row(by_variant[name], by_variant[next(iter(variants))])}"
            )


def _wrong_choice(options: argparse.Namespace, document: dict[str, Any]) -> str | None:
    if "without" in document and (options.only or options.seeds):
        return "--only and --seeds are for variants; a design names its runs and seeds"
    unknown = set(options.only or ()) - set(document)
    return f"--only {min(unknown)}: expected one of {', '.join(document)}" if unknown else None


def effects_of(design: Design, by_run: dict[str, dict[int, RunAnswers]]) -> dict[str, Any]:
    """What the runs of a design say, each of which has one seed."""
    in_order = [by_run[f"run{number}"] for number in range(len(design.runs))]
    return summed_up([next(iter(by_seed.values())) for by_seed in in_order], design)


def told(
    runs: Iterator[tuple[Planned, RunAnswers]], known: Photos, truth: Truth
) -> Iterator[tuple[Planned, RunAnswers]]:
    """The runs as they end, judged by the true labels, each said in a line."""
    start, images = time.perf_counter(), 0
    for planned, answered in runs:
        grouped = replace(answered, groups=known.group[answered.rows])
        judged = truth.judge(grouped)
        images += _images_seen(planned)
        seconds = time.perf_counter() - start
        print(
            f"{planned.source} {planned.variant} seed {planned.experiment.seed}: "
            f"{_measured(judged)}; {images / seconds:,.0f} images/s so far",
            flush=True,
        )
        yield planned, judged


def _images_seen(planned: Planned) -> int:
    table = planned.view.manifest.table.iloc[planned.view.rows_of("train")]
    augmentation, training = planned.experiment.augmentation, planned.experiment.training
    n = len(table)
    if augmentation and augmentation.wide_cuts:
        n += augmentation.wide_cuts * int(table["wide_cut"].notna().sum())
    return n // training.batch_size * training.batch_size * training.epochs


def _measured(answered: RunAnswers) -> str:
    answers = check_answers(answered.labels, answered.probabilities.astype(np.float64))
    values = measure_answers(answers, resamples=100).values
    auc = values.get("roc_auc")
    return f"{values['accuracy']:.2%}, calibration error {values['ece']:.1%}, ROC-AUC " + (
        "-" if auc is None else f"{auc:.4f}"
    )


def _row(by_seed: dict[int, RunAnswers], first: dict[int, RunAnswers]) -> str:
    mean = mean_accuracy(by_seed)
    low, high = mean.ci95 or (mean.value, mean.value)
    row = f"{mean.value:.1%} ({low:.1%} to {high:.1%}), n = {mean.n:,}, {len(by_seed)} seeds"
    if by_seed is first or (gap := mean_difference(by_seed, first)) is None:
        return row
    low, high = gap.ci95 or (gap.value, gap.value)
    return f"{row}; {100 * gap.value:+.1f} points ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
