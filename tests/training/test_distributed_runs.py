"""Searches and fine-tuning by two processes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mpsolve.model.configuration import Configuration
from mpsolve.training import finetune, search_precisions
from mpsolve.training.checkpoint import load_checkpoint
from tests.training.runs import kept, searching, tuning
from tests.training.small import small_data
from tests.training.test_distributed import simple_model

ROOT = Path(__file__).parents[2]
EIGHTS = "batch_size=8"  # which two processes can share
MIXED = Configuration.from_json({"1": "8b/4b", "3": "4b/3b"})
SMALL = Configuration.from_json({"0": "8b/4b", "5": "4b/2b"})

SCRIPT = """
import json, os, sys
from pathlib import Path
from mpsolve.training import finetune, search_precisions
from mpsolve.training.distributed import leave
from tests.training.runs import interrupt_at, searching, tuning
from tests.training.small import small_data, small_model
from tests.training.test_distributed import simple_model
from tests.training.test_distributed_runs import EIGHTS, MIXED, SMALL

folder, told = Path(sys.argv[1]), {}
def search(name, model, algorithm, progress=None):
    done = search_precisions(
        model, small_data(44), algorithm.replace("_", "-"), 0.1, device="cpu", progress=progress,
        recipe=searching(EIGHTS, algorithm=algorithm), folder=folder / name)
    told[name] = [done.configuration.to_json(), done.accuracy, done.history]
def tune(name, model, configuration, progress=None):
    done = finetune(model, configuration, small_data(44), tuning(EIGHTS), device="cpu",
                    folder=folder / name, progress=progress)
    told[name] = [done.accuracy, done.trained.history]
search("edmips", simple_model(), "edmips")
tune("tuned", simple_model(), MIXED)
for name, progress in (("whole", None), ("broken", interrupt_at(1, 2)), ("broken", None)):
    search(f"{name} search", small_model(), "bayesian_bits", progress)  # draws, statistics, dropout
    tune(f"{name} tuning", small_model(), SMALL, progress)
    if progress:
        assert told["broken search"][1] is told["broken tuning"][0] is None
(folder / f"{os.environ['RANK']}.json").write_text(json.dumps(told))
leave()
os._exit(0)  # as in test_distributed
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes that torchrun starts leave behind."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "script.py").write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node=2", str(folder / "script.py"), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> list[dict[str, Any]]:
    """What either process was told by every run."""
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def assert_alike(one: Path, two: Path) -> None:
    """The same configuration and, to rounding, the same parameters and figures."""
    for name in ("run.json", "configuration.json"):
        assert (one / name).read_text() == (two / name).read_text()
    weights = [load_checkpoint(path / "weights.pt") for path in (one, two)]
    assert list(weights[0]) == list(weights[1])
    for name, value in weights[0].items():
        assert value.flatten().tolist() == pytest.approx(
            weights[1][name].flatten().tolist(), rel=1e-4, abs=1e-5
        ), name
    rows = [figures(path) for path in (one, two)]
    assert len(rows[0]) == len(rows[1]) == 3
    for first, second in zip(*rows, strict=True):
        assert first == pytest.approx(second, rel=1e-4, abs=1e-6)


def figures(folder: Path) -> list[dict[str, float]]:
    """The recorded figures of every epoch, without how long it took."""
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if name != "seconds"}
            for row in csv.DictReader(file)
        ]


@pytest.mark.slow
def test_mixtures_are_searched_as_by_one_process(folder: Path, tmp_path: Path) -> None:
    """Nothing is drawn and there are no batch statistics, so that only rounding differs."""
    recipe = searching(EIGHTS, algorithm="edmips")
    search_precisions(
        simple_model(), small_data(44), "edmips", 0.1, recipe=recipe, folder=tmp_path / "alone"
    )
    assert_alike(folder / "edmips", tmp_path / "alone")


@pytest.mark.slow
def test_thresholds_are_tuned_as_by_one_process(folder: Path, tmp_path: Path) -> None:
    """Gradients of thresholds are normed after they have become means over both processes."""
    finetune(simple_model(), MIXED, small_data(44), tuning(EIGHTS), folder=tmp_path / "alone")
    assert_alike(folder / "tuned", tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["search", "tuning"])
def test_two_processes_go_on_as_if_not_interrupted(folder: Path, what: str) -> None:
    """Ctrl-C reaches the first alone; all that is kept in the end is the same to the last bit."""
    assert kept(folder / f"broken {what}") == kept(folder / f"whole {what}")


@pytest.mark.slow
def test_both_processes_are_told_the_same(folder: Path, told: list[dict[str, Any]]) -> None:
    """Though each draws gates of its own; and one of them writes, a row an epoch."""

    def timeless(told: dict[str, Any]) -> dict[str, Any]:
        for _, history in (run[-2:] for run in told.values()):
            for row in history:
                row.pop("seconds")
        return told

    first, second = map(timeless, told)
    assert first == second
    for name in first:
        place = folder / name
        own = {"run.json", "checkpoint.pt", "metrics.csv", "configuration.json", "weights.pt"}
        assert {file.name for file in place.iterdir()} == own
        assert [row["epoch"] for row in figures(place)] == [1, 2, 3]
    for name in ("edmips", "whole search"):
        found = Configuration.from_json(first[name][0])
        assert found == Configuration.read(folder / name / "configuration.json")
        assert found["0" if name == "whole search" else "1"].b_in == 8  # the network's input
