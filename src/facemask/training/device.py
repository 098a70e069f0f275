"""Which device trains."""

from typing import Literal

import torch

from facemask.errors import ConfigError

Device = Literal["cpu", "cuda"]
_CHOICES = ("auto", "cpu", "cuda")


def choose_device(wanted: str) -> Device:
    """The device to train on.

    Args:
        wanted: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one.

    Raises:
        ConfigError: if it is none of those, or CUDA is wanted and not there.
    """
    if wanted not in _CHOICES:
        raise ConfigError(f"--device {wanted}: expected one of {', '.join(_CHOICES)}")
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        build = torch.version.cuda
        reason = f"no GPU for CUDA {build}" if build else "a PyTorch without CUDA"
        raise ConfigError(
            f"--device cuda: expected a CUDA device, found {reason}; use --device cpu"
        )
    return "cuda" if has_cuda and wanted != "cpu" else "cpu"


def describe_device(device: Device) -> str:
    """A device in words, with what its results may depend on."""
    if device == "cuda":
        return f"cuda, {torch.cuda.get_device_name()}"
    return f"cpu, {torch.get_num_threads()} threads"


def residence(device: Device, size_bytes: int) -> torch.device | None:
    """Where so many bytes of images are best kept while they are learned from.

    Returns:
        The GPU, if a quarter of what is free there is enough; None to read them batch by batch.
    """
    if device != "cuda" or size_bytes > torch.cuda.mem_get_info()[0] // 4:
        return None
    return torch.device(device)
