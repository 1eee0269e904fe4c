"""Quadratic losses and linear networks, where every metric has a formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import log_softmax

from mpsolve.training.sensitivity.gradient import Gradient
from mpsolve.training.sensitivity.hessian import Hessian
from mpsolve.training.sensitivity.kl import Kl
from mpsolve.training.sensitivity.linearity import Linearity
from mpsolve.training.sensitivity.loss import LossIncrease
from mpsolve.training.sensitivity.mse import Mse
from mpsolve.training.sensitivity.operand import Operand
from mpsolve.training.sensitivity.taylor import Taylor
from tests.training.sensitivity.handmade import (
    convolutional,
    examples,
    images,
    linear,
    rounded,
    rounded_weight,
)
from tests.training.support import SEEDS, normal

WEIGHTS = Operand("layer0", "weight")
ACTIVATIONS = Operand("layer0", "activation")
WEIGHT = normal(3, 4, seed=5, dtype=torch.float64)
INPUTS = normal(30, 4, seed=6, dtype=torch.float64)
TARGETS = normal(30, 3, seed=7, dtype=torch.float64)


def half_squares(scores: Tensor, targets: Tensor) -> Tensor:
    """Quadratic in the weights: its second-order expansion is exact."""
    return (scores - targets).square().sum(1) / 2


DATA = examples(INPUTS, TARGETS, half_squares)


def quadratic(weight: Tensor, inputs: Tensor = INPUTS) -> float:
    return float((inputs @ weight.T - TARGETS).square().sum(1).mean() / 2)


@pytest.mark.parametrize("bits", [2, 3, 8])
@pytest.mark.parametrize("metric", [Taylor(), LossIncrease()])
def test_a_quadratic_loss_increases_as_expanded(metric: Taylor | LossIncrease, bits: int) -> None:
    """For weights and for activations, whatever the perturbation."""
    base = quadratic(WEIGHT)
    (weights,) = metric.measure(linear(WEIGHT), DATA, WEIGHTS, (bits,))
    assert np.isclose(weights.value, quadratic(rounded_weight(WEIGHT, bits)) - base, atol=1e-12)
    (inputs,) = metric.measure(linear(WEIGHT), DATA, ACTIVATIONS, (bits,))
    moved = rounded(INPUTS, 4.0, bits)
    assert np.isclose(inputs.value, quadratic(WEIGHT, moved) - base, atol=1e-12)


def test_a_loss_without_curvature_has_its_slope_alone() -> None:
    """The Hessian of a linear loss is 0, and so is its trace."""
    data = examples(INPUTS, TARGETS, lambda scores, targets: (scores * targets).sum(1))
    (taylor,) = Taylor().measure(linear(WEIGHT), data, WEIGHTS, (3,))
    delta = rounded_weight(WEIGHT, 3) - WEIGHT
    slope = float(((INPUTS @ delta.T) * TARGETS).sum(1).mean())
    assert np.isclose(taylor.value, slope, rtol=1e-12)
    (hessian,) = Hessian().measure(linear(WEIGHT), data, WEIGHTS, (3,))
    assert (hessian.value, hessian.error) == (0.0, 0.0)


def test_the_trace_of_a_quadratic_loss_is_that_of_the_second_moments() -> None:
    """Tr(H) = outputs x mean |x|^2."""
    trace = 3 * float(INPUTS.square().sum(1).mean())
    probes = Hessian(0.0, 500, 500).probes(linear(WEIGHT), DATA, WEIGHTS)
    assert abs(probes.mean() - trace) < 4 * probes.std(ddof=1) / 500**0.5


def test_alpha_is_half_the_trace_times_the_square_of_the_weights() -> None:
    """alpha = Tr(H) |w|^2 / (2 n), within four of the stated errors."""
    metric = Linearity(repeats=60)
    trace = 3 * float(INPUTS.square().sum(1).mean())
    alpha = trace * float(WEIGHT.square().sum()) / (2 * 12)
    found = metric.coefficient(linear(WEIGHT), DATA, WEIGHTS)
    assert abs(found.value - alpha) < 4 * found.error < 0.3 * alpha
    (sensitivity,) = metric.measure(linear(WEIGHT), DATA, WEIGHTS, (3,))
    squares = (rounded_weight(WEIGHT, 3) - WEIGHT).square().sum() / WEIGHT.square().sum()
    assert np.isclose(sensitivity.value, found.value * float(squares), rtol=1e-12)
    assert np.isclose(sensitivity.error, found.error * float(squares), rtol=1e-12)


def test_alpha_of_activations_is_a_mean_over_the_examples() -> None:
    """H = W'W for every example, and the noise is as strong as a mean square of the batch."""
    found = Linearity(repeats=60).coefficient(linear(WEIGHT), DATA, ACTIVATIONS)
    trace = float(WEIGHT.square().sum())
    alpha = trace * sum(float(x.square().mean()) * len(x) for x, _ in DATA.batches) / 30 / 2
    assert abs(found.value - alpha) < 4 * found.error < 0.2 * alpha


