"""The mixture of EdMIPS against sums written out and its limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mpsolve.training import EdmipsQuantiser, Grid, Mixture, UniformQuantiser, fake_quantise
from tests.training.support import assert_close, normal


def mixture_of(*alpha: float) -> Mixture:
    """A mixture of 2, 4 and 8 bits with these parameters."""
    mixture = Mixture()
    with torch.no_grad():
        mixture.alpha.copy_(torch.tensor(alpha))
    return mixture


def test_a_new_mixture_is_even() -> None:
    """Parameters begin at 0.01, probabilities at a third, and the fewest bits win the tie."""
    mixture = Mixture()
    assert mixture.alpha.tolist() == pytest.approx([0.01] * 3)
    assert mixture.probabilities().tolist() == pytest.approx([1 / 3] * 3)
    assert mixture.mean(torch.tensor([2, 4, 8])).item() == pytest.approx(14 / 3)
    assert mixture.bits() == 2


@pytest.mark.parametrize("signed", [True, False])
def test_the_mixture_written_out(signed: bool) -> None:
    """sum_j softmax(alpha)_j Q_j(x), and its gradients for alpha in closed form."""
    mixture = mixture_of(0.3, -0.5, 1.0)
    quantiser = EdmipsQuantiser(mixture, signed, threshold=2.0)
    x, weights = normal(50), normal(50, seed=1)
    branches = torch.stack(
        [fake_quantise(x, torch.tensor(2.0), Grid(bits, signed)) for bits in (2, 4, 8)]
    )
    p = np.exp([0.3, -0.5, 1.0])
    p /= p.sum()
    value = quantiser(x)
    assert_close(value.detach(), p @ branches.double().numpy())
    (value * weights).sum().backward()
    projected = (branches * weights).sum(1).double().numpy()
    assert mixture.alpha.grad is not None
    assert_close(mixture.alpha.grad, p * (projected - p @ projected), 1e-5)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_certain_mixture_is_the_fixed_quantiser(index: int) -> None:
    """In values, in gradients for the weights, in bits and in evaluation."""
    mixture = mixture_of(*(60.0 * (i == index) for i in range(3)))
    bits = (2, 4, 8)[index]
    quantiser, fixed = (
        EdmipsQuantiser(mixture, True, channels=3),
        UniformQuantiser(bits, True, channels=3),
    )
    grads = []
    w = normal(3, 40)
    for module in (quantiser, fixed):
        leaf = w.clone().requires_grad_()
        (module(leaf) * normal(3, 40, seed=2)).sum().backward()
        grads.append(leaf.grad)
    assert_close(quantiser(w).detach(), fixed(w))
    assert grads[0] is not None
    assert grads[1] is not None
    assert_close(grads[0], grads[1])
    assert mixture.bits() == quantiser.grid.bits == bits
    assert torch.equal(quantiser.eval()(w), fixed(w))
