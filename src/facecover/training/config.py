"""An experiment: every choice that makes a run, each checked."""

import difflib
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from facecover.training.architectures import BUDGET, NETWORKS, NetworkSpec

Monitor = Literal["val_loss", "val_accuracy", "val_f1", "val_roc_auc", "last_epoch"]

Share = Annotated[float, Field(ge=0, le=1)]
WindowSide = Annotated[float, Field(gt=0, le=2)]
# It starts with a letter, so that no YAML reader takes it for a number.
Name = Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]*$", max_length=80)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class ConfigSection(BaseModel):
    """A section of an experiment: no unknown key, nothing converted, nothing changed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class NetworkConfig(ConfigSection):
    """The network, and the choices that the study questioned.

    Attributes:
        name: a name of `NETWORKS`.
        input_size_px: the side of the square input; the dataset must have been prepared at it.
        look_size_px: the side of what the network sees where that is less than its input. It looks
            twice then, at the whole input and at the face in it from closer, and its answer is the
            mean of both. Where faces are is learned first, from wide cuts; see `blocks.two_looks`.
            Null for one look at the input as it is.
        first_filter_px: the side of the first convolution's filters.
        convolutions: how many, see `NetworkSpec.with_convolutions`; None for the network's own
            number. Null for a residual network, which is made of blocks.
        width: every convolution's channels are multiplied by it; a residual network's are rounded
            to a multiple of 8.
        dropout: the share of the values before the fully connected layer that is dropped in
            training; 0 for no such layer.
        squeeze_excite: whether a residual network's blocks have it, see `blocks.SqueezeExcite`.
        antialias: whether the blocks of a residual network blur maps before they halve them, see
            `blocks.Blur`.
        budget: the parameters that the network may have.
    """

    name: str
    input_size_px: Annotated[int, Field(ge=16, le=256)]
    look_size_px: Annotated[int, Field(ge=16, le=256)] | None = None
    first_filter_px: Literal[3, 5]
    convolutions: Annotated[int, Field(ge=1, le=32)] | None = None
    width: Annotated[float, Field(gt=0, le=8)] = 1.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    squeeze_excite: bool = False
    antialias: bool = False
    budget: Annotated[int, Field(ge=1)] = BUDGET

    @model_validator(mode="before")
    @classmethod
    def _take_its_own_sizes(cls, data: Any) -> Any:  # noqa: ANN401  (whatever the file holds)
        """An experiment that leaves a size out takes the one of the network it names."""
        spec = NETWORKS.get(str(data.get("name"))) if isinstance(data, dict) else None
        if spec is None:
            return data
        own = {"input_size_px": spec.input_size_px, "first_filter_px": spec.first_filter_px}
        # Every residual network had it before it could be chosen, and their runs do not say.
        return {**own, "squeeze_excite": spec.has_blocks, **data}

    @field_validator("name")
    @classmethod
    def _is_in_the_table(cls, name: str) -> str:
        if name not in NETWORKS:
            close = difflib.get_close_matches(name, NETWORKS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"expected one of {', '.join(NETWORKS)}, found {name!r}{hint}")
        return name

    @field_validator("convolutions")
    @classmethod
    def _has_one_a_stage(cls, count: int | None, info: ValidationInfo) -> int | None:
        spec = NETWORKS.get(info.data.get("name", ""))
        if spec is None or count is None:
            return count
        if not isinstance(spec, NetworkSpec):
            raise ValueError(
                f"expected null, since {info.data['name']} is made of blocks, found {count}"
            )
        if count < len(spec.stages):
            raise ValueError(
                f"expected {len(spec.stages)} or more, one for each stage of {info.data['name']}, "
                f"found {count}"
            )
        return count

    @field_validator("squeeze_excite", "antialias")
    @classmethod
    def _is_for_blocks(cls, has_it: bool, info: ValidationInfo) -> bool:
        spec = NETWORKS.get(info.data.get("name", ""))
        if has_it and spec is not None and not spec.has_blocks:
            raise ValueError(f"expected false, since {info.data['name']} has no blocks, found true")
        return has_it

    @property
    def look_px(self) -> int:
        """The side of what the network's layers see."""
        return self.look_size_px or self.input_size_px

    @field_validator("look_size_px")
    @classmethod
    def _is_less_than_the_input(cls, size_px: int | None, info: ValidationInfo) -> int | None:
        input_px = info.data.get("input_size_px")
        if size_px is not None and input_px is not None and size_px >= input_px:
            raise ValueError(
                f"expected less than network.input_size_px {input_px}, since a closer look has to "
                f"have its pixels from somewhere, found {size_px}; null looks once"
            )
        return size_px

    @field_validator("input_size_px", "look_size_px")
    @classmethod
    def _can_be_halved(cls, size_px: int | None, info: ValidationInfo) -> int | None:
        spec = NETWORKS.get(info.data.get("name", ""))
        if size_px is None:
            return None
        if spec is not None and size_px % 2**spec.halvings:
            raise ValueError(
                f"expected a multiple of {2**spec.halvings}, since {info.data['name']} halves its "
                f"input {spec.halvings} times, found {size_px}"
            )
        if spec is not None and spec.has_blocks and size_px == 2**spec.halvings:
            # Batch normalisation has no variance of one value, in a last batch of one image.
            raise ValueError(
                f"expected {2 * size_px} or more, since the last maps of {info.data['name']} "
                f"would be a single pixel, found {size_px}"
            )
        return size_px


