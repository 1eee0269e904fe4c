"""Learned thresholds: four independent oracles for values and gradients."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mpsolve.training import Grid, TqtQuantiser, fake_quantise, normalise_gradients
from mpsolve.training.quantisers.normed_gradient import NormedGradient
from mpsolve.training.quantisers.tqt import quantise
from tests.training.support import GRIDS, SEEDS, assert_close, away_from_ties, normal

THRESHOLDS = st.floats(0.2, 4)


def gradients(value: Tensor, *of: Tensor, seed: int = 9) -> tuple[Tensor, ...]:
    """The gradients of a random projection of a value."""
    return torch.autograd.grad((value * normal(*value.shape, seed=seed).to(value)).sum(), of)


def by_autograd(x: Tensor, log2_threshold: Tensor, grid: Grid) -> Tensor:
    """Fake quantisation in elementary operations, only the rounding straight through."""
    scale = 2**log2_threshold * ((2 / 2**grid.bits) if grid.signed else 1 / (2**grid.bits - 1))
    steps = x / scale
    codes = steps + (steps.round() - steps).detach()
    return scale * codes.clamp(grid.lowest, grid.highest)


@settings(deadline=None)
@given(GRIDS, SEEDS, THRESHOLDS)
def test_as_autograd_of_a_straight_through_formulation(
    grid: Grid, seed: int, threshold: float
) -> None:
    """Values and both gradients are those of elementary operations."""
    x = normal(200, seed=seed, dtype=torch.float64).requires_grad_()
    theta = torch.tensor(threshold, dtype=torch.float64).log2().requires_grad_()
    value, expected = quantise(x, theta.exp2(), grid), by_autograd(x, theta, grid)
    assert_close(value.detach(), expected.detach(), 1e-12)
    for ours, theirs in zip(gradients(value, x, theta), gradients(expected, x, theta), strict=True):
        assert_close(ours, theirs, 1e-9)


@settings(deadline=None)
@given(GRIDS, SEEDS, THRESHOLDS)
def test_as_torch_for_one_threshold(grid: Grid, seed: int, threshold: float) -> None:
    """The gradient is s ln 2 times that of torch's learnable scale."""
    x = normal(400, seed=seed)
    x = x[away_from_ties(x, grid.scale(threshold))].requires_grad_()
    theta = torch.tensor(threshold).log2().requires_grad_()
    scale = grid.scale(theta.detach().exp2()).reshape(1).requires_grad_()
    theirs = torch._fake_quantize_learnable_per_tensor_affine(  # noqa: SLF001
        x, scale, torch.zeros(1), grid.lowest, grid.highest, 1.0
    )
    value = quantise(x, theta.exp2(), grid)
    assert_close(value.detach(), theirs.detach())
    for_x, for_theta = gradients(value, x, theta)
    their_x, for_scale = gradients(theirs, x, scale)
    assert_close(for_x, their_x)
    # The terms may cancel, so that their sum is judged by their size, at most t each.
    error = for_theta - scale.detach()[0] * math.log(2) * for_scale[0]
    assert abs(error.item()) <= 1e-6 * threshold * normal(len(x), seed=9).abs().sum().item()


@settings(deadline=None)
@given(GRIDS, SEEDS)
def test_as_torch_for_thresholds_per_channel(grid: Grid, seed: int) -> None:
    """The same for a threshold of its own for every value, so that no terms are summed."""
    x = normal(200, 1, seed=seed).requires_grad_()
    theta = torch.linspace(-2, 2, 200).requires_grad_()
    scale = grid.scale(theta.detach().exp2()).requires_grad_()
    theirs = torch._fake_quantize_learnable_per_channel_affine(  # noqa: SLF001
        x, scale, torch.zeros(200), 0, grid.lowest, grid.highest, 1.0
    )
    value = quantise(x, theta.exp2(), grid)
    clear = away_from_ties(x, scale.detach().reshape(-1, 1))[:, 0]
    assert_close(value.detach()[clear], theirs.detach()[clear])
    (for_theta,), (for_scale,) = gradients(value, theta), gradients(theirs, scale)
    expected = scale.detach() * math.log(2) * for_scale
    assert_close(for_theta[clear], expected[clear], 1e-6)


