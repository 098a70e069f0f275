import logging
import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from facecover.training.isolation import flushed_denormals, isolated

SUBNORMAL = 1e-40


def _is_flushing() -> bool:
    return (torch.tensor(SUBNORMAL) * 0.5).item() == 0


def test_random_states_are_put_back() -> None:
    before = (torch.get_rng_state(), random.getstate(), str(np.random.get_state()))  # noqa: NPY002
    with isolated():
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert str(np.random.get_state()) == before[2]  # noqa: NPY002


def test_settings_are_put_back_after_an_error() -> None:
    logger = logging.getLogger("lightning.pytorch")
    before = (logger.level, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic)

    def fail() -> None:
        with isolated():
            logger.setLevel(1)
            torch.backends.cudnn.benchmark = True
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    after = (logger.level, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic)
    assert after == before


def test_warnings_are_silent_inside_alone() -> None:
    with isolated():
        warnings.warn("nobody can change it", stacklevel=1)
    with pytest.warns(UserWarning, match="somebody can"):
        warnings.warn("somebody can", stacklevel=1)


def test_denormals_are_flushed_inside_alone() -> None:
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor cannot flush denormals")
    with flushed_denormals():
        assert _is_flushing()
        with flushed_denormals():
            assert _is_flushing()
        assert _is_flushing()
    assert not _is_flushing()


def test_importing_lets_threads_wait_without_spinning() -> None:
    code = "import os, facecover.training; print(os.environ['OMP_WAIT_POLICY'])"
    for given, expected in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        plain = {name: value for name, value in os.environ.items() if not name.startswith("OMP")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=plain | given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected
