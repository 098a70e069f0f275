"""An experiment: every choice that makes a run, each checked."""

import difflib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from facemask.training.networks import BUDGET, NETWORKS

Monitor = Literal["val_loss", "val_accuracy", "val_f1", "val_roc_auc"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class NetworkConfig(_Section):
    """The network, and the choices that the study questioned.

    Attributes:
        name: a name of `NETWORKS`.
        input_size_px: the side of the square input; the dataset must have been prepared at it.
        first_filter_px: the side of the first convolution's filters.
        width: every convolution's channels are multiplied by it.
        dropout: the share of the values before the fully connected layer that is dropped in
            training; 0 for no such layer.
        budget: the parameters that the network may have.
    """

    name: str
    input_size_px: Annotated[int, Field(ge=16, le=256)]
    first_filter_px: Literal[3, 5]
    width: Annotated[float, Field(gt=0, le=8)] = 1.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    budget: Annotated[int, Field(ge=1)] = BUDGET

    @model_validator(mode="before")
    @classmethod
    def _take_its_own_sizes(cls, data: Any) -> Any:  # noqa: ANN401  (whatever the file holds)
        """An experiment that leaves a size out takes the one of the network it names."""
        spec = NETWORKS.get(str(data.get("name"))) if isinstance(data, dict) else None
        if spec is None:
            return data
        own = {"input_size_px": spec.input_size_px, "first_filter_px": spec.first_filter_px}
        return {**own, **data}

    @field_validator("name")
    @classmethod
    def _is_in_the_table(cls, name: str) -> str:
        if name not in NETWORKS:
            close = difflib.get_close_matches(name, NETWORKS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"expected one of {', '.join(NETWORKS)}, found {name!r}{hint}")
        return name

    @field_validator("input_size_px")
    @classmethod
    def _can_be_halved(cls, size_px: int, info: ValidationInfo) -> int:
        spec = NETWORKS.get(info.data.get("name", ""))
        if spec is not None and size_px % spec.shrinks_by:
            raise ValueError(
                f"expected a multiple of {spec.shrinks_by}, since {info.data['name']} halves its "
                f"input {len(spec.stages) - 1} times, found {size_px}"
            )
        return size_px


class OptimizerConfig(_Section):
    """How the weights are learned.

    Attributes:
        name: the method.
        learning_rate: the size of a step.
        weight_decay: Adam's own: it is times the weights added to their gradients.
    """

    name: Literal["adam"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-4


class TrainingConfig(_Section):
    """How long the network learns, and which weights are kept.

    Attributes:
        epochs: the times that it sees every training image.
        batch_size: images in one step.
        monitor: the measure on validation data that chooses the weights.
        early_stopping_epochs: stop once that measure has not become better for so many epochs;
            None never stops early.
        test_curves: whether the test split is measured after every epoch too. Those curves are
            for looking: they choose nothing.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    monitor: Monitor = "val_loss"
    early_stopping_epochs: Annotated[int, Field(ge=1)] | None = None
    test_curves: bool = False


class Experiment(_Section):
    """Everything that makes a run but the data.

    Attributes:
        name: what the run is called in tables and reports.
        seed: of the first weights, the order of the images, and dropout.
        network: the network.
        optimizer: how the weights are learned.
        training: how long, and which weights are kept.
    """

    # It starts with a letter, so that no YAML reader takes it for a number.
    name: Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]*$", max_length=80)]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    network: NetworkConfig
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
