"""`draw`, `explore` and `prepare`: from nothing, or from photos, to a dataset."""

import tempfile
from pathlib import Path
from typing import Annotated

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
from facemask.data.drawn import draw_dataset
from facemask.data.explore import Exploration, explore_collection, explore_dataset
from facemask.data.prepare import PrepareOptions, prepare
from facemask.data.samples import read_samples
from facemask.data.split import DEFAULT_SHARES, Shares
from facemask.files import check_replaceable, written_folder

EXPLORATION_NAME = "exploration.json"


def draw_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make.")],
    train: Annotated[int, typer.Option(help="Training photos.")] = 3000,
    test: Annotated[int, typer.Option(help="Test photos.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed draws the same photos.")] = 0,
) -> None:
    """Write the built-in data, faces drawn by the program, as photos."""
    with progress("drawing", train + test) as advance:
        draw_dataset(output, train, test, seed, advance)
    show(f"{output}: {train:,} training and {test:,} test photos, <id>_<label>.jpg, 1 = mask")


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
    from facemask.report.explore_text import explore_text

    if output is not None:
        check_replaceable(output, replace_if=EXPLORATION_NAME)
    exploration = _explore(sources, layout, label, mapping, max_unreadable, workers)
    if as_json:
        show_json(exploration.to_json())
    else:
        show(explore_text(exploration))
    if output is not None:
        note(f"report: {write_exploration(output, exploration)}")


def _explore(
    paths: list[Path],
    layouts: list[str],
    labels: list[str],
    mapping: list[str],
    max_unreadable: float,
    workers: int | None,
) -> Exploration:
    if len(paths) == 1 and is_dataset(paths[0]):
        return explore_dataset(open_dataset(paths[0]))
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
        return explore_collection(collection)


def write_exploration(folder: Path, exploration: Exploration) -> Path:
    """Write an exploration's page and numbers into a folder; gives the page's path.

    Raises:
        OutputError: if the folder holds something else or cannot be written.
    """
    import json

    from facemask.report.explore_page import write_explore_page

    with written_folder(folder, replace_if=EXPLORATION_NAME) as beside:
        numbers = json.dumps(exploration.to_json(), indent=2, allow_nan=False)
        (beside / EXPLORATION_NAME).write_text(numbers + "\n", "utf-8")
        write_explore_page(beside / "report.html", exploration, read_samples(exploration))
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
