"""The quantiser of Bayesian Bits against direct quantisation and sums written out."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mpsolve import InputError
from mpsolve.training import (
    BayesianBitsQuantiser,
    Gates,
    Grid,
    bop_regulariser,
    fake_quantise,
    set_generator,
)
from mpsolve.training.quantisers.rounding import nearest
from mpsolve.training.search.bayesian_bits import differences, residuals
from mpsolve.training.search.layers import SearchedLayer
from tests.training.support import SEEDS, assert_close, away_from_ties, by_search, normal

if TYPE_CHECKING:
    from mpsolve.training.options import Decomposition

BOTH = pytest.mark.parametrize("decomposition", ["difference", "residual"])
HARD = pytest.mark.parametrize("bits", [2, 4, 8])


def decided(bits: int) -> Gates:
    """Gates that open and close with certainty."""
    gates = Gates()
    with torch.no_grad():
        gates.phi.copy_(torch.tensor([100.0 if bits >= b else -100.0 for b in (4, 8)]))
    return gates


class Given(Gates):
    """Gates whose draws are given."""

    def __init__(self, z: Tensor) -> None:
        super().__init__()
        self.z = z.requires_grad_()

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """What was given."""
        return self.z


@HARD
@pytest.mark.parametrize("signed", [True, False])
def test_hard_gates_quantise_directly_as_torch_does(bits: int, signed: bool) -> None:
    """With certain gates training and evaluation give torch's fake quantisation."""
    quantiser = BayesianBitsQuantiser.for_activations(decided(bits), signed, threshold=4.0)
    x = normal(6, 50) * 3
    scale = 8 / 2**bits if signed else 4 / (2**bits - 1)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    expected = torch.fake_quantize_per_tensor_affine(x, scale, 0, low, high)
    clear = away_from_ties(x, scale)
    assert_close(quantiser(x)[clear], expected[clear])
    assert torch.equal(quantiser.eval()(x)[clear], expected[clear])


@HARD
def test_hard_gates_quantise_weights_per_channel_as_torch_does(bits: int) -> None:
    """The same for weights at the largest magnitude of every channel."""
    quantiser = BayesianBitsQuantiser.for_weights(decided(bits), 5)
    w = normal(5, 3, 3, 3)
    scale = w.abs().amax((1, 2, 3)) * 2 / 2**bits
    expected = torch.fake_quantize_per_channel_affine(
        w, scale, torch.zeros(5), 0, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    )
    clear = away_from_ties(w, scale.reshape(5, 1, 1, 1))
    assert_close(quantiser(w)[clear], expected[clear])
    assert torch.equal(quantiser.eval()(w)[clear], expected[clear])


@settings(deadline=None)
@given(st.booleans(), SEEDS, st.floats(0.1, 10), st.sampled_from([(2, 4, 8), (1, 2, 4), (4, 8)]))
def test_residuals_add_up_to_direct_quantisation(
    signed: bool, seed: int, threshold: float, precisions: tuple[int, ...]
) -> None:
    """After every residual the sum is the nearest value of that grid, away from ties."""
    if signed and precisions[0] == 1:
        precisions = precisions[1:]
    grids = [Grid(bits, signed, odd=signed) for bits in precisions]
    t = torch.tensor(threshold, dtype=torch.float64)
    x = normal(300, seed=seed, dtype=torch.float64) * threshold
    lowest, errors = residuals(x, t, grids)
    for k, grid in enumerate(grids):
        direct = nearest(x, t, grid)
        clear = away_from_ties(x, grid.scale(t))
        clear &= away_from_ties(x, grids[0].scale(t))
        clear |= x.abs() > t
        assert_close((lowest + sum(errors[:k]))[clear], direct[clear], 1e-9)


def test_residuals_stay_on_the_grid_at_the_ends_of_the_range() -> None:
    """At -t, t and beyond the codes are the outermost ones, -1.5 does not become -2."""
    t = torch.tensor(0.7)
    x = torch.tensor([-9.0, -0.7, 0.7, 9.0])
    for signed, outermost in ((True, [-127, -127, 127, 127]), (False, [0, 0, 255, 255])):
        grids = [Grid(bits, signed, odd=signed) for bits in (2, 4, 8)]
        lowest, errors = residuals(x, t, grids)
        codes = (lowest + errors[0] + errors[1]) / grids[-1].scale(t)
        assert codes.tolist() == pytest.approx(outermost, rel=1e-5)