def brevitas_quantiser(bits: int, signed: bool, threshold: Tensor, power_of_two: bool) -> nn.Module:
    """What brevitas makes of the same description; its scale is learned as a base-2 logarithm.

    `TensorClamp` stops the gradients of clipped values as TQT does; `TensorClampSte` would not.
    """
    from brevitas.core.bit_width import BitWidthConst
    from brevitas.core.function_wrapper import CeilSte, RoundSte, TensorClamp
    from brevitas.core.quant import IntQuant, RescalingIntQuant
    from brevitas.core.restrict_val import LogFloatRestrictValue, PowerOfTwoRestrictValue
    from brevitas.core.scaling import IntScaling, ParameterScaling, PowerOfTwoIntScaling
    from brevitas.core.zero_point import ZeroZeroPoint

    restriction = PowerOfTwoRestrictValue(CeilSte()) if power_of_two else LogFloatRestrictValue()
    return RescalingIntQuant(
        int_quant=IntQuant(
            narrow_range=False,
            signed=signed,
            input_view_impl=nn.Identity(),
            float_to_int_impl=RoundSte(),
            tensor_clamp_impl=TensorClamp(),
        ),
        scaling_impl=ParameterScaling(
            threshold, tuple(threshold.shape) or None, restrict_scaling_impl=restriction
        ),
        int_scaling_impl=PowerOfTwoIntScaling(signed)
        if power_of_two
        else IntScaling(signed=signed, narrow_range=False),
        zero_point_impl=ZeroZeroPoint(),
        bit_width_impl=BitWidthConst(bits),
    )


@pytest.mark.parametrize("power_of_two", [False, True])
@pytest.mark.parametrize("channels", [None, 5])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_as_brevitas(bits: int, signed: bool, channels: int | None, power_of_two: bool) -> None:
    """Values, and gradients for values and for the logarithms of thresholds, are those of brevitas.

    Without the ceiling of the original and with it.
    """
    threshold = torch.tensor(1.3) if channels is None else torch.linspace(0.3, 3.1, channels)
    shape = (1000,) if channels is None else (channels, 200)
    along = threshold.reshape(-1, *[1] * (len(shape) - 1)) if channels else threshold
    theirs = brevitas_quantiser(bits, signed, along, power_of_two)
    ours = TqtQuantiser(
        bits, signed, channels=channels, threshold=threshold, power_of_two=power_of_two
    )
    (their_theta,) = theirs.parameters()
    assert_close(ours.log2_threshold, their_theta.reshape(ours.log2_threshold.shape))
    x = normal(*shape, seed=1).requires_grad_()
    value, expected = ours(x), theirs(x)[0]
    assert_close(value, expected)
    for_x, for_theta = gradients(value, x, ours.log2_threshold)
    their_x, for_their_theta = gradients(expected, x, their_theta)
    assert_close(for_x, their_x)
    assert_close(for_theta, for_their_theta.reshape(for_theta.shape), 1e-5)


def test_gradient_by_hand() -> None:
    """2 bits, signed, t = 2, so s = 1 and codes -2 to 1: below, in and above the range."""
    x = torch.tensor([-9.0, 0.25, 9.0], requires_grad=True)
    theta = torch.tensor(1.0, requires_grad=True)
    quantise(x, theta.exp2(), Grid(2, True)).sum().backward()
    assert x.grad is not None
    assert theta.grad is not None
    assert x.grad.tolist() == [0, 1, 0]
    assert theta.grad.item() == pytest.approx(math.log(2) * (-2 + (0 - 0.25) + 1))


@settings(deadline=None)
@given(GRIDS, SEEDS, THRESHOLDS)
def test_the_value_is_that_of_the_fixed_quantiser(grid: Grid, seed: int, threshold: float) -> None:
    """Learning a threshold changes gradients, not values."""
    x = normal(100, seed=seed)
    t = torch.tensor(threshold)
    assert torch.equal(quantise(x, t, grid), fake_quantise(x, t, grid))


@pytest.mark.parametrize(
    ("threshold", "scales"), [(5.0, (1.0, 0.5)), (4.0, (0.5, 0.25)), (0.3, (0.0625, 0.03125))]
)
def test_powers_of_two(threshold: float, scales: tuple[float, float]) -> None:
    """The original: 2^ceil(log2 t) / 2^(b-1), and / 2^b without a sign; here for 4 bits."""
    for signed, scale in zip((True, False), scales, strict=True):
        quantiser = TqtQuantiser(4, signed, threshold=threshold, power_of_two=True)
        assert quantiser.scale_for(torch.zeros(1)).item() == scale


@pytest.mark.parametrize("signed", [True, False])
def test_the_gradient_passes_the_ceiling(signed: bool) -> None:
    """TQT takes the derivative of the ceiling as one: s ln 2 times that of torch's scale."""
    quantiser = TqtQuantiser(4, signed, threshold=1.3, power_of_two=True)
    x = normal(100)
    scale = quantiser.scale_for(x).reshape(1).requires_grad_()
    grid = quantiser.grid
    theirs = torch._fake_quantize_learnable_per_tensor_affine(  # noqa: SLF001
        x, scale, torch.zeros(1), grid.lowest, grid.highest, 1.0
    )
    (ours,) = gradients(quantiser(x), quantiser.log2_threshold)
    (for_scale,) = gradients(theirs, scale)
    assert_close(ours, scale.detach()[0] * math.log(2) * for_scale[0], 1e-5)


