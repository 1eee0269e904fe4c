"""Softmax regression, whose Hessian is known: ``(diag(p) - p p') (x) x x'``, a mean over x."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import softmax

from mpsolve.training.sensitivity.fisher import Fisher
from mpsolve.training.sensitivity.hessian import Hessian
from mpsolve.training.sensitivity.operand import Operand
from mpsolve.training.sensitivity.taylor import Taylor
from tests.training.sensitivity.handmade import examples, linear, rounded_weight
from tests.training.support import normal

INPUTS = normal(60, 5, dtype=torch.float64)
WEIGHT = normal(4, 5, seed=1, dtype=torch.float64)
TARGETS = torch.arange(60) % 4
DATA = examples(INPUTS, TARGETS)
WEIGHTS = Operand("layer0", "weight")
ACTIVATIONS = Operand("layer0", "activation")
BITS = (2, 4, 8)


def hessian(inputs: Tensor = INPUTS, weight: Tensor = WEIGHT) -> Tensor:
    """``(n, n)`` for n weights, written out."""
    p = softmax(inputs @ weight.T, 1)
    within = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    outer = inputs[:, :, None] * inputs[:, None, :]
    terms = within[:, :, None, :, None] * outer[:, None, :, None]
    return terms.mean(0).reshape(weight.numel(), weight.numel())


def mean_loss(weight: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(INPUTS @ weight.T, TARGETS)


def test_the_trace_has_a_closed_form() -> None:
    """Mean (1 - |p|^2) |x|^2 is the trace of the Hessian that torch computes, and of ours."""
    p = softmax(INPUTS @ WEIGHT.T, 1)
    closed = float(((1 - p.square().sum(1)) * INPUTS.square().sum(1)).mean())
    exact = torch.autograd.functional.hessian(mean_loss, WEIGHT).reshape(20, 20)
    assert np.isclose(closed, float(exact.trace()), rtol=1e-12)
    assert torch.allclose(exact, hessian(), atol=1e-12)


def test_hutchinson_finds_the_trace_with_the_stated_variance() -> None:
    """The mean lies within four errors; the variance is 2 (|H|^2 - sum of H_ii^2)."""
    h = hessian()
    variance = float(2 * (h.square().sum() - h.diagonal().square().sum()))
    count = 1000
    values = Hessian(0.0, count, count).probes(linear(WEIGHT), DATA, WEIGHTS)
    assert len(values) == count
    assert abs(values.mean() - float(h.trace())) < 4 * np.sqrt(variance / count)
    # The variance of a sample variance, bounded by the fourth moment of a sum of 190 terms.
    assert np.isclose(values.var(ddof=1), variance, rtol=0.25)


def test_every_probe_is_a_quadratic_form_of_the_hessian() -> None:
    """Four elements have eight different probes, and probes have no other values."""
    inputs = INPUTS[:, :2]
    weight = WEIGHT[:2, :2]
    h = hessian(inputs, weight)
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 4)
    forms = np.array([float(v @ h @ v) for v in signs])
    values = Hessian(0.0, 40, 40).probes(linear(weight), examples(inputs, TARGETS % 2), WEIGHTS)
    assert np.abs(values[:, None] - forms).min(1).max() < 1e-12
    assert len(np.unique(values.round(9))) > 2


def test_probes_stop_where_the_mean_rests() -> None:
    """At the first probe, from the least number on, that moves the mean by less than asked."""
    values = Hessian(0.0, 50, 50).probes(linear(WEIGHT), DATA, WEIGHTS)
    means = np.cumsum(values) / np.arange(1, 51)
    moves = np.abs(np.diff(means)) / np.abs(means[:-1])
    first = next(k for k in range(5, 51) if moves[k - 2] <= 0.01)
    stopped = Hessian(0.01, 5, 50).probes(linear(WEIGHT), DATA, WEIGHTS)
    np.testing.assert_array_equal(stopped, values[:first])


def test_hawq_is_the_average_trace_times_the_squared_perturbation() -> None:
    """Within four of the errors that it states itself."""
    found = Hessian(0.0, 400, 400).measure(linear(WEIGHT), DATA, WEIGHTS, BITS)
    for bits, sensitivity in zip(BITS, found, strict=True):
        square = float((rounded_weight(WEIGHT, bits) - WEIGHT).square().sum())
        expected = float(hessian().trace()) / 20 * square
        assert 0 < sensitivity.error < 0.1 * expected
        assert abs(sensitivity.value - expected) < 4 * sensitivity.error


def test_the_trace_of_activations_is_a_mean_over_the_examples() -> None:
    """H of one example is W' (diag(p) - p p') W; perturbations are clipped at the threshold 4."""
    p = softmax(INPUTS @ WEIGHT.T, 1)
    within = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    traces = torch.einsum("ki,nkl,li->n", WEIGHT, within, WEIGHT)
    scale = 4 / 2**3
    quantised = (INPUTS / scale).round().clamp(-8, 7) * scale
    square = float((quantised - INPUTS).square().sum(1).mean())
    (found,) = Hessian(0.0, 100, 100).measure(linear(WEIGHT), DATA, ACTIVATIONS, (4,))
    expected = float(traces.mean()) / 5 * square
    assert abs(found.value - expected) < 4 * found.error < 0.2 * expected


def test_the_expansion_is_that_of_the_known_derivatives() -> None:
    """g' d + d' H d / 2, and standard errors over the examples from each one's own."""
    (found,) = Taylor().measure(linear(WEIGHT), DATA, WEIGHTS, (3,))
    delta = rounded_weight(WEIGHT, 3) - WEIGHT
    p = softmax(INPUTS @ WEIGHT.T, 1)
    residual = p - torch.nn.functional.one_hot(TARGETS, 4)
    moved = INPUTS @ delta.T
    first = (residual * moved).sum(1)
    second = (p * moved.square()).sum(1) - (p * moved).sum(1).square()
    values = first + second / 2
    assert np.isclose(found.value, float(values.mean()), rtol=1e-12)
    assert np.isclose(found.error, float(values.std()) / 60**0.5, rtol=1e-12)