@BOTH
@settings(deadline=None)
@given(st.booleans(), SEEDS, st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2))
def test_the_gated_sum_written_out(
    decomposition: Decomposition, signed: bool, seed: int, gates: list[float]
) -> None:
    """x2 + z4 e4 + z4 z8 e8, with errors from a search over all codes."""
    z4, z8 = gates
    quantiser = BayesianBitsQuantiser(
        Given(torch.tensor(gates)), signed, threshold=2.0, decomposition=decomposition
    )
    x = normal(20, seed=seed)
    odd = signed and decomposition == "residual"
    expected = []
    for value in x.tolist():
        q2, q4, q8 = (
            by_search(value, 2.0, b, signed, odd) * Grid(b, signed, odd).scale(2.0)
            for b in (2, 4, 8)
        )
        expected.append(q2 + z4 * (q4 - q2) + z4 * z8 * (q8 - q4))
    assert_close(quantiser(x).detach(), torch.tensor(expected), 1e-5)


@BOTH
@pytest.mark.parametrize("signed", [True, False])
def test_gradients(decomposition: Decomposition, signed: bool) -> None:
    """A gate gets the errors it admits; x a one where 8 bits do not clip; the threshold nothing."""
    z = torch.tensor([0.6, 0.3])
    quantiser = BayesianBitsQuantiser(Given(z), signed, threshold=2.0, decomposition=decomposition)
    decompose = differences if decomposition == "difference" else residuals
    x = torch.tensor([-2.5, -1.9, -0.3, 0.4, 1.2, 1.9, 2.5], requires_grad=True)
    _, (e4, e8) = decompose(x.detach(), torch.tensor(2.0), quantiser.grids)
    weights = normal(7)
    (quantiser(x) * weights).sum().backward()
    assert x.grad is not None
    assert z.grad is not None
    inside = (x.detach().abs() < 2) & (signed | (x.detach() > 0))
    assert torch.equal(x.grad, weights * inside)
    expected = torch.stack([(weights * (e4 + z[1] * e8)).sum(), (weights * z[0] * e8).sum()])
    assert_close(z.grad, expected.detach(), 1e-5)
    assert quantiser.threshold is not None
    assert not quantiser.threshold.requires_grad


def test_large_weights_keep_their_gradient_at_two_bits() -> None:
    """The lowest precision clips above t / 2, the gradient does not."""
    quantiser = BayesianBitsQuantiser.for_weights(decided(2))
    w = torch.tensor([-1.0, 0.6, 0.9], requires_grad=True)
    quantiser(w).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [1, 1, 1]


def test_thresholds_of_weights_follow_them_without_gradient() -> None:
    """max |w| of the tensor at hand; the largest weight gets the gradient of any other."""
    w = normal(3, 8).requires_grad_()
    quantiser = BayesianBitsQuantiser.for_weights(decided(8), 3)
    quantiser(w).sum().backward()
    assert not quantiser.threshold_for(w).requires_grad
    assert w.grad is not None
    top = w.detach() == w.detach().amax(1, keepdim=True)
    clipped = top & (w.detach() == w.detach().abs().amax(1, keepdim=True))  # t itself is no code
    assert torch.equal(w.grad, (~clipped).float())


def test_one_draw_per_tensor_for_weights_and_per_element_for_activations() -> None:
    """The part of the error that is admitted is one number for weights, one per element else."""
    torch.manual_seed(0)
    x = torch.full((6, 5), 1.6)
    weights = BayesianBitsQuantiser(Gates(initial=0.0), True, threshold=4.0)
    activations = BayesianBitsQuantiser.for_activations(Gates(initial=0.0), True, threshold=4.0)
    assert len(weights(x).unique()) == 1
    rows = activations(x)
    assert all(len(row.unique()) == 1 for row in rows)
    assert len(rows.unique()) > 2


def test_training_draws_and_evaluation_does_not() -> None:
    """Equal seeds give equal outputs; evaluation is the same every time."""
    quantiser = BayesianBitsQuantiser.for_activations(Gates(initial=0.0))
    x = normal(4, 10)
    set_generator(nn.Sequential(quantiser), torch.Generator().manual_seed(1))
    first, second = quantiser(x), quantiser(x)
    assert not torch.equal(first, second)
    set_generator(quantiser, torch.Generator().manual_seed(1))
    assert torch.equal(quantiser(x), first)
    twin = copy.deepcopy(quantiser)
    assert torch.equal(twin(x), second)
    quantiser.eval()
    assert torch.equal(quantiser(x), quantiser(x))
    assert torch.equal(quantiser(x), fake_quantise(x, torch.tensor(6.0), quantiser.grid))


