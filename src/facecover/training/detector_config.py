"""An experiment of a detector of faces: every choice that makes a run, each checked."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from facecover.training.config import (
    ConfigSection,
    Experiment,
    Monitor,
    Name,
    OptimizerConfig,
    Seed,
    Share,
)

Width = Annotated[int, Field(ge=4, le=512)]
Depth = Annotated[int, Field(ge=0, le=16)]
FaceSide = Annotated[float, Field(ge=4, le=1024)]


class DetectorConfig(ConfigSection):
    """The network that finds faces; see `detector_network`.

    Attributes:
        channels: of the maps at a half, a quarter, an eighth, a 16th and a 32nd of the photo.
        blocks: on the maps from a quarter on, beside the convolution that halves them.
        neck: channels of the maps that faces are told from.
        filter_px: the side of the depthwise filters on the two smallest maps.
        budget: the parameters that the network may have.
    """

    channels: Annotated[tuple[Width, Width, Width, Width, Width], Field(strict=False)]
    blocks: Annotated[tuple[Depth, Depth, Depth, Depth], Field(strict=False)]
    neck: Width
    filter_px: Literal[3, 5] = 5
    budget: Annotated[int, Field(ge=1)] = 300_000


class CropConfig(ConfigSection):
    """How squares are cut out of whole photos and changed; see `photo_crops`.

    Attributes:
        crops: in an epoch.
        size_px: the side of a crop as the network sees it.
        on_face: the share of crops around one face at a size that is chosen; the others are any
            square of 0.5 to 1.5 times the photo's shorter side.
        face_px: the side of that face, from and to; every octave is as likely.
        enlarged: how many times a photo's pixels may be enlarged.
        tiled: the share of crops that are put together from four photos.
        aspect: the logarithm of a crop's width over its height, at most, halved.
        flip: the share of crops that are mirrored.
        light: how often light, colours, noise, blur and JPEG are changed; 1 is as often as the
            packaged detector had it, 0 never.
        workers: processes that cut crops while the network learns; 0 for none beside it.
    """

    crops: Annotated[int, Field(ge=1)] = 20_000
    size_px: Annotated[int, Field(ge=64, le=1024, multiple_of=32)] = 256
    on_face: Share = 0.5
    face_px: Annotated[tuple[FaceSide, FaceSide], Field(strict=False)] = (10.0, 230.0)
    enlarged: Annotated[float, Field(ge=1, le=4)] = 2.0
    tiled: Share = 0.25
    aspect: Share = 0.12
    flip: Share = 0.5
    light: Share = 1.0
    workers: Annotated[int, Field(ge=0, le=64)] = 1


class DetectorTrainingConfig(ConfigSection):
    """How long a detector learns; the averaged weights of the last epoch are kept.

    Attributes:
        epochs: of `CropConfig.crops` crops each.
        batch_size: crops in one step.
        average: the share of the averaged weights that stays at each step (Polyak and Juditsky
            1992, as an exponential mean); they are what is measured and kept.
        precision: as `TrainingConfig.precision`.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 15
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    average: Annotated[float, Field(ge=0, lt=1)] = 0.9995
    precision: Literal["float32", "bfloat16"] = "float32"

    monitor: ClassVar[Monitor] = "last_epoch"
    early_stopping_epochs: ClassVar[None] = None


class DetectorExperiment(ConfigSection):
    """Everything that makes a detector but the data.

    Attributes:
        task: tells such a file from one of a classifier.
        name: what the run is called in tables and reports.
        seed: of the first weights and the crops.
    """

    task: Literal["faces"]
    name: Name
    seed: Seed = 0
    network: DetectorConfig
    optimizer: OptimizerConfig = OptimizerConfig(
        name="adamw", learning_rate=2e-3, weight_decay=0.05, schedule="one-cycle"
    )
    training: DetectorTrainingConfig = DetectorTrainingConfig()
    crops: CropConfig = CropConfig()

    @model_validator(mode="after")
    def _sizes_go_up(self) -> Self:
        low, high = self.crops.face_px
        if low > high:
            raise ValueError(f"crops.face_px: expected the smaller first, found {low:g}, {high:g}")
        return self


AnyExperiment = Experiment | DetectorExperiment
