"""What is recorded of every epoch."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from mpsolve import InputError
from mpsolve.training.metrics import CsvRecorder

if TYPE_CHECKING:
    from pathlib import Path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_epoch_is_a_row(tmp_path: Path) -> None:
    """Numbers are written so that they are read back exactly."""
    recorder = CsvRecorder(tmp_path / "log.csv")
    recorder.begin([])
    recorder.record({"epoch": 1, "loss": 0.1 + 0.2})
    recorder.record({"epoch": 2, "loss": 1e-30})
    assert (tmp_path / "log.csv").read_text() == "epoch,loss\n1,0.30000000000000004\n2,1e-30\n"


def test_a_run_that_goes_on_repeats_no_row(tmp_path: Path) -> None:
    """Epochs after the checkpoint, and a row that was torn, are dropped."""
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n1,0.5\n2,0.25\n3,0.1")
    recorder = CsvRecorder(path)
    recorder.begin([{"epoch": 1, "loss": 0.5}])
    recorder.record({"epoch": 2, "loss": 0.25})
    assert path.read_text() == "epoch,loss\n1,0.5\n2,0.25\n"


def test_a_new_figure_is_a_new_column(tmp_path: Path) -> None:
    """Empty in earlier rows; a figure that is missing leaves its cell empty."""
    recorder = CsvRecorder(tmp_path / "log.csv")
    recorder.begin([{"epoch": 1, "loss": 0.5}])
    recorder.record({"epoch": 2, "loss": 0.4, "bops": 0.3})
    recorder.record({"epoch": 3, "bops": 0.2})
    assert rows(tmp_path / "log.csv") == [
        {"epoch": "1", "loss": "0.5", "bops": ""},
        {"epoch": "2", "loss": "0.4", "bops": "0.3"},
        {"epoch": "3", "loss": "", "bops": "0.2"},
    ]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Before anything is trained."""
    with pytest.raises(InputError, match=r"none/log\.csv cannot be written: No such file"):
        CsvRecorder(tmp_path / "none" / "log.csv").begin([])