def test_the_expansion_predicts_the_measured_increase() -> None:
    """For small perturbations, and much better than the average trace does."""
    (found,) = Taylor().measure(linear(WEIGHT), DATA, WEIGHTS, (6,))
    increase = float(mean_loss(rounded_weight(WEIGHT, 6)) - mean_loss(WEIGHT))
    assert np.isclose(found.value, increase, rtol=0.01)


def test_the_expansion_of_activations_uses_each_example_alone() -> None:
    """The derivatives with respect to an input are W' (p - y) and W' (diag(p) - p p') W."""
    (found,) = Taylor().measure(linear(WEIGHT), DATA, ACTIVATIONS, (4,))
    scale = 4 / 2**3
    delta = (INPUTS / scale).round().clamp(-8, 7) * scale - INPUTS
    p = softmax(INPUTS @ WEIGHT.T, 1)
    moved = delta @ WEIGHT.T
    first = ((p - torch.nn.functional.one_hot(TARGETS, 4)) * moved).sum(1)
    second = (p * moved.square()).sum(1) - (p * moved).sum(1).square()
    assert np.isclose(found.value, float((first + second / 2).mean()), rtol=1e-12)


def test_the_fisher_information_is_empirical() -> None:
    """The gradient of an example is (p - y) x'; its squares meet those of the perturbation."""
    found = Fisher().measure(linear(WEIGHT), DATA, WEIGHTS, BITS)
    p = softmax(INPUTS @ WEIGHT.T, 1)
    gradients = (p - torch.nn.functional.one_hot(TARGETS, 4))[:, :, None] * INPUTS[:, None]
    for bits, sensitivity in zip(BITS, found, strict=True):
        delta = rounded_weight(WEIGHT, bits) - WEIGHT
        values = (gradients * delta).square().sum((1, 2))
        assert np.isclose(sensitivity.value, float(values.mean()), rtol=1e-12)
        assert np.isclose(sensitivity.error, float(values.std()) / 60**0.5, rtol=1e-12)


def test_the_fisher_information_of_activations_is_that_of_each_example() -> None:
    """The gradient with respect to an input is W' (p - y)."""
    (found,) = Fisher().measure(linear(WEIGHT), DATA, ACTIVATIONS, (3,))
    p = softmax(INPUTS @ WEIGHT.T, 1)
    gradients = (p - torch.nn.functional.one_hot(TARGETS, 4)) @ WEIGHT
    delta = (INPUTS / 1.0).round().clamp(-4, 3) - INPUTS
    values = (gradients * delta).square().sum(1)
    assert np.isclose(found.value, float(values.mean()), rtol=1e-12)


def test_gradients_do_not_reach_the_parameters() -> None:
    """Nor are parameters left without the wish for a gradient."""
    model = linear(WEIGHT)
    Taylor().measure(model, DATA, WEIGHTS, (4,))
    weight = model.named["layer0"].weight
    assert isinstance(weight, Tensor)
    assert weight.grad is None
    assert weight.requires_grad
    assert grad(model(INPUTS).sum(), weight)[0] is not None
