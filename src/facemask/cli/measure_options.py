"""What `evaluate` and `compare` share: their options, and the images that they measure on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from facemask.cli.labelled import LabelledImages, Reading, labelled_images
from facemask.cli.models import LoadedModel
from facemask.cli.sources import is_dataset
from facemask.evaluation.corruptions import BASE_PX

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


@contextmanager
def measured_images(
    models: list[LoadedModel],
    data: list[Path],
    split: str | None,
    reading: Reading,
    *,
    spoilt: bool = False,
) -> Iterator[LabelledImages]:
    """Images of every size that the models take, and of one that is fit to be spoilt."""
    sizes = {model.input_size_px for model in models}
    if spoilt and not any(is_dataset(path) for path in data):
        sizes.add(BASE_PX)  # a dataset has the sizes that it was prepared with
    n_classes = min(model.classifier.info.classes for model in models)
    with labelled_images(data, sorted(sizes), split, reading, n_classes=n_classes) as images:
        yield images