def test_a_search_resumes_in_every_bit() -> None:
    """States of model, optimiser and generator are all that the next step depends on."""

    def new(seed: int) -> tuple[BayesianBitsQuantiser, torch.optim.Optimizer, torch.Generator]:
        quantiser = BayesianBitsQuantiser.for_activations(Gates(initial=0.0))
        generator = torch.Generator().manual_seed(seed)
        set_generator(quantiser, generator)
        return quantiser, torch.optim.Adam(quantiser.gates.parameters(), lr=0.1), generator

    def train(
        quantiser: BayesianBitsQuantiser,
        optimiser: torch.optim.Optimizer,
        generator: torch.Generator,
        step: int,
    ) -> None:
        optimiser.zero_grad()
        x = normal(5, 7, seed=step)
        (quantiser(x) - x).square().sum().backward()
        optimiser.step()

    whole, first, second = new(1), new(1), new(2)
    for step in range(6):
        train(*whole, step)
    for step in range(3):
        train(*first, step)
    second[0].load_state_dict(first[0].state_dict())
    second[1].load_state_dict(first[1].state_dict())
    second[2].set_state(first[2].get_state())
    for step in range(3, 6):
        train(*second, step)
    assert torch.equal(second[0].gates.phi, whole[0].gates.phi)


def test_locked_quantisers_have_one_parameter() -> None:
    """An activation and the weights of its two consumers share phi, also in copies and loads."""
    gates = Gates()
    model = nn.ModuleList(
        [
            BayesianBitsQuantiser.for_activations(gates),
            BayesianBitsQuantiser.for_weights(gates, 4),
            BayesianBitsQuantiser.for_weights(gates, 3),
        ]
    )
    twin = copy.deepcopy(model)
    for copied in (model, twin):
        phis = {id(q.gates.phi) for q in copied if isinstance(q, BayesianBitsQuantiser)}
        assert len(phis) == 1
        assert [*map(id, copied.parameters())] == [*phis]
    with torch.no_grad():
        gates.phi.copy_(torch.tensor([3.0, -3.0]))
    twin.load_state_dict(model.state_dict())
    assert [q.grid.bits for q in twin if isinstance(q, BayesianBitsQuantiser)] == [4, 4, 4]


def test_locked_layers_feel_both_terms_of_the_regulariser() -> None:
    """The gradient is twice that of the weights alone."""
    shared, alone = Gates(), Gates()
    bop_regulariser([SearchedLayer("a", 5, shared, shared)]).backward()
    bop_regulariser([SearchedLayer("a", 5, Gates(), alone)]).backward()
    assert shared.phi.grad is not None
    assert alone.phi.grad is not None
    assert torch.equal(shared.phi.grad, 2 * alone.phi.grad)


def test_closed_gates_can_open_again() -> None:
    """The regulariser and the task still move gates far below the parameter at which they close."""
    gates = Gates(initial=-2.5)
    quantiser = BayesianBitsQuantiser.for_activations(gates)
    set_generator(quantiser, torch.Generator().manual_seed(0))
    x = torch.rand(2000, 4, generator=torch.Generator().manual_seed(1)) * 6
    (quantiser(x) - x).square().sum().backward()
    assert gates.phi.grad is not None
    assert gates.phi.grad[0] < 0


@pytest.mark.parametrize("precisions", list(itertools.combinations((2, 3, 4, 8), 3)))
def test_residuals_need_doubling_precisions(precisions: tuple[int, ...]) -> None:
    """Only there the grids nest; differences take any precisions."""
    gates = Gates(precisions)
    BayesianBitsQuantiser.for_weights(gates)
    if precisions == (2, 4, 8):
        BayesianBitsQuantiser.for_weights(gates, decomposition="residual")
        return
    with pytest.raises(InputError, match="precisions that double"):
        BayesianBitsQuantiser.for_weights(gates, decomposition="residual")


def test_impossible_options() -> None:
    """Unknown decompositions, and channels on the axis of the batch."""
    unknown: Any = "both"
    with pytest.raises(InputError, match="difference or residual"):
        BayesianBitsQuantiser(Gates(), True, decomposition=unknown)
    with pytest.raises(InputError, match="not both"):
        BayesianBitsQuantiser(Gates(), True, channels=3, per_element=True)