def test_learning_finds_the_threshold_of_least_error() -> None:
    """Gradient descent on the square error ends where a grid search over thresholds does."""
    x = normal(4000, seed=3)
    quantiser = TqtQuantiser(4, True, threshold=6.0)
    optimiser = torch.optim.Adam(quantiser.parameters(), lr=0.02)
    for _ in range(300):
        optimiser.zero_grad()
        (quantiser(x) - x).square().mean().backward()
        optimiser.step()
    errors = {
        t: float((fake_quantise(x, torch.tensor(t), Grid(4, True)) - x).square().mean())
        for t in torch.arange(1, 6, 0.01).tolist()
    }
    best = min(errors, key=lambda t: errors[t])
    assert quantiser.threshold_for(x).item() == pytest.approx(best, rel=0.05)


def test_a_dead_channel_stays_finite() -> None:
    """A channel of zeros gets a finite logarithm and a gradient of zero."""
    w = torch.zeros(2, 3, requires_grad=True)
    quantiser = TqtQuantiser(8, True, channels=2)
    quantiser.initialise(w)
    quantiser(w).sum().backward()
    assert bool(quantiser.log2_threshold.isfinite().all())
    assert quantiser.log2_threshold.grad is not None
    assert quantiser.log2_threshold.grad.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_frozen_threshold_does_not_move(name: str) -> None:
    """Not even by the momentum that it had."""
    quantiser = TqtQuantiser(4, True)
    optimiser: torch.optim.Optimizer = torch.optim.Adam(quantiser.parameters(), lr=0.1)
    if name == "SGD":
        optimiser = torch.optim.SGD(quantiser.parameters(), lr=0.1, momentum=0.9)
    x = normal(50)
    for _ in range(3):
        quantiser(x).square().sum().backward()
        optimiser.step()
    quantiser.freeze()
    before = quantiser.log2_threshold.clone()
    quantiser(x.requires_grad_()).square().sum().backward()
    optimiser.step()
    assert torch.equal(quantiser.log2_threshold, before)


def test_a_fixed_threshold_has_no_gradient() -> None:
    """``learned=False`` leaves the parameter alone."""
    quantiser = TqtQuantiser(4, True, learned=False)
    quantiser(normal(9).requires_grad_()).sum().backward()
    assert quantiser.log2_threshold.grad is None


def test_normed_gradient_by_hand() -> None:
    """v^ is 1, then (0.9 * 0.1 * 1 + 0.1 * 9) / 0.19: the root mean square of the past."""
    normed = NormedGradient(bounded=False)
    assert normed(torch.tensor(1.0)).item() == pytest.approx(1 / (1 + 1e-5), rel=1e-6)
    second = 3 / (math.sqrt(0.99 / 0.19) + 1e-5)
    assert normed(torch.tensor(3.0)).item() == pytest.approx(second, rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8))
def test_normed_gradients_are_bounded_and_keep_their_sign(values: list[float]) -> None:
    """Whatever the scale of the loss, a step is at most the learning rate."""
    normed = NormedGradient((1,))
    for value in values:
        out = normed(torch.tensor([value])).item()
        assert abs(out) <= 1
        assert out * value >= 0


def test_normed_gradients_are_applied_once_per_step() -> None:
    """Gradients of several passes are summed first, and a shared threshold is normed once."""
    one, other = (TqtQuantiser(4, True, normed=True) for _ in range(2))
    other.log2_threshold = one.log2_threshold
    model = nn.ModuleList([one, other, TqtQuantiser(4, True)])
    for quantiser in (one, one, other, model[2]):
        quantiser(normal(20)).sum().backward()
    assert one.log2_threshold.grad is not None
    total = one.log2_threshold.grad.item()
    plain = [p.grad for p in model[2].parameters()]
    normalise_gradients(model)
    assert one.normed_gradient is not None
    assert other.normed_gradient is not None
    assert (one.normed_gradient.steps.item(), other.normed_gradient.steps.item()) == (1, 0)
    assert one.log2_threshold.grad.item() == pytest.approx(
        math.tanh(total / (abs(total) + 1e-5)), rel=1e-5
    )
    assert [p.grad for p in model[2].parameters()] == plain


def test_training_resumes_in_every_bit() -> None:
    """The state dictionaries of model and optimiser hold all that the next step depends on."""

    def new() -> tuple[TqtQuantiser, torch.optim.Optimizer]:
        quantiser = TqtQuantiser(4, True, channels=3, normed=True)
        return quantiser, torch.optim.SGD(quantiser.parameters(), lr=0.01, momentum=0.9)

    def train(quantiser: TqtQuantiser, optimiser: torch.optim.Optimizer, seed: int) -> None:
        optimiser.zero_grad()
        quantiser(normal(3, 20, seed=seed)).square().sum().backward()
        normalise_gradients(quantiser)
        optimiser.step()

    whole, first, second = new(), new(), new()
    for seed in range(6):
        train(*whole, seed)
    for seed in range(3):
        train(*first, seed)
    second[0].load_state_dict(first[0].state_dict())
    second[1].load_state_dict(first[1].state_dict())
    for seed in range(3, 6):
        train(*second, seed)
    assert torch.equal(second[0].log2_threshold, whole[0].log2_threshold)
