"""The tables of docs/results.md as Markdown, from what the commands beside them print.

    facecover evaluate net1 --data dataset96 --json > net1.json          # and so on
    python benchmarks/result_tables.py models net1.json net2.json maskresnet.json
    facecover evaluate net1 --data dataset96 --split val --robustness --json > net1-val.json
    python benchmarks/result_tables.py corruptions net1-val.json net2-val.json maskresnet-val.json
    python benchmarks/left_out.py ... > left_out.json
    python benchmarks/result_tables.py left-out left_out.json
    python benchmarks/boxes.py ... > boxes.json
    python benchmarks/result_tables.py boxes boxes.json

Models stand in the order in which they are named; the corruptions in that of the last one's
accuracy, the least first.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from facecover.evaluation.formatting import in_sentence, interval, kind_of, number
from facecover.evaluation.intervals import Interval
from facecover.text import percent

Document = dict[str, Any]

NAMES = {"net1": "Net #1", "net2": "Net #2"}
NONE = "\N{EN DASH}"
MEASURES = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "average_precision",
    "brier",
    "log_loss",
    "ece",
)
SLICED = {
    "source": "`{}`",
    "side_px": "shorter side {}",
    "aspect": "width over height {}",
    "brightness": "brightness {}",
    "sharpness": "sharpness {}",
}


def with_interval(key: str, value: float | None, bounds: Interval | None) -> str:
    """A measure with its interval, in the words of the reports."""
    kind = kind_of(key)
    return number(kind, value) + (f" ({interval(kind, bounds)})" if bounds else "")


def rows(header: Sequence[str], lines: Iterator[Sequence[str]]) -> str:
    """A Markdown table."""
    written = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in written) + "\n"


def _named(documents: Sequence[Document]) -> list[str]:
    names = [one["model"]["name"] for one in documents]
    return [NAMES.get(name, name) for name in names]


def model_tables(documents: list[Document]) -> str:
    """Every measure, and the accuracy on the slices that have enough images."""

    def measures() -> Iterator[Sequence[str]]:
        for key in MEASURES:
            cells = [with_interval(key, one[key], one["ci95"][key]) for one in documents]
            yield [in_sentence(kind_of(key)), *cells]
        models = [one["model"] for one in documents]
        yield ["parameters", *(f"{one['parameters']:,}" for one in models)]
        macs = [f"{one['macs'] / 1e6:.1f} million" for one in models]
        yield ["multiply-accumulates", *macs]

    def slices() -> Iterator[Sequence[str]]:
        found = [
            {(one["by"], one["name"]): one for one in document["slices"]["slices"]}
            for document in documents
        ]
        least = documents[0]["slices"]["min_n"]
        for by, told in SLICED.items():
            for key, one in sorted(found[0].items(), key=lambda item: _in_order(item[0])):
                if key[0] == by and one["n"] >= least:
                    cells = [
                        with_interval(
                            "accuracy", each[key]["accuracy"], each[key]["ci95"]["accuracy"]
                        )
                        for each in found
                    ]
                    yield [told.format(key[1]), f"{one['n']:,}", *cells]

    names = _named(documents)
    return rows(["", *names], measures()) + "\n" + rows(["slice", "n", *names], slices())


def _in_order(key: tuple[str, str]) -> tuple[float, str]:
    """Bins by their lower end; names as they are."""
    first = key[1].split()[0]
    if first == "under":
        return float("-inf"), key[1]
    try:
        return float(first), key[1]
    except ValueError:
        return 0.0, key[1]


def corruption_tables(documents: list[Document]) -> str:
    """Accuracy on corrupted images, the mean of severities, and errors in the first one's."""
    corrupted = [each["robustness"] for each in documents]
    kinds = [{one["key"]: one for one in each["kinds"]} for each in corrupted]

    def lines() -> Iterator[Sequence[str]]:
        clean = [one["clean"] for one in corrupted]
        cells = [with_interval("accuracy", one["accuracy"], one["ci95"]) for one in clean]
        yield ["as they are", *cells, *[NONE] * len(corrupted[1:])]
        for kind, last in sorted(kinds[-1].items(), key=lambda item: item[1]["mean_accuracy"]):
            accuracies = [percent(each[kind]["mean_accuracy"]) for each in kinds]
            errors = [
                "{:.2f} ({:.2f} to {:.2f})".format(each[kind]["ce"], *each[kind]["ce_ci95"])
                for each in kinds[1:]
            ]
            yield [last["title"], *accuracies, *errors]

    names = _named(documents)
    return rows(["", *names, *(f"errors of {name}" for name in names[1:])], lines())


def left_out_tables(document: Document) -> str:
    """Accuracy of the variants on each source left out, and by how much the last one is ahead."""

    def lines() -> Iterator[Sequence[str]]:
        for source, found in document.items():
            accuracies = [one["accuracy"] for one in found["variants"].values()]
            gaps = next(value for key, value in found.items() if key.endswith("_minus"))
            yield [
                f"`{source}`, n = {accuracies[0]['n']:,}",
                *(with_interval("accuracy", one["mean"], one["ci95"]) for one in accuracies),
                *("{:.1f} ({:.1f} to {:.1f})".format(*_points(gap)) for gap in gaps.values()),
            ]

    def further(key: str) -> Iterator[Sequence[str]]:
        for source, found in document.items():
            cells = [
                ", ".join(with_interval(key, *of_seed) for of_seed in one[key])
                for one in found["variants"].values()
            ]
            yield [f"`{source}`", *cells]

    first = next(iter(document.values()))
    names = [NAMES.get(name, name) for name in first["variants"]]
    gaps = [f"more than {name}" for name in names[:-1]]
    by_seed = [
        rows([in_sentence(kind_of(key)), *names], further(key)) for key in ("roc_auc", "ece")
    ]
    return "\n".join([rows(["left out", *names, *gaps], lines()), *by_seed])


def _points(gap: Document) -> list[float]:
    return [100 * value for value in (gap["mean"], *(gap["ci95"] or (gap["mean"], gap["mean"])))]


def box_tables(document: Document) -> str:
    """Accuracy by how much longer the sides of a box are, and by its shorter side as annotated."""
    first = next(iter(document.values()))

    def lines() -> Iterator[Sequence[str]]:
        for part, told in (("by_enlargement", "sides {} times"), ("by_shorter_side_px", "{} px")):
            for key, one in first[part].items():
                cells = [each[part][key] for each in document.values()]
                measured = [with_interval("accuracy", *cell["accuracy"]) for cell in cells]
                yield [f"{told.format(key)}, n = {one['n']:,}", *measured]

    return rows(["", *(Path(path).name for path in document)], lines())


def main() -> None:
    """Print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", choices=["models", "corruptions", "left-out", "boxes"])
    parser.add_argument("files", nargs="+", type=Path, help="JSON")
    options = parser.parse_args()
    documents = [json.loads(path.read_text("utf-8")) for path in options.files]
    if options.tables in ("models", "corruptions"):
        tables = {"models": model_tables, "corruptions": corruption_tables}
        print(tables[options.tables](documents))
        return
    for document in documents:
        print({"left-out": left_out_tables, "boxes": box_tables}[options.tables](document))


if __name__ == "__main__":
    main()
