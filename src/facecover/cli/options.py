"""The options that several commands share; light to import, so that every help is."""

from pathlib import Path
from typing import Annotated

import typer

from facecover.photos import MEGAPIXELS_LIMIT
from facecover.sources import LAYOUTS

Sources = Annotated[
    list[Path],
    typer.Argument(
        help="Folders of photos, zip or tar archives, or CSV files.", show_default=False
    ),
]
Layouts = Annotated[
    list[str],
    typer.Option(
        "--layout",
        metavar="[NAME=]LAYOUT",
        help=f"Force a layout, for every source or for one by its name: {', '.join(LAYOUTS)}.",
        show_default=False,
    ),
]
Labels = Annotated[
    list[str],
    typer.Option(
        "--label",
        metavar="[NAME=]CLASS",
        help="The class of every photo in a source that has no class names of its own.",
        show_default=False,
    ),
]
ClassMapping = Annotated[
    list[str],
    typer.Option(
        "--map",
        metavar="THEIRS=CLASS",
        help="What a class name of your own means: no_mask, mask, incorrect_mask or ignore.",
        show_default=False,
    ),
]
Relabel = Annotated[
    list[Path],
    typer.Option(
        "--relabel",
        metavar="FILE.csv",
        help="Corrected labels: source, path, label, who, when, why; such as an edited "
        "suspects.csv. Repeatable. No photo is touched.",
        show_default=False,
    ),
]
MaxUnreadable = Annotated[
    float,
    typer.Option(help="Stop when more than this share of the photos cannot be read.", min=0, max=1),
]
Workers = Annotated[
    int | None, typer.Option(help="Threads that decode; one a core by default.", min=1)
]
MaxMegapixels = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Megapixels of large photos that are decoded at a time; one with more is read at "
        "reduced scale if it is a JPEG, and is an error otherwise.",
        min=1,
        max=MEGAPIXELS_LIMIT,
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT...",
        help="Photos, folders, patterns, zip or tar archives, or - for a photo on standard input.",
        show_default=False,
    ),
]
FromFile = Annotated[
    Path | None,
    typer.Option(
        metavar="LIST",
        help="A text file with one more INPUT a line; - reads them from standard input.",
        show_default=False,
    ),
]
AnsweringModel = Annotated[
    str | None,
    typer.Option(
        help="A model file, a run folder, or the name of a model in the package; its default "
        "without one.",
        show_default=False,
    ),
]
Threads = Annotated[int | None, typer.Option(help="Threads; one a core by default.", min=1)]
MaskThreshold = Annotated[
    float | None,
    typer.Option(
        help="The probability from which the answer is mask, in place of the model's own.",
        min=0,
        max=1,
        show_default=False,
    ),
]
UncertainBand = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--uncertain-band",
        metavar="LOW HIGH",
        help="The probabilities of a mask that are uncertain, as evaluate --target-accuracy "
        "chooses them.",
        show_default=False,
    ),
]
EveryPixel = Annotated[
    bool,
    typer.Option(
        "--every-pixel",
        help="Never decode large JPEGs at reduced scale, which moves probabilities a little.",
    ),
]
MegapixelsAtATime = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Megapixels that are decoded at a time, over all threads; a photo with more is an "
        "error.",
        min=1,
        max=MEGAPIXELS_LIMIT,
    ),
]
Models = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL...", help="Run folders, model files, or names of `facecover models`."
    ),
]
Data = Annotated[
    list[Path],
    typer.Option("--data", help="A dataset, or photos with labels; may be given several times."),
]
Split = Annotated[
    str | None,
    typer.Option(help="train, val, test or all; test by default, all where there is no split."),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write the JSON and a report into this folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Seed = Annotated[int, typer.Option(help="Of the bootstrap.", min=0)]
Resamples = Annotated[int, typer.Option(help="Of the bootstrap.", min=100)]
MinSlice = Annotated[
    int, typer.Option("--min-slice", help="Slices of fewer images are too few to judge.", min=1)
]
CostMiss = Annotated[
    float | None,
    typer.Option(help="What a missed mask costs, in any unit: chooses a threshold."),
]
CostAlarm = Annotated[float | None, typer.Option(help="What a false alarm costs, with it.")]
TargetAccuracy = Annotated[
    float | None,
    typer.Option(help="Leave answers unsaid until the rest is this right, as 0.995."),
]
ChooseOn = Annotated[
    str | None,
    typer.Option(
        help="The split that chooses threshold and band: train, val, test or all; val by default."
    ),
]
