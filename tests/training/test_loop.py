"""The training loop."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.functional import cross_entropy

from mpsolve import InputError
from mpsolve.training.callbacks import Callback, TrainingState
from mpsolve.training.data import DataSet, Normalisation, TensorSplit
from mpsolve.training.evaluate import evaluate
from mpsolve.training.loop import train
from mpsolve.training.outcome import DivergenceError, Stop
from mpsolve.training.randomness import random_states
from mpsolve.training.recipes import OptimiserSettings, Recipe
from tests.training.small import CLASSES, SHAPE, small_data, small_model, small_recipe

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training.progress import TrainingProgress


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_a_convex_problem_is_solved() -> None:
    """scikit-learn's logistic regression with an L2 penalty has the same optimum."""
    x, y = load_iris(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    split = TensorSplit(torch.from_numpy(x), torch.from_numpy(y))
    data = DataSet("iris", split, split, split, (1, 1, 4), 3, Normalisation((0,), (1,)))
    model = nn.Linear(4, 3).double()
    recipe = Recipe(400, 150, {"weights": OptimiserSettings("sgd", 0.5, momentum=0.9)})

    def penalty(model: nn.Module) -> Tensor:  # scikit-learn's objective is C n times ours
        return model.get_parameter("weight").square().sum() / (2 * 1.0 * 150)

    train(model, data, recipe, extra_loss=penalty)
    fitted = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(model.weight.detach(), fitted.coef_, atol=1e-5)
    # The loss does not change if the same number is added to all intercepts.
    found = model.bias.detach() - model.bias.detach().mean()
    np.testing.assert_allclose(found, fitted.intercept_ - fitted.intercept_.mean(), atol=1e-5)


def test_an_epoch_is_what_it_says_it_is() -> None:
    """A loop written out in the test gives the same parameters to the last bit."""
    data, recipe, model = small_data(), small_recipe(4, seed=3), small_model()
    outcome = train(model, data, recipe)

    own = small_model()
    optimiser = torch.optim.SGD(own.parameters(), 0.1, momentum=0.9)
    assert isinstance(data.train, TensorSplit)
    torch.manual_seed(3)  # of dropout
    for epoch in range(4):
        optimiser.param_groups[0]["lr"] = 0.1 if epoch < 2 else 0.1 * 0.1
        order = np.random.default_rng((3, epoch)).permutation(29)
        own.train()
        total, right = 0.0, 0
        for start in range(0, 29, 6):
            batch = order[start : start + 6]
            x, y = data.train.inputs[batch], data.train.targets[batch]
            optimiser.zero_grad()
            scores = own(x)
            loss = cross_entropy(scores, y)
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch)
            right += int((scores.argmax(1) == y).sum())
        own.eval()
        figures = outcome.history[epoch]
        assert figures["loss"] == pytest.approx(total / 29, rel=1e-6)
        assert figures["accuracy"] == right / 29
        seen = evaluate(own, data.validation)
        assert figures["validation_loss"] == pytest.approx(seen.loss, rel=1e-6)
        assert figures["validation_accuracy"] == seen.accuracy
        assert figures["learning_rate.weights"] == optimiser.param_groups[0]["lr"]
    for name, value in own.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    assert outcome.stopped is Stop.FINISHED
    assert [figures["epoch"] for figures in outcome.history] == [1, 2, 3, 4]


def test_training_is_repeatable_and_leaves_no_trace() -> None:
    """Whatever the global generators were, which stay as they are."""
    results = []
    for seed in (1, 2):
        model = small_model()
        torch.manual_seed(seed)
        before = random_states()
        train(model, small_data(), small_recipe())
        after = random_states()
        assert torch.equal(before["torch"], after["torch"])
        assert before["python"] == after["python"]
        results.append(weights(model))
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_another_seed_trains_otherwise() -> None:
    """The order and the dropout differ."""
    models = [small_model(), small_model()]
    for seed, model in enumerate(models):
        train(model, small_data(), small_recipe(seed=seed))
    first, second = (model.get_parameter("0.weight") for model in models)
    assert not torch.equal(first, second)