class OptimizerConfig(ConfigSection):
    """How the weights are learned.

    Attributes:
        name: ``adam`` (Kingma and Ba 2015), or ``adamw`` (Loshchilov and Hutter 2019).
        learning_rate: the size of a step; of the largest with a schedule.
        weight_decay: with Adam it is times the weights added to their gradients; with AdamW the
            weights, but no biases and no scales, shrink by it times the learning rate.
        schedule: ``constant``, or ``one-cycle``: up from a 25th of the learning rate over the
            first 15% of all steps, then down to nearly nothing (Smith and Topin 2018).
    """

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-4
    schedule: Literal["constant", "one-cycle"] = "constant"


class TrainingConfig(ConfigSection):
    """How long the network learns, and which weights are kept.

    Attributes:
        epochs: the times that it sees every training image.
        batch_size: images in one step.
        monitor: the measure on validation data that chooses the weights; ``last_epoch`` keeps those
            of the last, whatever they measure.
        early_stopping_epochs: stop once that measure has not become better for so many epochs;
            None never stops early, and is the only choice with ``last_epoch``.
        test_curves: whether the test split is measured after every epoch too. Those curves are
            for looking: they choose nothing.
        refit: whether the test split is learned from, too: for weights to ship, once the same
            experiment was measured without it. No figure on that split is fair to them then.
        label_smoothing: the share of a label that is spread evenly over all classes in the loss
            that is learned from (Szegedy et al. 2016), so that no answer need be entirely sure.
        precision: of the multiplications while it learns and is measured: ``float32``, or
            ``bfloat16``, faster on processors that know it (Micikevicius et al. 2018, mixed
            precision). The weights, and the model file, are float32 either way.
        compile: whether the network is compiled first (`torch.compile`); that takes a C++ compiler
            and up to minutes, and is meant for GPUs.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    monitor: Monitor = "val_loss"
    early_stopping_epochs: Annotated[int, Field(ge=1)] | None = None
    test_curves: bool = False
    refit: bool = False
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False

    @field_validator("early_stopping_epochs")
    @classmethod
    def _has_a_measure_to_stop_by(cls, epochs: int | None, info: ValidationInfo) -> int | None:
        if epochs is not None and info.data.get("monitor") == "last_epoch":
            raise ValueError(f"expected null, since monitor is last_epoch, found {epochs}")
        return epochs

    @field_validator("refit")
    @classmethod
    def _is_not_curved_by_what_it_learns_from(cls, refit: bool, info: ValidationInfo) -> bool:
        if refit and info.data.get("test_curves"):
            raise ValueError(
                "expected false with test_curves, since curves on images that are learned from "
                "tell nothing, found true"
            )
        return refit

    @property
    def learned_splits(self) -> tuple[str, ...]:
        """The splits that are learned from."""
        return ("train", "test") if self.refit else ("train",)


def _as_count(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


class AugmentationConfig(ConfigSection):
    """How far training images are changed each time that they are seen; see `augmentation`.

    Attributes:
        source_size_px: the side of the images that windows are taken from; the dataset must have
            been prepared at it. The network's input size by default.
        wide_cuts: how many times an epoch shows each face that came as a box with what is around it
            in its picture, besides the box itself; see `wide_cuts_of`. True, which runs of
            earlier versions say, is once.
        swapped_faces: the share of wide cuts that get another face in the place of their own, and
            its label with it; see `swap_faces`.
        drawn_masks: the share of faces that came as boxes, in their wide cuts too, that get a mask
            of any colour and pattern, and count as covered; see `draw_masks`.
        varied_cloth: draw masks with prints and in the colours of skin, too, and some as large
            as scarves.
        scale: the side of the window, from and to, as a share of the image's.
        roam: how far a window under 1 may move inside the image, 0..1; 1 reaches the edges.
        shift: how far any window may move besides, as a share of half the image.
        aspect: the logarithm of the window's width over its height, at most.
        rotation_degrees: the standard deviation of the angle.
        away: the share of images that are set farther away, onto a background: one colour, the
            whole of another image of the same class, or their own mirrored edges. A face that
            fills its photo is so seen from a distance too.
        away_scale: the side of the window then, at the most, as a share of the image's.
        flip: the share of images that are mirrored.
        coarse: the share of batches' images that are made small and enlarged again.
        coarse_min_px: how small, at the least.
        saturation: from 1 minus to 1 plus this.
        cast: the standard deviation of each channel's gain, in logarithms.
        grey: the share of images without colour.
        contrast: from 1 minus to 1 plus this.
        exposure: the logarithm of the gain, at most, either way.
        gamma: the logarithm of the exponent, at most, either way.
        dim: the share of images in little light: their values are 0.2 to 0.8 times what they were.
        noise: the standard deviation of the noise, at most; 1 is white.
        erase: the share of images with a rectangle over them.
        erase_side: its longest side, as a share of the image's.
    """

    source_size_px: Annotated[int, Field(ge=16, le=1024)] | None = None
    wide_cuts: Annotated[int, BeforeValidator(_as_count), Field(ge=0, le=8)] = 0
    swapped_faces: Share = 0.0
    drawn_masks: Share = 0.0
    varied_cloth: bool = False
    # YAML has lists alone.
    scale: Annotated[tuple[WindowSide, WindowSide], Field(strict=False)] = (1.0, 1.0)
    roam: Share = 0.5
    shift: Share = 0.0
    aspect: Share = 0.0
    rotation_degrees: Annotated[float, Field(ge=0, le=90)] = 0.0
    away: Share = 0.0
    away_scale: Annotated[float, Field(ge=1, le=4)] = 2.2
    flip: Share = 0.0
    coarse: Share = 0.0
    coarse_min_px: Annotated[int, Field(ge=4)] = 12
    saturation: Share = 0.0
    cast: Share = 0.0
    grey: Share = 0.0
    contrast: Share = 0.0
    exposure: Share = 0.0
    gamma: Share = 0.0
    dim: Share = 0.0
    noise: Share = 0.0
    erase: Share = 0.0
    erase_side: Annotated[float, Field(ge=0.1, le=1)] = 0.4

    @model_validator(mode="after")
    def _has_bodies_to_swap_onto(self) -> Self:
        if self.swapped_faces and not self.wide_cuts:
            raise ValueError(
                "expected wide_cuts 1 or more with swapped_faces, since wide cuts are what faces "
                "are put onto, found 0"
            )
        return self

    @field_validator("scale")
    @classmethod
    def _goes_up(cls, scale: tuple[float, float]) -> tuple[float, float]:
        low, high = scale
        if low > high:
            raise ValueError(f"expected from and to, the smaller first, found {low:g}, {high:g}")
        return scale


class Experiment(ConfigSection):
    """Everything that makes a run but the data.

    Attributes:
        name: what the run is called in tables and reports.
        seed: of the first weights, the order of the images, and dropout.
        augmentation: how training images are changed; None leaves them as they are.
    """

    name: Name
    seed: Seed = 0
    network: NetworkConfig
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
    augmentation: AugmentationConfig | None = None

    @model_validator(mode="after")
    def _takes_windows_from_enough_pixels(self) -> Self:
        network = self.network
        if self.source_size_px < network.look_px:
            name = "input_size_px" if network.look_size_px is None else "look_size_px"
            raise ValueError(
                f"augmentation.source_size_px: expected network.{name} {network.look_px} or more, "
                f"found {self.source_size_px}"
            )
        return self

    @model_validator(mode="after")
    def _learns_where_faces_are(self) -> Self:
        if self.network.look_size_px and not (self.augmentation and self.augmentation.wide_cuts):
            raise ValueError(
                "network.look_size_px: expected augmentation.wide_cuts 1 or more with it, since "
                "where faces are is learned from wide cuts, found none; null looks once"
            )
        return self

    @property
    def source_size_px(self) -> int:
        """The side of the images that training loads."""
        augmentation = self.augmentation
        if augmentation is None or augmentation.source_size_px is None:
            return self.network.input_size_px
        return augmentation.source_size_px
