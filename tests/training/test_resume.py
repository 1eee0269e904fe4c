"""A run that was interrupted ends as if it had not been, to the last bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mpsolve import InputError
from mpsolve.training.callbacks import Callback, TrainingState
from mpsolve.training.checkpoint import load_checkpoint, save_checkpoint
from mpsolve.training.loop import train
from mpsolve.training.metrics import CsvRecorder
from mpsolve.training.outcome import Stop, Trained
from mpsolve.training.recipes import OptimiserSettings, Recipe
from tests.training.small import small_data, small_model

BATCHES = 5
EPOCHS = 6


class Noise(Callback):
    """Disturbs the weights with all three generators, by a strength that it learns on the way."""

    def __init__(self) -> None:
        self.strength = 1e-3
        self.active = False

    def start_of_epoch(self, state: TrainingState) -> None:
        self.active = state.epoch >= 2
        drawn = 0.5 + random.random()
        if self.active and not state.resumed:
            self.strength *= drawn

    def before_batch(self, state: TrainingState) -> None:
        if self.active:
            drawn = torch.randn(3) * float(np.random.standard_normal()) * random.random()  # noqa: NPY002
            with torch.no_grad():
                state.model.get_parameter("5.bias").add_(self.strength * drawn)

    def end_of_epoch(self, state: TrainingState) -> None:
        state.figures["strength"] = self.strength

    def state_dict(self) -> dict[str, Any]:
        return {"strength": self.strength}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        self.strength = values["strength"]


class Accident(Callback):
    """After so many batches a signal comes, or by default an error."""

    def __init__(self, batch: int = -1, number: signal.Signals | None = None) -> None:
        self.batch, self.number = batch, number

    def after_batch(self, state: TrainingState) -> None:
        if state.epoch * BATCHES + state.batch == self.batch:
            if self.number is None:
                raise ConnectionAbortedError
            signal.raise_signal(self.number)


def recipe(epochs: int = EPOCHS, **settings: Any) -> Recipe:
    """Two groups: SGD with momentum whose rate falls, and Adam, whose steps are counted."""
    groups = {
        "weights": OptimiserSettings("sgd", 0.1, momentum=0.9, milestones=(2, 4)),
        "gates": OptimiserSettings("adam", 0.01),
    }
    return Recipe(epochs, 6, groups, **settings)


def run(
    folder: Path,
    accident: Accident | None = None,
    *,
    epochs: int = EPOCHS,
    every: int | None = None,
    **settings: Any,
) -> Trained:
    """Train in a folder, with a model, callbacks and generators that know nothing of before."""
    model = small_model(seed=0)
    torch.manual_seed(int.from_bytes(folder.name.encode()[:4]))
    return train(
        model,
        small_data(),
        recipe(epochs, **settings),
        groups={"gates": [model.get_parameter("1.weight")]},
        extra_loss=lambda m: 0.01 * m.get_parameter("1.weight").square().sum(),
        callbacks=[Noise(), accident or Accident()],
        checkpoint=folder / "c.pt",
        checkpoint_batches=every,
        recorders=[CsvRecorder(folder / "log.csv")],
    )


def timeless(value: Any) -> Any:
    """All that a checkpoint or a table holds, without how long an epoch took."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k != "seconds"}
    if isinstance(value, list | tuple):
        return [timeless(v) for v in value]
    return (value.dtype, value.tolist()) if isinstance(value, torch.Tensor) else value


