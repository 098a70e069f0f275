"""`serve`: answers over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from facecover.cli.console import CONSOLE
from facecover.cli.options import AnsweringModel, EveryPixel, MaskThreshold, UncertainBand
from facecover.photos import MAX_MEGAPIXELS, MEGAPIXELS_LIMIT
from facecover.serving import HOST, MAX_UPLOAD_MB, MAX_WAITING, PORT, TIMEOUT_SECONDS


def serve_command(
    model: AnsweringModel = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="Finds the faces of whole photos: a detector's model file, or the name of one in "
            "the package.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 for any.")] = HOST,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = PORT,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keys, one a line; a request has to bring one as Authorization: Bearer KEY.",
            show_default=False,
        ),
    ] = None,
    cors_origins: Annotated[
        list[str],
        typer.Option(
            "--cors-origin",
            metavar="URL",
            help="Let the pages of this origin ask from a browser; repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006  (Typer's way; it is not changed)
    workers: Annotated[
        int, typer.Option(help="Processes, each with the model in memory.", min=1)
    ] = 1,
    threads: Annotated[
        int | None,
        typer.Option(help="Threads of each process; by default the cores are shared out.", min=1),
    ] = None,
    threshold: MaskThreshold = None,
    uncertain_band: UncertainBand = None,
    every_pixel: EveryPixel = False,
    max_megapixels: Annotated[
        int,
        typer.Option(metavar="N", help="Of one photo.", min=1, max=MEGAPIXELS_LIMIT),
    ] = MAX_MEGAPIXELS,
    max_upload_mb: Annotated[
        int, typer.Option(metavar="N", help="MiB of one request.", min=1)
    ] = MAX_UPLOAD_MB,
    max_waiting: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Photos that may wait in a process; requests beyond are told to come again.",
            min=1,
        ),
    ] = MAX_WAITING,
    timeout_seconds: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", help="A request without an answer is told so.", min=0.1
        ),
    ] = TIMEOUT_SECONDS,
) -> None:
    """Answer over HTTP: photos in, JSON out, nothing kept.

    Ctrl-C or a TERM signal stops it, once what was begun is finished. See docs/serve.md.
    """
    from facecover.serving.server import serve

    serve(
        model,
        detector=detector,
        host=host,
        port=port,
        api_key_file=api_key_file,
        cors_origins=cors_origins,
        workers=workers,
        threads=threads,
        threshold=threshold,
        uncertain_band=uncertain_band,
        every_pixel=every_pixel,
        max_megapixels=max_megapixels,
        max_upload_mb=max_upload_mb,
        max_waiting=max_waiting,
        timeout_seconds=timeout_seconds,
        progress=CONSOLE,
    )
