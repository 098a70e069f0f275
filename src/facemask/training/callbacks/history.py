"""One row an epoch: as CSV, in TensorBoard, and in the checkpoint."""

import csv
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.tensorboard import SummaryWriter

from facemask.files import written_file
from facemask.training.module import measured_by

Row = dict[str, float]
"""An epoch's measures by column."""


class History(Callback):
    """Keeps a row for every epoch and writes all of them after each.

    The rows travel in the checkpoint, so a run that goes on has each epoch once, whatever it was
    writing when it was stopped.

    Args:
        csv_path: the table to write.
        board: the folder for TensorBoard's events.
    """

    def __init__(self, csv_path: Path, board: Path) -> None:
        self.rows: list[Row] = []
        self._csv_path = csv_path
        self._board = board
        self._writer: SummaryWriter | None = None
        self._started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open TensorBoard's events; those of epochs that will be repeated are purged."""
        self._writer = SummaryWriter(str(self._board), purge_step=len(self.rows) + 1)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add and write the epoch's row."""
        row: Row = {
            "epoch": trainer.current_epoch + 1,
            **measured_by(pl_module),
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        self.rows.append(row)
        write_rows(self.rows, self._csv_path)
        self._draw(row)

    def close(self) -> None:
        """Close TensorBoard's events."""
        if self._writer is not None:
            self._writer.close()

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint keeps."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a checkpoint up again."""
        self.rows = [dict(row) for row in state_dict["rows"]]

    def _draw(self, row: Row) -> None:
        if self._writer is None:
            return
        for column, value in row.items():
            split, _, name = column.partition("_")
            if split in ("train", "val", "test"):
                self._writer.add_scalar(f"{name}/{split}", value, int(row["epoch"]))
        self._writer.flush()


def write_rows(rows: list[Row], path: Path) -> None:
    """Write rows as CSV, six digits each.

    Raises:
        OutputError: if the file cannot be written.
    """
    with written_file(path) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({column: f"{value:.6g}" for column, value in row.items()})
