"""What a terminal changes: a progress bar on standard error."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def test_a_bar_in_the_terminal_leaves_the_answers_to_their_file(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    terminal, other_end = pty.openpty()
    try:
        with (tmp_path / "answers").open("wb") as answers:
            command = [sys.executable, "-m", "facecover", "predict", str(photos), "--json"]
            ended = subprocess.run(command, stdout=answers, stderr=other_end, check=False)
        os.close(other_end)
        shown = os.read(terminal, 100_000).decode()
    finally:
        os.close(terminal)
    lines = (tmp_path / "answers").read_text("utf-8").splitlines()
    assert ended.returncode == 0
    assert len([json.loads(line) for line in lines]) == 3
    assert "3/3" in shown  # the bar itself
    assert "probability" not in shown
