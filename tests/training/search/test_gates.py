"""Hard concrete gates against closed forms, Monte Carlo and plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.training import Gates, HardConcrete
from mpsolve.training.search.gates import QUALCOMM
from tests.training.support import SEEDS

FREE_BITS = HardConcrete()
LAWS = pytest.mark.parametrize("law", [FREE_BITS, QUALCOMM])
PARAMETERS = st.floats(-6, 6, width=32)


def gates_of(*phi: float, law: HardConcrete = FREE_BITS) -> Gates:
    """Gates with these parameters, for as many precisions 2, 4, 8, 16."""
    gates = Gates((2, 4, 8, 16)[: len(phi) + 1], law=law)
    with torch.no_grad():
        gates.phi.copy_(torch.tensor(phi))
    return gates


def test_constants() -> None:
    """The published figures for temperatures 1/2 and 2/3 at the first parameter 2."""
    assert FREE_BITS.shift == pytest.approx(-1.19895, abs=5e-6)
    assert QUALCOMM.shift == pytest.approx(-1.59860, abs=5e-6)
    assert FREE_BITS.least_on == pytest.approx(-0.535653, abs=5e-7)
    assert QUALCOMM.least_on == pytest.approx(-0.935303, abs=5e-7)
    two = torch.tensor(2.0)
    assert FREE_BITS.probability(two).item() == pytest.approx(0.960795, abs=5e-7)
    assert QUALCOMM.probability(two).item() == pytest.approx(0.973367, abs=5e-7)


@LAWS
@pytest.mark.parametrize(
    ("phi", "above", "one", "mean"),
    [(2.0, (0.960795, 0.973367), (0.6902, 0.5990), (0.867, 0.8575))],
)
def test_samples(
    law: HardConcrete,
    phi: float,
    above: tuple[float, float],
    one: tuple[float, float],
    mean: tuple[float, float],
) -> None:
    """The parts of samples above 0 and at 1, and their mean, as integrated in closed form."""
    index = law is QUALCOMM
    uniform = torch.rand(400_000, generator=torch.Generator().manual_seed(1))
    z = law.sample(torch.tensor(phi), uniform)
    error = 4 * 0.5 / math.sqrt(len(uniform))
    assert (z > 0).float().mean().item() == pytest.approx(above[index], abs=error)
    assert (z == 1).float().mean().item() == pytest.approx(one[index], abs=error)
    assert z.mean().item() == pytest.approx(mean[index], abs=error)


@settings(deadline=None, max_examples=20)
@given(st.floats(-4, 4), SEEDS)
def test_probability_is_the_frequency_of_samples_above_zero(phi: float, seed: int) -> None:
    """Monte Carlo with a margin of five standard deviations."""
    uniform = torch.rand(40_000, generator=torch.Generator().manual_seed(seed))
    for law in (FREE_BITS, QUALCOMM):
        frequency = (law.sample(torch.tensor(phi), uniform) > 0).double().mean().item()
        p = law.probability(torch.tensor(phi, dtype=torch.float64)).item()
        assert frequency == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / 40_000) + 1e-3)


@LAWS
def test_a_sample_is_the_formula(law: HardConcrete) -> None:
    """clip(sigmoid((ln(u / (1 - u)) + phi) / T) 1.2 - 0.1, 0, 1), in NumPy."""
    u, phi = np.linspace(0.01, 0.99, 99), np.linspace(-3, 3, 99)
    s = 1 / (1 + np.exp(-(np.log(u / (1 - u)) + phi) / law.temperature))
    z = law.sample(torch.from_numpy(phi), torch.from_numpy(u))
    np.testing.assert_allclose(z.numpy(), np.clip(1.2 * s - 0.1, 0, 1), atol=1e-12)


def test_the_ends_of_the_uniform_numbers_are_kept_off() -> None:
    """A draw of 0 or 1 gives finite gates with finite gradients."""
    phi = torch.zeros(2, requires_grad=True)
    z = FREE_BITS.sample(phi, torch.tensor([0.0, 1.0]))
    z.sum().backward()
    assert z.tolist() == [0.0, 1.0]
    assert phi.grad is not None
    assert bool(phi.grad.isfinite().all())


def test_the_gradient_of_a_sample_is_that_of_the_formula() -> None:
    """Finite differences inside, and zero where the clip saturates."""
    uniform = torch.linspace(0.001, 0.999, 201, dtype=torch.float64)
    phi = torch.zeros(201, dtype=torch.float64, requires_grad=True)
    z = FREE_BITS.sample(phi, uniform)
    z.sum().backward()
    step = 1e-6
    above, below = (FREE_BITS.sample(phi.detach() + d, uniform) for d in (step, -step))
    assert phi.grad is not None
    np.testing.assert_allclose(phi.grad.numpy(), ((above - below) / (2 * step)).numpy(), atol=1e-6)
    saturated = (z == 0) | (z == 1)
    assert 0 < int(saturated.sum()) < 201
    assert not phi.grad[saturated].any()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-2, 3, width=32), min_size=1, max_size=3))
def test_reach_is_the_mean_of_products_of_open_gates(phi: list[float]) -> None:
    """All gates up to one are open as often as the product of their probabilities says."""
    gates = gates_of(*phi)
    n = 20_000
    z = gates.sample((n,), torch.Generator().manual_seed(5))
    frequency = (z > 0).cumprod(0).double().mean(1)
    np.testing.assert_allclose(gates.reach().detach().numpy(), frequency.numpy(), atol=2.5 / n**0.5)


@settings(deadline=None)
@given(st.lists(PARAMETERS, min_size=0, max_size=3))
def test_probabilities_by_enumeration(phi: list[float]) -> None:
    """The probabilities of precisions are summed over all states of the gates."""
    gates = gates_of(*phi)
    q = [1 / (1 + math.exp(FREE_BITS.shift - p)) for p in phi]
    expected = [0.0] * (len(phi) + 1)
    for state in itertools.product((False, True), repeat=len(phi)):
        level = next((i for i, on in enumerate(state) if not on), len(state))
        expected[level] += math.prod(p if on else 1 - p for p, on in zip(q, state, strict=True))
    np.testing.assert_allclose(gates.probabilities().detach().numpy(), expected, atol=2e-6)
    mean = gates.mean(torch.tensor(gates.precisions)).item()
    bits = zip(gates.precisions, expected, strict=True)
    assert mean == pytest.approx(sum(b * p for b, p in bits), rel=1e-5)


@pytest.mark.parametrize("law", [FREE_BITS, QUALCOMM, HardConcrete(off=0.5)])
@pytest.mark.parametrize("states", [*itertools.product((False, True), repeat=3)])
def test_the_first_gate_that_is_off_ends_the_chain(
    law: HardConcrete, states: tuple[bool, ...]
) -> None:
    """Gates are on where P(z = 0) is below the limit; those behind one that is off do not count."""
    gates = gates_of(*(law.least_on + (1e-3 if on else -1e-3) for on in states), law=law)
    off = 1 - gates.law.probability(gates.phi)
    assert [bool(p < law.off) for p in off] == list(states)
    expected = 2
    for on, bits in zip(states, (4, 8, 16), strict=True):
        if not on:
            break
        expected = bits
    assert gates.bits() == expected


@settings(deadline=None)
@given(st.lists(PARAMETERS, min_size=1, max_size=3), st.data())
def test_more_certain_gates_never_take_bits_away(phi: list[float], data: st.DataObject) -> None:
    """The precision grows with every parameter."""
    higher = [data.draw(st.floats(p, 7, width=32)) for p in phi]
    assert gates_of(*higher).bits() >= gates_of(*phi).bits()


def test_a_new_set_of_gates_takes_all_bits() -> None:
    """Free Bits begins at phi = 2, which is on."""
    gates = Gates()
    assert gates.phi.tolist() == [2.0, 2.0]
    assert gates.precisions == (2, 4, 8)
    assert gates.bits() == 8


def test_a_single_precision_has_no_gates() -> None:
    """Nothing is left to decide."""
    gates = Gates((8,))
    assert gates.bits() == 8
    assert gates.sample((3,)).shape == (0, 3)
    assert gates.probabilities().tolist() == [1.0]


def test_draws_follow_the_generator() -> None:
    """Equal seeds give equal draws and leave torch's own generator alone."""
    gates = Gates()
    state = torch.get_rng_state()
    one, other = (gates.sample((4, 1), torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, other)
    assert one.shape == (2, 4, 1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(7)
    first = gates.sample((4,))
    torch.manual_seed(7)
    assert torch.equal(first, gates.sample((4,)))


@pytest.mark.parametrize("precisions", [(), (4, 2), (2, 2), (0, 2), (2.0, 4.0), (True, 4)])
def test_impossible_precisions(precisions: tuple[int, ...]) -> None:
    """Bit-widths are whole and increase."""
    with pytest.raises(InputError, match="whole bit-widths in increasing order"):
        Gates(precisions)


@pytest.mark.parametrize(
    "constants", [{"temperature": 0.0}, {"gamma": 0.1}, {"zeta": 1.0}, {"off": 1.0}]
)
def test_impossible_constants(constants: dict[str, float]) -> None:
    """The interval is stretched beyond both ends."""
    with pytest.raises(InputError, match="needs a temperature above 0"):
        HardConcrete(**constants)
