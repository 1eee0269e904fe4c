"""Accuracy, loss, and statistics of batch normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from mpsolve import InputError
from mpsolve.training.data import TensorSplit
from mpsolve.training.evaluate import Evaluation, evaluate, recalibrate
from tests.training.small import batch_norm, small_data, small_model

if TYPE_CHECKING:
    from mpsolve.typing import FloatArray


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_accuracy_and_loss_are_scikit_learns(
    count: int, classes: int, batch_size: int, seed: int
) -> None:
    """Of any scores, in batches of any size, ties included."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-3, 4, (count, classes)).astype(np.float32)
    targets = rng.integers(0, classes, count)
    split = TensorSplit(torch.from_numpy(scores), torch.from_numpy(targets))
    found = evaluate(nn.Identity(), split, batch_size=batch_size)
    chosen = scores.argmax(1)
    assert found.accuracy == accuracy_score(targets, chosen)
    assert (found.correct, found.count) == ((chosen == targets).sum(), count)
    shares = np.exp(scores.astype(float))
    shares /= shares.sum(1, keepdims=True)
    expected = log_loss(targets, shares, labels=range(classes))
    assert found.loss == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_modes_and_parameters_stay_as_they_were() -> None:
    """Of every module by itself, after an evaluation without dropout and batch statistics."""
    model = small_model().train()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    one, two = (evaluate(model, small_data().train, batch_size=size) for size in (5, 7))
    assert one.correct == two.correct
    assert one.loss == pytest.approx(two.loss, rel=1e-6)
    assert [module.training for module in model] == [True, False, True, True, True, True]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def array(values: torch.Tensor | None) -> FloatArray:
    assert values is not None
    return values.double().numpy()


def test_statistics_are_means_over_the_batches() -> None:
    """NumPy: the mean of the batches' means, and of their variances with Bessel's correction."""
    model, data = small_model(), small_data()
    split = data.train
    assert isinstance(split, TensorSplit)
    norm = batch_norm(model)
    norm.register_buffer("running_mean", torch.full((4,), 7.0))
    recalibrate(model, split, batch_size=9)
    with torch.no_grad():
        # 29 examples are three batches of nine, in the documented order.
        order = np.random.default_rng(0).permutation(29)[:27]
        values = array(model[0](split.inputs[order])).reshape(3, 9, 4, -1)
    batches = values.transpose(0, 2, 1, 3).reshape(3, 4, -1)
    np.testing.assert_allclose(array(norm.running_mean), batches.mean(2).mean(0), atol=1e-6)
    np.testing.assert_allclose(array(norm.running_var), batches.var(2, ddof=1).mean(0), rtol=1e-5)
    assert norm.num_batches_tracked == 3


def test_recalibration_changes_statistics_alone() -> None:
    """Parameters, modes, the momentum and the random generator stay; dropout is off."""
    model = small_model().eval()
    norm = batch_norm(model)
    norm.momentum = 0.3
    before = {name: value.clone() for name, value in model.named_parameters()}
    state = torch.get_rng_state()
    recalibrate(model, small_data().train, batch_size=4, batches=2)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in model.modules())
    assert norm.momentum == 0.3
    assert norm.num_batches_tracked == 2
    for name, value in model.named_parameters():
        assert torch.equal(value, before[name])


def test_recalibration_needs_a_full_batch() -> None:
    """Of 29 examples none of 30 can be made."""
    with pytest.raises(InputError, match="29 examples make no batch of 30; choose a smaller one"):
        recalibrate(small_model(), small_data().train, batch_size=30)


def test_an_evaluation_knows_its_share() -> None:
    """3 of 4 are 75 %."""
    assert Evaluation(0.5, 3, 4).accuracy == 0.75
