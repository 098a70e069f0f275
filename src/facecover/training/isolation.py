"""Training that leaves no trace in its caller: random states, settings, warnings, loggers."""

import logging
import random
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch

from facecover.errors import ConfigError

# Lightning's tips and notes, and the exporter's notes on packages that it can do without.
_CHATTY = ("lightning.pytorch", "lightning.fabric", "torch.onnx")


@contextmanager
def isolated() -> Iterator[None]:
    """A block that may seed and set as it likes: what the caller had is put back after it.

    Inside it cuDNN is asked for the same result each time, and neither Lightning nor the ONNX
    exporter says anything but errors. Python's warnings are silenced for the whole process while
    it runs, since Lightning and the exporter warn of what no user can change.
    """
    levels = {name: logging.getLogger(name).level for name in _CHATTY}
    benchmark, deterministic = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = range(torch.cuda.device_count())
    try:
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
        with torch.random.fork_rng(devices), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        torch.backends.cudnn.benchmark = benchmark
        torch.backends.cudnn.deterministic = deterministic
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def interruptible() -> Iterator[None]:
    """A block in which Ctrl-C stays an interrupt: Lightning answers it by leaving Python."""
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as leaving:
        if not any(isinstance(e, KeyboardInterrupt) for e in (leaving, leaving.__context__)):
            raise
        if on_interrupt is not None:
            signal.signal(signal.SIGINT, on_interrupt)  # Lightning has switched it off
        raise KeyboardInterrupt from None


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """A block in which numbers too small for full precision count as zero, where the CPU can.

    Once a network is sure of its training images the gradients are that small, and a processor
    takes much longer for each: Net #1 learned 2.5 times slower from images that it knew by heart.
    Threads that PyTorch started before keep their ways.
    """
    was_flushing = (torch.tensor(1e-40) * 0.5).item() == 0
    try:
        torch.set_flush_denormal(True)
        yield
    finally:
        torch.set_flush_denormal(was_flushing)


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
