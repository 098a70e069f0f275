"""`prepare`: from photos to a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facecover.cli.console import CONSOLE, show
from facecover.cli.options import (
    ClassMapping,
    Labels,
    Layouts,
    MaxMegapixels,
    MaxUnreadable,
    Relabel,
    Sources,
    Workers,
)
from facecover.dataset import (
    DEFAULT_TEST_SHARE,
    DEFAULT_VAL_SHARE,
    MAX_UNREADABLE_SHARE,
)
from facecover.drawn.drawn_dataset import draw_dataset
from facecover.photos import MAX_MEGAPIXELS
from facecover.sources.rows import SPLITS

if TYPE_CHECKING:
    from facecover.dataset.arrays import Dataset
    from facecover.dataset.photo_dataset import PhotoDataset


def draw_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make.")],
    train: Annotated[int, typer.Option(help="Training photos.")] = 4000,
    test: Annotated[int, typer.Option(help="Test photos.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed draws the same photos.")] = 0,
) -> None:
    """Write the built-in data, faces drawn by the program, as photos."""
    with CONSOLE.bar("drawing", train + test) as advance:
        draw_dataset(output, train, test, seed, advance)
    show(f"{output}: {train:,} training and {test:,} test photos, <id>_<label>.jpg, 1 = mask")


def prepare_command(
    sources: Sources,
    output: Annotated[Path, typer.Option("-o", "--output", help="The dataset folder to make.")],
    size: Annotated[
        list[int],
        typer.Option(help="A square size in pixels to keep besides 32, 64, 96.", min=8, max=1024),
    ] = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    val: Annotated[float, typer.Option(help="Share of validation data.")] = DEFAULT_VAL_SHARE,
    test: Annotated[
        float, typer.Option(help="Share of test data, where the photos bring no split.")
    ] = DEFAULT_TEST_SHARE,
    split_by: Annotated[
        Literal["group", "source", "random"],
        typer.Option(
            help="group keeps one image of every picture, and photos of a person in one split; "
            "source does so too and tests on the sources given with --leave-out; random does "
            "neither, and its figures are too good."
        ),
    ] = "group",
    leave_out: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="A source that is test data as a whole, with --split-by source; repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Of the split.", min=0)] = 0,
    keep_incorrect: Annotated[
        bool, typer.Option("--keep-incorrect", help="Keep incorrectly worn masks as a third class.")
    ] = False,
    relabel: Relabel = [],  # noqa: B006
    faces: Annotated[
        Literal["given", "detect"],
        typer.Option(
            help="detect cuts the largest face out of each photo that has no box; given takes such "
            "a photo for a face."
        ),
    ] = "given",
    whole_photos: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Keep whole photos of this longest side with their boxes, to train and measure a "
            "detector on, such as 640.",
            show_default=False,
        ),
    ] = None,
    found: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="With --whole-photos: faces that two detectors see, so that those without a box "
            "are not learned as background: source, path, x0, y0, x1, y1, score_a, score_b.",
        ),
    ] = None,
    layout: Layouts = [],  # noqa: B006
    label: Labels = [],  # noqa: B006
    mapping: ClassMapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
    max_megapixels: MaxMegapixels = MAX_MEGAPIXELS,
) -> None:
    """Merge photos, check and split them, and decode each once into a dataset.

    One image of every picture stays. Where its copies carry different labels, two thirds of the
    different files must agree, or the picture goes. What was left out, and why, stands in
    dropped.csv.
    """
    from facecover.workflows.prepare_data import prepare

    dataset = prepare(
        sources,
        output,
        size=size,
        val=val,
        test=test,
        split_by=split_by,
        leave_out=leave_out,
        seed=seed,
        keep_incorrect=keep_incorrect,
        relabel=relabel,
        faces=faces,
        whole_photos=whole_photos,
        found=found,
        layout=layout,
        label=label,
        mapping=mapping,
        max_unreadable=max_unreadable,
        workers=workers,
        max_megapixels=max_megapixels,
        progress=CONSOLE,
    )
    _show(dataset)


def _show(dataset: "Dataset | PhotoDataset") -> None:
    info, table = dataset.manifest.info, dataset.manifest.table
    is_of_photos = info.photo_px is not None
    splits = (table.drop_duplicates("photo") if is_of_photos else table)["split"].value_counts()
    sizes = ", ".join(f"{name} {splits.get(name, 0):,}" for name in SPLITS)
    left_out = "".join(
        f", {number:,} {reason}"
        for reason, number in info.counts.items()
        if reason not in ("read", "kept")
    )
    what = "photos" if is_of_photos else "faces"
    show(f"{dataset.folder}: {len(dataset):,} {what} ({sizes}){left_out}")
    if is_of_photos:
        kinds = table["kind"].value_counts().items()
        show(f"boxes: {', '.join(f'{number:,} {kind}' for kind, number in kinds)}")
    if info.relabelled:
        show(f"labels corrected: {info.relabelled:,}")
    show(f"data: {info.digest}")