def results(folder: Path) -> Any:
    """The last checkpoint, with optimisers and generators, and the table."""
    lines = (folder / "log.csv").read_text().splitlines()
    column = lines[0].split(",").index("seconds")
    table = [[cell for i, cell in enumerate(row.split(",")) if i != column] for row in lines]
    return timeless(load_checkpoint(folder / "c.pt")), table


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What six epochs without an accident end with."""
    folder = tmp_path_factory.mktemp("straight")
    assert run(folder).stopped is Stop.FINISHED
    content, table = results(folder)
    assert content["epoch"] == EPOCHS
    assert len(table) == 1 + EPOCHS
    return content, table


@pytest.mark.parametrize("batch", [1, 5, 15, 16, 18, 29, 30])
@pytest.mark.parametrize("every", [None, 1, 2])
def test_an_error_changes_nothing(
    tmp_path: Path, straight: Any, batch: int, every: int | None
) -> None:
    """At any place; without ``every``, the epoch is repeated from its beginning."""
    with pytest.raises(ConnectionAbortedError):
        run(tmp_path, Accident(batch), every=every)
    content = load_checkpoint(tmp_path / "c.pt")
    kept = (batch - 1) % BATCHES // every * every if every else 0
    assert (content["epoch"], content["batch"]) == ((batch - 1) // BATCHES, kept)
    run(tmp_path, every=every)
    assert results(tmp_path) == straight


KILLED = """
import signal, sys
from pathlib import Path
from tests.training.test_resume import Accident, run
run(Path(sys.argv[1]), Accident(18, signal.SIGKILL), every=2)
"""


def test_a_killed_process_changes_nothing(tmp_path: Path, straight: Any) -> None:
    """Nothing but the files is left of it."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    content = load_checkpoint(tmp_path / "c.pt")
    assert (content["epoch"], content["batch"]) == (3, 2)
    run(tmp_path, every=2)
    assert results(tmp_path) == straight


@pytest.mark.parametrize("batch", [1, 5, 17])
def test_ctrl_c_changes_nothing(tmp_path: Path, straight: Any, batch: int) -> None:
    """Not even the epoch is repeated."""
    outcome = run(tmp_path, Accident(batch, signal.SIGINT))
    assert (outcome.stopped, outcome.epochs) == (Stop.INTERRUPTED, batch // BATCHES)
    content = load_checkpoint(tmp_path / "c.pt")
    assert (content["epoch"], content["batch"]) == divmod(batch, BATCHES)
    assert run(tmp_path).stopped is Stop.FINISHED
    assert results(tmp_path) == straight


def test_three_epochs_and_three_more_are_six(tmp_path: Path, straight: Any) -> None:
    """A training that is complete can be made longer."""
    assert run(tmp_path, epochs=3).epochs == 3
    assert run(tmp_path).epochs == EPOCHS
    assert results(tmp_path) == straight


def test_writing_checkpoints_changes_nothing(tmp_path: Path, straight: Any) -> None:
    """However often."""
    run(tmp_path, every=1)
    assert results(tmp_path) == straight


def test_a_complete_training_is_not_repeated(tmp_path: Path) -> None:
    """Its model and history are read."""
    first = run(tmp_path, epochs=2)
    again = run(tmp_path, Accident(1), epochs=2)
    assert again == first


def test_the_best_weights_outlive_an_interruption(tmp_path: Path) -> None:
    """With patience, the model that training ends with is the same."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = run(tmp_path / "a", patience=2, epochs=20)
    run(tmp_path / "b", Accident(12, signal.SIGINT), patience=2, epochs=20)
    two = run(tmp_path / "b", patience=2, epochs=20)
    assert (two.stopped, two.epochs, two.best_epoch) == (one.stopped, one.epochs, one.best_epoch)
    assert one.stopped is Stop.EARLY
    assert results(tmp_path / "a") == results(tmp_path / "b")
    assert run(tmp_path / "b", Accident(1), patience=2, epochs=20) == two


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"recipe": Recipe(6, 5, {"weights": OptimiserSettings("sgd", 0.1)})}, "recipe"),
        ({"data": small_data(46)}, "data"),
        ({"callbacks": [Noise()]}, "list of callbacks"),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    """The message says what is different, and the file is kept."""
    settings = {"weights": OptimiserSettings("sgd", 0.1)}
    plain: dict[str, Any] = {"data": small_data(), "recipe": Recipe(1, 6, settings)}
    path = tmp_path / "c.pt"
    train(small_model(), **plain, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=rf"c\.pt belongs to a training with another {named}; "):
        train(small_model(), **plain | change, checkpoint=path)
    assert path.read_bytes() == before


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    """Or of another model, or none that can be read or written."""
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"epoch": 1})
    with pytest.raises(InputError, match=r"c\.pt is not a checkpoint of training"):
        run(tmp_path)
    path.unlink()
    run(tmp_path, epochs=0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    simple = Recipe(0, 6, {"weights": OptimiserSettings("sgd", 0.1)})
    with pytest.raises(InputError, match="another recipe and another model and another list of"):
        train(model, small_data(), simple, checkpoint=path)
    with pytest.raises(InputError, match=r"none/c\.pt cannot be written"):
        train(model, small_data(), simple, checkpoint=tmp_path / "none" / "c.pt")
