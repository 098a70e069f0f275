"""`explore` and `prepare`: from photos to a dataset."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from facemask.cli.console import note, progress, show, show_json
from facemask.cli.sources import (
    Labels,
    Layouts,
    Mapping,
    MaxUnreadable,
    Sources,
    Workers,
    is_dataset,
    read,
)
from facemask.data.arrays import open_dataset
from facemask.data.collect import MAX_UNREADABLE_SHARE, collect
from facemask.data.drops import (
    DROPPED_NAME,
    UNREADABLE_NAME,
    read_drops,
    unreadable_among,
    write_drops,
)
from facemask.data.explore import Exploration, explore_collection, explore_dataset
from facemask.data.grouping import crossing_share
from facemask.data.insights import exploration_json
from facemask.data.prepare import PrepareOptions, prepare
from facemask.data.rows import Drop
from facemask.data.samples import read_samples
from facemask.data.split import DEFAULT_SHARES, Shares
from facemask.files import check_replaceable, written_folder
from facemask.report.explore_page import write_explore_page
from facemask.report.explore_text import explore_text

EXPLORATION_NAME = "exploration.json"


def explore_command(
    sources: Sources,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the page with its figures into this folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: Mapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Look into photos, or into a prepared dataset, before anything is trained."""
    if output is not None:
        check_replaceable(output, replace_if=EXPLORATION_NAME)
    exploration, drops = _explore(sources, layout, label, mapping, max_unreadable, workers)
    if as_json:
        show_json(exploration_json(exploration))
    else:
        show(explore_text(exploration))
    if output is not None:
        note(f"report: {write_exploration(output, exploration, drops)}")


def _explore(
    paths: list[Path],
    layouts: list[str],
    labels: list[str],
    mapping: list[str],
    max_unreadable: float,
    workers: int | None,
) -> tuple[Exploration, Sequence[Drop]]:
    if len(paths) == 1 and is_dataset(paths[0]):
        return explore_dataset(open_dataset(paths[0])), read_drops(paths[0] / DROPPED_NAME)
    sources = read(paths, layouts, labels, mapping)
    count = sum(len(source.rows) for source in sources)
    with tempfile.TemporaryDirectory() as name, progress("decoding", count) as advance:
        collection = collect(
            sources,
            Path(name),
            max_unreadable_share=max_unreadable,
            workers=workers,
            on_progress=advance,
        )
        return explore_collection(collection), collection.drops


def write_exploration(folder: Path, exploration: Exploration, drops: Sequence[Drop]) -> Path:
    """Write an exploration's page, numbers and unreadable files into a folder; gives the page.

    Raises:
        OutputError: if the folder holds something else or cannot be written.
    """
    with written_folder(folder, replace_if=EXPLORATION_NAME) as beside:
        numbers = json.dumps(exploration_json(exploration), indent=2, allow_nan=False)
        (beside / EXPLORATION_NAME).write_text(numbers + "\n", "utf-8")
        write_drops(beside / UNREADABLE_NAME, unreadable_among(drops))
        samples = read_samples(exploration)
        write_explore_page(beside / "report.html", exploration, samples, drops)
    return folder / "report.html"


def prepare_command(
    sources: Sources,
    output: Annotated[Path, typer.Option("-o", "--output", help="The dataset folder to make.")],
    size: Annotated[
        list[int],
        typer.Option(help="A square size in pixels to keep besides 32 and 64.", min=8, max=1024),
    ] = [],  # noqa: B006
    val: Annotated[float, typer.Option(help="Share of validation data.")] = DEFAULT_SHARES.val,
    test: Annotated[
        float, typer.Option(help="Share of test data, where the photos bring no split.")
    ] = DEFAULT_SHARES.test,
    split_by: Annotated[
        Literal["group", "random"],
        typer.Option(
            help="group keeps one image of every picture, and photos of a person in one split; "
            "random does not, and its figures are too good."
        ),
    ] = "group",
    seed: Annotated[int, typer.Option(help="Of the split.", min=0)] = 0,
    keep_incorrect: Annotated[
        bool, typer.Option("--keep-incorrect", help="Keep incorrectly worn masks as a third class.")
    ] = False,
    layout: Layouts = [],  # noqa: B006
    label: Labels = [],  # noqa: B006
    mapping: Mapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Merge photos, split them, and decode each once into a dataset."""
    read_in = read(sources, layout, label, mapping)
    options = PrepareOptions(
        sizes_px=tuple(size),
        shares=Shares(val=val, test=test),
        split_by=split_by,
        seed=seed,
        max_unreadable_share=max_unreadable,
        keeps_incorrect=keep_incorrect,
        workers=workers,
    )
    count = sum(len(source.rows) for source in read_in)
    with progress("preparing", count) as advance:
        dataset = prepare(read_in, output, options, advance)
    counts = dataset.manifest.info.counts
    splits = dataset.manifest.table["split"].value_counts()
    left_out = "".join(
        f", {number:,} {reason}"
        for reason, number in counts.items()
        if reason not in ("read", "kept")
    )
    shown = ", ".join(f"{name} {splits.get(name, 0):,}" for name in ("train", "val", "test"))
    show(f"{output}: {len(dataset):,} faces ({shown}){left_out}")
    show(f"data: {dataset.manifest.info.digest}")
    leaked = crossing_share(dataset.manifest.table)
    if leaked:
        note(
            f"leakage: {leaked:.1%} of the test images show a picture or a person that training "
            "or validation data show too, as the photos were divided; figures will be too good"
        )
