"""Several processes that train one network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mpsolve import InputError
from mpsolve.training.checkpoint import load_checkpoint
from mpsolve.training.distributed import Process, choose_device
from mpsolve.training.evaluate import evaluate
from mpsolve.training.loop import train
from mpsolve.training.recipes import OptimiserSettings, Recipe
from tests.training.small import small_data, small_model

ROOT = Path(__file__).parents[2]


def simple_model() -> torch.nn.Sequential:
    """Without batch statistics, which each process would gather from its own examples."""
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    )


def recipe(epochs: int) -> Recipe:
    """28 examples in batches of 8, 8, 8 and 4."""
    return Recipe(epochs, 8, {"weights": OptimiserSettings("sgd", 0.1, momentum=0.9)})


SCRIPT = """
import json, os, sys
from pathlib import Path
from mpsolve.training import train
from mpsolve.training.distributed import leave
from mpsolve.training.metrics import CsvRecorder
from mpsolve.training.recipes import OptimiserSettings
from tests.training.small import small_data, small_model, small_recipe
from tests.training.test_distributed import recipe, simple_model

folder = Path(sys.argv[1])
def penalty(model):
    return 0.01 * sum(p.square().sum() for p in model.parameters())
log = CsvRecorder(folder / "simple.csv")
trained = train(simple_model(), small_data(44), recipe(3), extra_loss=penalty, device="cpu",
                checkpoint=folder / "simple.pt", recorders=[log])
(folder / f"{os.environ['RANK']}.json").write_text(json.dumps(trained.history))
for name, epochs in (("long", 4), ("short", 2), ("short", 4)):  # with dropout and statistics
    train(small_model(), small_data(44), small_recipe(epochs), device="cpu",
          checkpoint=folder / f"{name}.pt")
leave()
os._exit(0)  # gloo's threads have been seen to abort an interpreter that was being torn down
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


def test_two_processes_train_as_one_does(folder: Path, tmp_path: Path) -> None:
    """To rounding: the mean over all examples of a batch is the mean of two means."""

    def penalty(model: torch.nn.Module) -> torch.Tensor:
        return 0.01 * sum(p.square().sum() for p in model.parameters())  # type: ignore[return-value]

    model = simple_model()
    alone = train(model, small_data(44), recipe(3), extra_loss=penalty)
    content = load_checkpoint(folder / "simple.pt")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(content["model"][name], value, rtol=1e-5, atol=1e-6)
    assert alone.epochs == len(content["history"]) == 3
    for one, two in zip(alone.history, content["history"], strict=True):
        for name in set(one) - {"seconds"}:
            assert one[name] == pytest.approx(two[name], rel=1e-5), name


def test_all_processes_report_the_same(folder: Path) -> None:
    """The figures of all examples, of which each has seen a half; one of them writes."""
    histories: list[list[dict[str, Any]]] = [
        json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)
    ]
    for first, second in zip(*histories, strict=True):
        for name in set(first) - {"seconds"}:
            assert first[name] == second[name]
    assert len((folder / "simple.csv").read_text().splitlines()) == 4


def test_all_processes_evaluate_the_same_network(folder: Path) -> None:
    """With the statistics of the first, which are those in the checkpoint."""
    content, model = load_checkpoint(folder / "long.pt"), small_model()
    model.load_state_dict(content["model"])
    alone, together = evaluate(model, small_data(44).validation), content["history"][-1]
    assert together["validation_loss"] == pytest.approx(alone.loss, rel=1e-6)
    assert together["validation_accuracy"] == alone.accuracy


def test_two_processes_go_on_as_if_not_interrupted(folder: Path) -> None:
    """Each with its own random states."""
    long, short = (load_checkpoint(folder / f"{name}.pt") for name in ("long", "short"))
    for name, value in long["model"].items():
        assert torch.equal(value, short["model"][name]), name
    assert len(long["random"]) == 2
    for one, two in zip(long["random"], short["random"], strict=True):
        assert torch.equal(one["torch"], two["torch"])
    assert not torch.equal(long["random"][0]["torch"], long["random"][1]["torch"])


def test_one_process_needs_nobody() -> None:
    """Sums and votes are its own, and the model is called as it is."""
    process, model = Process(torch.device("cpu")), simple_model()
    assert process.first
    assert process.share(model) is model
    assert process.sum(torch.tensor([2.0])).tolist() == [2.0]
    assert (process.any(True), process.any(False)) == (True, False)
    assert process.gather("x") == ["x"]
    process.equalise(model)
    process.wait()


def test_processes_must_share_batches_equally(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of a batch is that of all processes together."""
    third = Process(choose_device("cpu"), 2, 3)
    monkeypatch.setattr("mpsolve.training.loop.this_process", lambda device: third)
    with pytest.raises(InputError, match="3 processes cannot share batches of 8 equally"):
        train(simple_model(), small_data(), recipe(1))


def test_devices_are_named_as_in_pytorch() -> None:
    """And the processor is always there."""
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
