"""Training that leaves no trace in its caller: random states, settings, warnings, loggers."""

import logging
import random
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

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
