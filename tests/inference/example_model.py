"""A model file with a network of one layer, made without PyTorch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facecover.inference.model_file import seal
from facecover.inference.model_info import (
    METADATA_KEY,
    DataFacts,
    LayerFacts,
    ModelInfo,
    NetworkFacts,
    Parity,
    info_to_json,
)
from facecover.inference.onnx_file import PRODUCER

SIZE_PX = 8

WriteModel = Callable[..., Path]


def example_info(n_classes: int = 2, temperature: float = 1.0) -> ModelInfo:
    """Facts that fit `example_graph`."""
    layer = LayerFacts("linear", "fully connected", (n_classes,), 3 * n_classes, 6, SIZE_PX)
    return ModelInfo(
        name="example",
        network=NetworkFacts("net1", SIZE_PX, (layer,), 6, 6, SIZE_PX, 5_000_000),
        class_names=("no_mask", "mask", "incorrect_mask")[:n_classes],
        channel_mean=(0.5, 0.5, 0.5),
        channel_std=(0.25, 0.25, 0.25),
        temperature=temperature,
        threshold=0.5,
        uncertain_band=(0.4, 0.6),
        data=DataFacts("d" * 64, ("a", "b"), "random", {"train": {"no_mask": 3, "mask": 4}}),
        config={"name": "example", "training": {"epochs": 2}},
        chosen_by="val_loss, epoch 2",
        weights_sha256="e" * 64,
        parity=Parity(16, 1e-7, 1.0),
        version="0.1.0",
    )


def example_graph(n_classes: int = 2) -> onnx.ModelProto:
    """Logits from an image's mean colour: bright red for class 0, green for 1, blue for 2."""
    mix = np.eye(3, dtype=np.float32)[:, :n_classes] / 32
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["values"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["values", "axes"], ["colour"], keepdims=0),
            helper.make_node("MatMul", ["colour", "mix"], ["logits"]),
        ],
        "example",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", SIZE_PX, SIZE_PX, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", n_classes])],
        [
            numpy_helper.from_array(np.array([1, 2]), "axes"),
            numpy_helper.from_array(mix, "mix"),
        ],
    )
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, producer_name=PRODUCER, opset_imports=opsets, ir_version=10)


def model_bytes(model: onnx.ModelProto, text: str) -> bytes:
    """A model file's bytes with some metadata."""
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=text)
    return bytes(model.SerializeToString())


def sealed_example(info: ModelInfo | None = None) -> bytes:
    """A whole model file that answers by the mean colour."""
    info = info or example_info()
    return seal(model_bytes(example_graph(info.classes), info_to_json(info)))