@pytest.mark.parametrize("bits", [3, 4, 5])
def test_uniform_inputs_have_an_error_of_a_twelfth_of_the_squared_scale(bits: int) -> None:
    """Through a layer that copies them, as they are themselves; none is clipped."""
    generator = torch.Generator().manual_seed(0)
    scale = 4 / 2 ** (bits - 1)
    inputs = (torch.rand(2000, 4, generator=generator, dtype=torch.float64) * 2 - 1) * (4 - scale)
    model = linear(torch.eye(4, dtype=torch.float64))
    data = examples(inputs, torch.zeros(2000))
    expected = scale**2 / 12 / ((4 - scale) ** 2 / 3)
    for of in ("output", "operand"):
        metric = Mse(of)
        (found,) = metric.measure(model, data, ACTIVATIONS, (bits,))
        assert abs(found.value - expected) < 4 * found.error < 0.1 * expected


def test_the_error_of_outputs_is_relative() -> None:
    """|x dW'|^2 / |x W'|^2 over all examples; that of the weights is |dW|^2 / |W|^2, exactly."""
    delta = rounded_weight(WEIGHT, 3) - WEIGHT
    (outputs,) = Mse().measure(linear(WEIGHT), DATA, WEIGHTS, (3,))
    expected = (INPUTS @ delta.T).square().sum() / (INPUTS @ WEIGHT.T).square().sum()
    assert np.isclose(outputs.value, float(expected), rtol=1e-12)
    (own,) = Mse("operand").measure(linear(WEIGHT), DATA, WEIGHTS, (3,))
    assert np.isclose(own.value, float(delta.square().sum() / WEIGHT.square().sum()), rtol=1e-12)
    assert own.error == 0


def test_a_bias_belongs_to_the_outputs() -> None:
    """It makes them larger and not more wrong."""
    bias = normal(3, seed=8, dtype=torch.float64)
    delta = rounded_weight(WEIGHT, 3) - WEIGHT
    (outputs,) = Mse().measure(linear(WEIGHT, bias), DATA, WEIGHTS, (3,))
    expected = (INPUTS @ delta.T).square().sum() / (INPUTS @ WEIGHT.T + bias).square().sum()
    assert np.isclose(outputs.value, float(expected), rtol=1e-12)


def test_the_gradient_score_of_a_linear_model() -> None:
    """dL/dY is the residual, and the outputs move by x dW' or dx W'."""
    residual = INPUTS @ WEIGHT.T - TARGETS
    for operand, moved in (
        (WEIGHTS, INPUTS @ (rounded_weight(WEIGHT, 2) - WEIGHT).T),
        (ACTIVATIONS, (rounded(INPUTS, 4.0, 2) - INPUTS) @ WEIGHT.T),
    ):
        (found,) = Gradient().measure(linear(WEIGHT), DATA, operand, (2,))
        values = (residual * moved).square().sum(1)
        assert np.isclose(found.value, float(values.mean()), rtol=1e-12)
        assert np.isclose(found.error, float(values.std()) / 30**0.5, rtol=1e-12)


def test_more_bits_never_score_more() -> None:
    """Three errors of 2 bits cancel, -0.1 - 0.1 + 0.2; of 3 bits, -0.1 - 0.1 - 0.05, not."""
    weight = torch.tensor([[-1.0, 0.1, 0.1, 0.3]], dtype=torch.float64)
    data = examples(torch.ones_like(INPUTS), TARGETS[:, :1], half_squares)
    (alone,) = Gradient().measure(linear(weight), data, WEIGHTS, (3,))
    residual = -0.5 - TARGETS[:, 0]
    assert np.isclose(alone.value, 0.25**2 * float(residual.square().mean()), rtol=1e-12)
    three, two = Gradient().measure(linear(weight), data, WEIGHTS, (3, 2))
    assert three == two
    assert two.value == pytest.approx(0, abs=1e-15)


def test_the_divergence_is_that_of_the_definition() -> None:
    """Sum p (log p - log p_q), a mean over the examples."""
    (found,) = Kl().measure(linear(WEIGHT), DATA, WEIGHTS, (2,))
    exact = log_softmax(INPUTS @ WEIGHT.T, 1)
    quantised = log_softmax(INPUTS @ rounded_weight(WEIGHT, 2).T, 1)
    assert np.isclose(found.value, float((exact.exp() * (exact - quantised)).sum(1).mean()))


def test_what_quantisation_does_not_change_costs_nothing() -> None:
    """Weights and inputs on the grid: every metric is 0 but the average trace, which is too."""
    weight = torch.tensor([[-1.0, 0.5], [0.5, -1.0]], dtype=torch.float64)
    inputs = torch.tensor([[-4.0, 2.0], [2.0, 0.0], [0.0, -2.0]], dtype=torch.float64)
    data = examples(inputs, torch.tensor([0, 1, 1]))
    metrics = (Kl(), Taylor(), Mse(), Gradient(), Linearity(), LossIncrease(), Hessian())
    for metric in metrics:
        for operand in (WEIGHTS, ACTIVATIONS):
            (found,) = metric.measure(linear(weight), data, operand, (2,))
            assert found.value == pytest.approx(0, abs=1e-15)


@given(SEEDS, st.integers(2, 8), st.sampled_from(["layer0", "layer3", "layer7", "branch0"]))
@settings(max_examples=15, deadline=None)
def test_no_divergence_is_negative(seed: int, bits: int, layer: str) -> None:
    """Of any operand of any network."""
    for kind in ("weight", "activation"):
        operand = Operand(layer, kind)
        (found,) = Kl().measure(convolutional(seed % 1000), images(4, seed), operand, (bits,))
        assert found.value >= 0