def test_all_groups_are_trained_with_a_regulariser() -> None:
    """SGD for the weights and Adam for a gate that only the regulariser pulls, by 0.01 a step."""

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = small_model()
            self.phi = nn.Parameter(torch.tensor(2.0))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.body(x)
            return out

    model = Gated()
    settings = {
        "weights": OptimiserSettings("sgd", 0.1),
        "gates": OptimiserSettings("adam", 0.01),
    }
    outcome = train(
        model,
        small_data(),
        Recipe(2, 6, settings),
        groups={"gates": [model.phi]},
        extra_loss=lambda m: 0.5 * m.get_parameter("phi"),
    )
    # Adam's step is the rate itself while the gradient is constant: 2 epochs of 5 batches.
    assert model.phi.item() == pytest.approx(2 - 0.1, abs=1e-5)
    phis = [2 - 0.01 * step for step in range(5)]
    mean = np.average(phis, weights=[6, 6, 6, 6, 5])
    assert outcome.history[0]["extra_loss"] == pytest.approx(0.5 * mean, abs=1e-6)


class Diary(Callback):
    """Notes when it is called, adds a figure, and stops after so many epochs."""

    def __init__(self, last: int = 99) -> None:
        self.notes: list[Any] = []
        self.last = last

    def start_of_epoch(self, state: TrainingState) -> None:
        assert state.model.training
        self.notes.append(("start", state.epoch))

    def before_batch(self, state: TrainingState) -> None:
        self.notes.append(("before", state.batch, state.batches))

    def after_batch(self, state: TrainingState) -> None:
        self.notes.append(("after", state.batch))

    def end_of_epoch(self, state: TrainingState) -> None:
        self.notes.append(("end", state.epoch))
        state.figures["half"] = np.float64(0.5)
        state.stop = state.epoch == self.last


def test_callbacks_are_called_in_order() -> None:
    """At the start and end of every epoch, and around every batch."""
    diary = Diary(last=1)
    data = small_data(28)  # 12 examples to learn from: two batches
    outcome = train(small_model(), data, small_recipe(5), callbacks=[diary])
    epoch = [("before", 0, 2), ("after", 1), ("before", 1, 2), ("after", 2)]
    expected = [("start", 0), *epoch, ("end", 0), ("start", 1), *epoch, ("end", 1)]
    assert diary.notes == expected
    assert outcome.stopped is Stop.EARLY
    assert outcome.epochs == 2
    assert [figures["half"] for figures in outcome.history] == [0.5, 0.5]


def test_gradients_can_be_bounded() -> None:
    """One step of plain SGD moves all parameters together by the rate times the bound."""
    model = small_model()
    before = weights(model)
    recipe = Recipe(1, 29, {"weights": OptimiserSettings("sgd", 0.5)}, clip_norm=1e-3)
    train(model, small_data(), recipe)
    moves = [value - before[name] for name, value in model.named_parameters()]
    distance = torch.cat([move.flatten() for move in moves]).norm().item()
    assert distance == pytest.approx(0.5 * 1e-3, rel=1e-3)


class Spoil(Callback):
    """From the third epoch on the model is wrong; remembers what it was at the end of each."""

    def __init__(self) -> None:
        self.models: list[dict[str, Tensor]] = []

    def before_batch(self, state: TrainingState) -> None:
        if state.epoch >= 2:
            with torch.no_grad():
                state.model.get_parameter("5.bias").copy_(torch.tensor([100.0, -100.0, -100.0]))

    def end_of_epoch(self, state: TrainingState) -> None:
        self.models.append(weights(state.model))


def test_training_ends_when_it_gets_no_better() -> None:
    """After the patience is over, with the weights of the best epoch."""
    model, spoil = small_model(), Spoil()
    outcome = train(model, small_data(), small_recipe(9, patience=3), callbacks=[spoil])
    accuracies = [figures["validation_accuracy"] for figures in outcome.history]
    best = int(np.argmax(accuracies))
    assert best < 2
    assert outcome.stopped is Stop.EARLY
    assert outcome.epochs == best + 1 + 3
    assert (outcome.best_epoch, outcome.best_accuracy) == (best + 1, max(accuracies))
    for name, value in model.state_dict().items():
        assert torch.equal(value, spoil.models[best][name])


