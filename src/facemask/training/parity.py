"""Whether two ways to run the same weights give the same answers."""

import numpy as np
import numpy.typing as npt
import torch

from facemask.inference.model import Images, softmax
from facemask.inference.model_info import Parity
from facemask.training.loader import EVALUATION_BATCH
from facemask.training.network import Network
from facemask.training.onnx_graph import FromPixels

Logits = npt.NDArray[np.float32]


def pytorch_logits(network: Network, images: Images) -> Logits:
    """What a network gives in PyTorch on the CPU: ``float32 (N, C)``.

    Args:
        network: it is moved to the CPU and to evaluation.
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    module = FromPixels(network).cpu().eval()
    with torch.inference_mode():
        batches = [
            module(torch.from_numpy(np.array(images[start : start + EVALUATION_BATCH]))).numpy()
            for start in range(0, len(images), EVALUATION_BATCH)
        ]
    return np.concatenate(batches)


def compare(expected: Logits, found: Logits, temperature: float) -> Parity:
    """How far the probabilities of the same images are apart.

    Args:
        expected: ``float32 (N, C)``.
        found: likewise.
        temperature: of the model, see `softmax`.
    """
    ours, theirs = softmax(expected, temperature), softmax(found, temperature)
    return Parity(
        images=len(expected),
        largest_difference=float(np.abs(ours - theirs).max()),
        label_agreement=float(np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1))),
    )
