"""A network as an ONNX graph that takes pixels and gives logits."""

import onnx
import torch
from torch import Tensor, nn

import facemask
from facemask.errors import RunError
from facemask.inference.model_file import PRODUCER
from facemask.inference.model_info import METADATA_KEY, ModelInfo, info_to_json
from facemask.training.network import Network

OPSET = 20
"""Understood by ONNX Runtime from 1.17 on."""


class FromPixels(nn.Module):
    """A network that takes images as they lie in arrays: ``uint8 (N, S, S, 3)``, RGB.

    Args:
        network: what makes logits of them.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits, ``float32 (N, C)``, for images, ``uint8 (N, S, S, 3)``, RGB."""
        logits: Tensor = self.network(images.permute(0, 3, 1, 2))
        return logits


def to_onnx(network: Network, size_px: int) -> onnx.ModelProto:
    """The ONNX graph of a network: ``images`` as pixels in, ``logits`` out, any number at once.

    Args:
        network: the network; it is moved to the CPU.
        size_px: the side of its input.

    Raises:
        RunError: if PyTorch's exporter gives nothing.
    """
    module = FromPixels(network.cpu()).eval()
    example = torch.zeros(2, size_px, size_px, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        module,
        (example,),
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes={"images": {0: torch.export.Dim("N")}},
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RunError("PyTorch's exporter gave no ONNX program")
    model: onnx.ModelProto = program.model_proto
    make_ours(model)
    return model


def make_ours(model: onnx.ModelProto) -> None:
    """Put the package's name on a graph, and check that it is a whole ONNX model.

    What the programs that made it wrote beside it goes: notes hold paths of their machine.
    """
    _strip(model)
    used = {node.domain for node in model.graph.node}
    opsets = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    model.producer_name, model.producer_version = PRODUCER, facemask.__version__
    onnx.checker.check_model(model, full_check=True)


def bytes_with(model: onnx.ModelProto, info: ModelInfo) -> bytes:
    """The bytes of a graph that carries facts, not yet sealed; the same for the same two."""
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=info_to_json(info))
    return bytes(model.SerializeToString(deterministic=True))


def _strip(model: onnx.ModelProto) -> None:
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    model.doc_string = graph.doc_string = ""