def test_without_patience_the_last_weights_stay() -> None:
    """However bad they are."""
    model, spoil = small_model(), Spoil()
    outcome = train(model, small_data(), small_recipe(4), callbacks=[spoil])
    assert (outcome.stopped, outcome.epochs) == (Stop.FINISHED, 4)
    assert torch.equal(model.get_parameter("5.bias"), spoil.models[3]["5.bias"])
    assert outcome.best_epoch <= 2


def test_progress_is_reported_after_every_batch() -> None:
    """With the means so far."""
    seen: list[TrainingProgress] = []
    outcome = train(small_model(), small_data(), small_recipe(2), progress=seen.append)
    places = [(p.epoch, p.epochs, p.batch, p.batches) for p in seen]
    assert places == [(e, 2, b, 5) for e in range(2) for b in range(1, 6)]
    for epoch in range(2):
        last, figures = seen[5 * epoch + 4], outcome.history[epoch]
        assert (last.loss, last.accuracy) == (figures["loss"], figures["accuracy"])


def test_a_loss_that_is_no_number_ends_training() -> None:
    """At the end of the epoch, with advice."""
    with pytest.raises(DivergenceError, match=r"^The loss of epoch 1 is nan: lower the learning"):
        train(
            small_model(),
            small_data(),
            small_recipe(),
            extra_loss=lambda model: torch.tensor(float("nan")),
        )


class Press(Callback):
    """Presses Ctrl-C after some batches, counted from the beginning."""

    def __init__(self, *when: int) -> None:
        self.count = 0
        self.when = when

    def after_batch(self, state: TrainingState) -> None:
        self.count += 1
        for _ in range(self.when.count(self.count)):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_is_answered_after_the_batch() -> None:
    """And afterwards Ctrl-C is what it was before."""
    handler = signal.getsignal(signal.SIGINT)
    press = Press(7)
    outcome = train(small_model(), small_data(), small_recipe(), callbacks=[press])
    assert (outcome.stopped, outcome.epochs, press.count) == (Stop.INTERRUPTED, 1, 7)
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_after_the_last_batch_ends_the_epoch() -> None:
    """And if nothing is left to do, training is finished."""
    outcome = train(small_model(), small_data(), small_recipe(2), callbacks=[Press(5)])
    assert (outcome.stopped, outcome.epochs) == (Stop.INTERRUPTED, 1)
    outcome = train(small_model(), small_data(), small_recipe(2), callbacks=[Press(10)])
    assert (outcome.stopped, outcome.epochs) == (Stop.FINISHED, 2)


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    """As Python does."""
    press = Press(7, 7)
    with pytest.raises(KeyboardInterrupt):
        train(small_model(), small_data(), small_recipe(), callbacks=[press])
    assert press.count == 7


def test_no_epochs_train_nothing() -> None:
    """The model stays as it is."""
    model = small_model()
    before = weights(model)
    outcome = train(model, small_data(), small_recipe(0))
    assert (outcome.epochs, outcome.best_epoch, outcome.best_accuracy) == (0, 0, 0.0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_devices_that_do_not_exist_are_refused() -> None:
    """Misspelt, or absent from the machine."""
    with pytest.raises(InputError, match=r"^There is no device 'gpu'; try auto, cpu, cuda or"):
        train(small_model(), small_data(), small_recipe(), device="gpu")
    with pytest.raises(InputError, match=r"^cuda:99: this machine has \d+ CUDA devices; try cpu"):
        train(small_model(), small_data(), small_recipe(), device="cuda:99")


def test_examples_that_are_read_train_like_those_in_memory() -> None:
    """To the last bit, with and without workers."""
    from torch.utils.data import TensorDataset

    from mpsolve.training.data import DatasetSplit

    data, models = small_data(), [small_model() for _ in range(3)]
    assert isinstance(data.train, TensorSplit)
    read = DatasetSplit(TensorDataset(data.train.inputs, data.train.targets))
    other = DataSet("", read, data.validation, data.test, SHAPE, CLASSES, data.normalisation)
    train(models[0], data, small_recipe(2))
    train(models[1], other, small_recipe(2))
    train(models[2], other, small_recipe(2), workers=1)
    for model in models[1:]:
        for name, value in model.state_dict().items():
            assert torch.equal(value, models[0].state_dict()[name])
