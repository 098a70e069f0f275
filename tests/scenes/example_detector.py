"""A detector of two layers, made without PyTorch: every bright square of 32 pixels is a face."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from facecover.scenes.detector_file import DetectorInfo, sealed

CELL_PX = 32


def example_info(threshold: float = 0.5) -> DetectorInfo:
    """Facts that fit `example_graph`."""
    return DetectorInfo(
        "example", threshold, parameters=0, sources=("a",), photos=3, faces=5, version="0.1.0"
    )


def example_graph() -> onnx.ModelProto:
    """A box for each cell of 32 pixels; its score is the cell's mean brightness, 0..1."""
    nodes: list[tuple[str, list[str], list[str], dict[str, Any]]] = [
        ("Cast", ["images"], ["values"], {"to": TensorProto.FLOAT}),
        ("Div", ["values", "white"], ["levels"], {}),
        ("ReduceMean", ["levels", "channel"], ["grey"], {"keepdims": 0}),
        ("Unsqueeze", ["grey", "one"], ["plane"], {}),
        ("AveragePool", ["plane"], ["cells"], {"kernel_shape": [32, 32], "strides": [32, 32]}),
        ("Reshape", ["cells", "flat"], ["scores"], {}),
        ("Squeeze", ["cells", "first_two"], ["grid"], {}),
        ("Shape", ["grid"], ["sides"], {}),
        ("ConstantOfShape", ["sides"], ["all"], {"value": helper.make_tensor("v", 1, [1], [1.0])}),
        ("NonZero", ["all"], ["rows_columns"], {}),
        ("Transpose", ["rows_columns"], ["places"], {}),
        ("Cast", ["places"], ["float_places"], {"to": TensorProto.FLOAT}),
        ("Gather", ["float_places", "swap"], ["corners"], {"axis": 1}),
        ("Add", ["corners", "far"], ["far_corners"], {}),
        ("Mul", ["far_corners", "cell"], ["boxes"], {}),
    ]
    constants = {
        "white": np.float32(255),
        "channel": np.array([3]),
        "one": np.array([1]),
        "flat": np.array([-1]),
        "first_two": np.array([0, 1]),
        "swap": np.array([1, 0, 1, 0]),
        "far": np.array([0, 0, 1, 1], np.float32),
        "cell": np.float32(CELL_PX),
    }
    graph = helper.make_graph(
        [helper.make_node(kind, given, gives, **more) for kind, given, gives, more in nodes],
        "example",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [1, "H", "W", 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["M", 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["M"]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, producer_name="another", opset_imports=opsets, ir_version=10)


def sealed_example(info: DetectorInfo | None = None) -> bytes:
    """A whole model file that finds bright squares."""
    return sealed(example_graph().SerializeToString(), info or example_info())


def scene(*corners: tuple[int, int], size: tuple[int, int] = (256, 160)) -> Image.Image:
    """A dark picture with a bright square of 32 pixels at each corner, a multiple of 32."""
    image = Image.new("RGB", size, (10, 10, 10))
    for number, (x, y) in enumerate(corners):
        colour = _COLOURS[number % len(_COLOURS)]
        image.paste(colour, (x, y, x + CELL_PX, y + CELL_PX))
        darker = tuple(level * 3 // 4 for level in colour)  # one colour alone would be blank
        image.paste(darker, (x, y + CELL_PX // 2, x + CELL_PX, y + CELL_PX))
    return image


_COLOURS: Sequence[tuple[int, int, int]] = ((255, 215, 190), (190, 255, 215))
"""The classifier of the tests answers by the mean colour: reddish is bare, greenish a mask."""
