"""Checkpoints read back, and the identity of weights."""

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facemask.errors import RunError

_PREFIX = "network."


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint, read without running any code that it may hold.

    Raises:
        RunError: if there is none, it is broken, or holds no weights.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RunError(f"{path}: no such checkpoint; train again into a new folder") from None
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"{path}: broken checkpoint: {reason}; train again into a new folder"
        ) from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise RunError(
            f"{path}: expected a checkpoint of this package, found one without weights; train "
            "again into a new folder"
        )
    return checkpoint


def network_weights(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of the network in a checkpoint, by the network's own names."""
    state: dict[str, Tensor] = checkpoint["state_dict"]
    return {name.removeprefix(_PREFIX): value for name, value in state.items()}


def hash_weights(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over every tensor's name, type, shape and values, in the order of the names."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        array = value.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
