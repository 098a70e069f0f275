"""A model card in Hugging Face's form: YAML for their hub, then Markdown for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from facecover.errors import LAYOUT, shown
from facecover.evaluation.card_facts import PARTS
from facecover.evaluation.formatting import interval, joined, number
from facecover.evaluation.metrics import METRICS
from facecover.inference.model_info import ModelInfo
from facecover.labels import CLASS_NAMES, INCORRECT_MASK
from facecover.text import large, percent
from facecover.yaml_text import to_yaml

_HUB_METRICS = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "f1",
                "roc_auc": "roc_auc"}  # fmt: skip
"""Our metrics that the hub has a name for (https://hf.co/metrics)."""

_MEASURES = {
    "brightness": "brightness",
    "sharpness": "sharpness",
    "side_px": "shorter side of the face (px)",
}

_SPLIT_BY = {
    "group": "Photos found to belong together, near-duplicates above all, stand on one side of the "
    "split.",
    "random": "The split was random; near-duplicates may stand on both sides of it.",
    "source data": "The split is the one that the sources bring.",
}

_CHOSE = {
    "train": "which the weights were learned from, so these figures say little",
    "val": "which chose the {chosen}, so {too_good} are too good",
    "test": "which chose nothing",
}

_OF_A_TWIN = (
    "from which this model learned, too, so they cannot judge it: the figures are those of a twin, "
    "the same experiment without them, though perhaps in arithmetic of another precision (weights "
    "`{weights}`), and this model is expected to be no worse"
)


_MARKER = {"generated_by": "facecover card"}
"""In the YAML of every card, which no other file has: a card may replace an earlier one alone."""


def is_card(path: Path) -> bool:
    """Whether a file is a card that `card_text` made, whatever was added below its YAML.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as stream:
        begin, *lines = stream.read(_MAX_FRONT_BYTES).splitlines() or [b""]
    front = lines[: lines.index(b"---")] if b"---" in lines else []
    return begin == b"---" and to_yaml(_MARKER).strip().encode() in front


_MAX_FRONT_BYTES = 2**20


def card_text(
    info: ModelInfo,
    facts: Mapping[str, Any],
    *,
    load_as: str,
    file_bytes: int,
    license_id: str | None,
) -> str:
    """The card.

    Args:
        info: what the model says of itself.
        facts: what was measured, see `evaluation.card_facts.card_facts`.
        load_as: what `Classifier` takes to load it.
        file_bytes: the size of the model file.
        license_id: of the weights, as the hub names it; None where nobody said.
    """
    environment = Environment(  # noqa: S701  (Markdown, not HTML; cells are escaped below)
        loader=PackageLoader("facecover.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": _cell, "code": lambda name: f"`{_cell(name)}`"}
    test = facts["test"]
    text = environment.get_template("card.md").render(
        front=_front(info, facts, license_id),
        info=info,
        facts=_with_defaults(facts),
        load_as=load_as,
        file_bytes=file_bytes,
        license=license_id,
        three=len(info.class_names) > 2,
        layers=_layers(info),
        split_sentence=_split_sentence(info),
        split_name=_split_name(info, test["split"]),
        chose=_OF_A_TWIN.format(weights=test["model"]["weights_sha256"][:16])
        if _is_of_a_twin(facts)
        else _CHOSE[test["split"]].format(
            chosen="temperature" if info.keeps_last_epoch else "weights and the temperature",
            too_good="calibration and log loss" if info.keeps_last_epoch else "these figures",
        ),
        class_counts=joined(
            f"{n:,} {name}" for n, name in zip(test["n_by_class"], test["class_names"], strict=True)
        ),
        procedure=_procedure(info),
        metric_rows=[
            {
                "title": kind.title,
                "value": number(kind, test[kind.key]),
                "interval": interval(kind, _pair(test["ci95"][kind.key])),
            }
            for kind in METRICS
        ],
        calibration=_calibration(info, facts),
        parity=_parity(info),
        parts=PARTS,
        measure_names=_MEASURES,
        incorrect=_incorrect(info),
        shortcut=_one_class_sources(facts),
        origin=_origin,
        percent=percent,
        between=_between,
        measured=_measured,
        large=large,
    )
    return shown(text, LAYOUT)


def _is_of_a_twin(facts: Mapping[str, Any]) -> bool:
    own, measured = facts["file_sha256"], facts["test"]["model"]["file_sha256"]
    return bool(own != measured)


def _front(info: ModelInfo, facts: Mapping[str, Any], license_id: str | None) -> str:
    """The YAML that Hugging Face's hub reads (https://hf.co/docs/hub/model-cards)."""
    test = facts["test"]
    whose = " of a twin that did not learn from it" if _is_of_a_twin(facts) else ""
    metrics = [
        {"type": hub, "value": round(test[key], 4), "name": f"{test['split']} {key}{whose}"}
        for key, hub in _HUB_METRICS.items()
        if test[key] is not None
    ]
    dataset = {
        "type": "custom",
        "name": ", ".join(source["name"] for source in facts["sources"]),
        "split": test["split"],
        "revision": test["data_digest"],
    }
    task = {"type": "image-classification", "name": "Image classification"}
    document = {
        **_MARKER,
        **({"license": license_id} if license_id else {}),
        "library_name": "onnx",
        "pipeline_tag": "image-classification",
        "tags": ["face-mask", "image-classification", "onnx", info.precision, info.network.name],
        "datasets": [source["name"] for source in facts["sources"]],
        "metrics": [metric["type"] for metric in metrics],
        "model-index": [
            {
                "name": info.name,
                "results": [{"task": task, "dataset": dataset, "metrics": metrics}],
            }
        ],
    }
    text = to_yaml(document)
    return text


def _with_defaults(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with an empty text where nothing was said of a source."""
    blank = {"title": "", "repository": "", "commit": "", "licence": "", "note": ""}
    sources = [{**one, "about": {**blank, **one["about"]}} for one in facts["sources"]]
    return {**facts, "sources": sources}


def _cell(text: object) -> str:
    """Text that breaks neither a table nor a line."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("`", "'")


def _between(bounds: list[float] | None) -> str:
    pair = _pair(bounds)
    return (
        "\N{EN DASH}" if pair is None else " to ".join(percent(bound, unit=False) for bound in pair)
    )


def _pair(bounds: list[float] | None) -> tuple[float, float] | None:
    return None if bounds is None else (bounds[0], bounds[1])


def _measured(value: float, by: str) -> str:
    return f"{value:,.0f}" if by == "side_px" else f"{value:.4f}" if value < 0.1 else f"{value:.2f}"


def _layers(info: ModelInfo) -> str:
    kinds = [layer.kind for layer in info.network.layers if layer.parameters]
    kinds_of_layer = ("face locator", "convolution", "residual block", "fully connected")
    counts = {word: sum(kind.startswith(word) for kind in kinds) for word in kinds_of_layer}
    return ", ".join(_counted(count, word) for word, count in counts.items() if count)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 or word == "fully connected" else f"{count} {word}s"


def _split_sentence(info: ModelInfo) -> str:
    counts = {split: sum(of_one.values()) for split, of_one in info.data.counts.items()}
    found = ", ".join(f"{counts[split]:,} {split}" for split in counts)
    learned = " It learned from the test images, too." if info.is_refit else ""
    how = _SPLIT_BY.get(info.data.split_by, "")
    return f"{sum(counts.values()):,} images ({found}).{learned} {how}"


def _split_name(info: ModelInfo, split: str) -> str:
    how = {"group": "grouped ", "random": "random "}.get(info.data.split_by, "")
    name = {"train": "training", "val": "validation"}.get(split, split)
    return f"{how}{name} split"


_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW"}


def _procedure(info: ModelInfo) -> str:
    config = info.config
    network, optimizer, training = config["network"], config["optimizer"], config["training"]
    dropout = f"dropout {network['dropout']:g}" if network["dropout"] else "no dropout"
    at_most = "" if info.keeps_last_epoch else "at most "
    return (
        f"{_OPTIMIZERS[optimizer['name']]}, learning rate {optimizer['learning_rate']:g}, weight "
        f"decay {optimizer['weight_decay']:g}, {dropout}; batches of {training['batch_size']}, "
        f"{at_most}{training['epochs']} epochs; negative log likelihood on log-softmax"
        f"{_beyond_the_study(config)}; seed {config['seed']}. "
        f"{_augmentation(config.get('augmentation'))} The weights kept are those of "
        f"{info.chosen_in_words}. "
        "The whole experiment stands in the model file, under `config`."
    )


def _beyond_the_study(config: Mapping[str, Any]) -> str:
    """What models of an older version do not name was not done with them."""
    optimizer, training = config["optimizer"], config["training"]
    found = []
    if smoothing := training.get("label_smoothing"):
        found.append(f"label smoothing {smoothing:g}")
    if (schedule := optimizer.get("schedule", "constant")) != "constant":
        found.append(f"schedule {schedule}")
    if (precision := training.get("precision", "float32")) != "float32":
        found.append(f"precision {precision}")
    return "".join(f", {one}" for one in found)


def _augmentation(changes: Mapping[str, Any] | None) -> str:
    if changes is None:
        return "Training images were used as they are."
    found = ", ".join(f"{key} {value}" for key, value in changes.items() if value)
    return f"Training images were changed each time that they were seen: {_cell(found)}."


def _calibration(info: ModelInfo, facts: Mapping[str, Any]) -> str:
    test, before = facts["test"], facts["uncalibrated"]
    fit = info.temperature_fit
    if fit is None or info.temperature == 1:
        why = f" ({fit.note})" if fit and fit.note else ""
        whose = "the twin's " if _is_of_a_twin(facts) else ""
        return (
            f"The logits are used as they are{why}: {whose}expected calibration error "
            f"{_error(test)} on the same images."
        )
    whose, without = ("the twin's", "its own") if _is_of_a_twin(facts) else ("the", "it")
    return (
        f"Logits are divided by a temperature of {info.temperature:g}, fitted on {fit.images:,} "
        f"validation images. On the {test['split']} images {whose} expected "
        f"calibration error is {_error(before)} without {without} and {_error(test)} with it, the "
        "log loss "
        f"{before['log_loss']:.4f} and {test['log_loss']:.4f}. A model whose confidence is exactly "
        f"right stays under {percent(test['chance_ece'])} on these images 19 times of 20."
    )


def _error(measured: Mapping[str, Any]) -> str:
    return f"{percent(measured['ece'])} (95% interval {_between(measured['ci95']['ece'])})"


def _parity(info: ModelInfo) -> list[str]:
    parity, cost = info.parity, info.quantization
    found = [
        f"Against PyTorch, on {parity.images:,} validation images: probabilities at most "
        f"{parity.largest_difference:.1g} apart, {percent(parity.label_agreement)} of the labels "
        "alike."
    ]
    if cost is not None:
        found.append(
            f"INT8 against float32, on {cost.images:,} validation images: accuracy "
            f"{percent(cost.int8_accuracy, 2)} and {percent(cost.float32_accuracy, 2)}, "
            f"probabilities at most {cost.parity.largest_difference:.2g} apart, "
            f"{percent(cost.parity.label_agreement)} of the labels alike. Method: {cost.method}; "
            f"ranges from {cost.calibration_images:,} training images."
        )
    return found


def _incorrect(info: ModelInfo) -> str:
    name = CLASS_NAMES[INCORRECT_MASK]
    if name in info.class_names:
        return ""
    return (
        f"Masks worn under the nose or the chin (`{name}`) are no class of this model: it answers "
        "one of its classes for them, and this card does not say which."
    )


def _one_class_sources(facts: Mapping[str, Any]) -> str:
    """What high figures on sources of unequal classes may rest on."""
    return (
        "Where masked and bare faces were collected in different ways, a model can score well by "
        "telling the collections apart; the figures on sources left out show how much of the "
        "accuracy that may be."
        if len(facts["sources"]) > 1
        else ""
    )


def _origin(source: Mapping[str, Any]) -> str:
    about = source["about"]
    title = about["title"] or about["repository"] or "not stated"
    link = f"[{_cell(title)}]({about['repository']})" if about["repository"] else _cell(title)
    return f"{link} at {_cell(about['commit'])}" if about["commit"] else link
