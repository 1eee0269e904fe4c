"""Regularisers against published figures, finite differences and enumeration."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.training import (
    Fixed,
    Gates,
    HardConcrete,
    Mixture,
    SearchedLayer,
    bop_regulariser,
    edmips_cost,
    expected_bops,
    expected_latency,
)
from mpsolve.training.search.extraction import relative_bops
from mpsolve.training.search.gates import QUALCOMM

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

PHI = st.floats(-4, 4, width=32)
MOBILENET = Path(__file__).parents[2] / "data" / "networks" / "mobilenet_v1_0.75_224.csv"


def gates_of(*phi: float) -> Gates:
    """Gates of 2, 4 and 8 bits with these parameters, in double precision."""
    gates = Gates().double()
    with torch.no_grad():
        gates.phi.copy_(torch.tensor(phi, dtype=torch.float64))
    return gates


def mixture_of(*alpha: float) -> Mixture:
    """A mixture of 2, 4 and 8 bits with these parameters, in double precision."""
    mixture = Mixture().double()
    with torch.no_grad():
        mixture.alpha.copy_(torch.tensor(alpha, dtype=torch.float64))
    return mixture


def opens(*phi: float) -> list[float]:
    """P(z > 0) of gates, written out."""
    return [1 / (1 + math.exp(0.5 * math.log(1 / 11) - p)) for p in phi]


@pytest.mark.parametrize(("law", "each"), [(HardConcrete(), 11.228190), (QUALCOMM, 11.473008)])
def test_mobilenet_at_the_start(law: HardConcrete, each: float) -> None:
    """MobileNetV1-0.75 at 224 x 224: 11.258995 and 10.977745 times the term of one set of gates."""
    with MOBILENET.open(encoding="utf-8", newline="") as file:
        macs = [int(row["macs"]) for row in csv.DictReader(file) if int(row["macs"])]
    layers = [
        SearchedLayer(str(i), m, Gates(law=law) if i else Fixed(8), Gates(law=law))
        for i, m in enumerate(macs)
    ]
    assert len(layers) == 28
    regulariser = bop_regulariser(layers).item()
    assert regulariser == pytest.approx((11.258995 + 10.977745) * each, rel=1e-6)
    if law.temperature == 0.5:
        assert regulariser == pytest.approx(249.678333, rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**6), *[PHI] * 4), min_size=1, max_size=4))
def test_the_regulariser_written_out(rows: list[tuple[float, ...]]) -> None:
    """4 q4 + 8 q4 q8 of the weights and of the input of every layer, by relative MACs."""
    layers, expected = [], 0.0
    most = max(macs for macs, *_ in rows)
    for i, (macs, *phi) in enumerate(rows):
        layers.append(SearchedLayer(str(i), macs, gates_of(*phi[:2]), gates_of(*phi[2:])))
        for pair in (phi[:2], phi[2:]):
            q4, q8 = opens(*pair)
            expected += macs / most * (4 * q4 + 8 * q4 * q8)
    assert bop_regulariser(layers).item() == pytest.approx(expected, rel=1e-12)


def test_an_activation_with_several_consumers_has_the_sum_of_their_terms() -> None:
    """Two layers of 10 and 5 million MACs read it: 1 + 1/2 times its term."""
    shared = gates_of(0.5, 1.0)
    weights = [gates_of(-9, -9), gates_of(-9, -9)]
    layers = [
        SearchedLayer("a", 10e6, shared, weights[0]),
        SearchedLayer("b", 5e6, shared, weights[1]),
    ]
    bop_regulariser(layers).backward()
    q4, q8 = opens(0.5, 1.0)
    slope = 1.5 * np.array([(4 * q4 + 8 * q4 * q8) * (1 - q4), 8 * q4 * q8 * (1 - q8)])
    assert shared.phi.grad is not None
    np.testing.assert_allclose(shared.phi.grad.numpy(), slope, rtol=1e-12)


def test_fixed_precisions_have_no_term() -> None:
    """The input of the network costs nothing that could be saved, but its layer sets the scale."""
    gates = gates_of(2, 2)
    layers = [
        SearchedLayer("first", 100, Fixed(8), Fixed(8)),
        SearchedLayer("second", 10, Fixed(8), gates),
    ]
    assert bop_regulariser(layers).item() == pytest.approx(1.1228190, abs=1e-6)
    assert bop_regulariser(layers[:1]).item() == 0


REGULARISERS = pytest.mark.parametrize(
    "regulariser", [bop_regulariser, expected_bops, edmips_cost, expected_latency]
)


@REGULARISERS
@settings(deadline=None, max_examples=20)
@given(st.lists(PHI, min_size=6, max_size=6), st.booleans())
def test_gradients_are_finite_differences(
    regulariser: Callable[[list[SearchedLayer]], Tensor], phi: list[float], locked: bool
) -> None:
    """Central differences in every parameter of two layers with one activation in common."""

    def value(parameters: list[float]) -> tuple[Tensor, list[Gates]]:
        gates = [gates_of(*parameters[i : i + 2]) for i in (0, 2, 4)]
        tables = np.arange(1, 10).reshape(3, 3) % 7 + 1
        layers = [
            SearchedLayer("a", 3, gates[0], gates[0] if locked else gates[1], tables),
            SearchedLayer("b", 7, gates[0], gates[2], 2 * tables.T),
        ]
        return regulariser(layers), gates

    total, gates = value(phi)
    total.backward()
    slopes = (torch.zeros(2) if g.phi.grad is None else g.phi.grad for g in gates)
    gradient = torch.cat([*slopes]).tolist()
    step = 1e-5
    for i, slope in enumerate(gradient):
        above, below = (
            value([p + d * (i == j) for j, p in enumerate(phi)])[0].item() for d in (step, -step)
        )
        assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("regulariser", [expected_bops, edmips_cost, expected_latency])
@pytest.mark.parametrize("shared", [False, True])
@settings(deadline=None, max_examples=10)
@given(alpha=st.lists(st.floats(-4, 4), min_size=9, max_size=9))
def test_gradients_for_mixtures_are_finite_differences(
    regulariser: Callable[[list[SearchedLayer]], Tensor], shared: bool, alpha: list[float]
) -> None:
    """The same for EdMIPS, whose own cost is one of them; the first layer has a fixed input."""

    def value(parameters: list[float]) -> tuple[Tensor, list[Mixture]]:
        mixtures = [mixture_of(*parameters[i : i + 3]) for i in (0, 3, 6)]
        tables = np.arange(1, 10).reshape(3, 3) % 7 + 1
        layers = [
            SearchedLayer("a", 3, Fixed(8), mixtures[0], [[3, 1, 4]]),
            SearchedLayer("b", 7, mixtures[1], mixtures[1 if shared else 2], tables),
        ]
        return regulariser(layers), mixtures

    total, mixtures = value(alpha)
    total.backward()
    slopes = (torch.zeros(3) if m.alpha.grad is None else m.alpha.grad for m in mixtures)
    gradient = torch.cat([*slopes]).tolist()
    step = 1e-5
    for i, slope in enumerate(gradient):
        above, below = (
            value([p + d * (i == j) for j, p in enumerate(alpha)])[0].item() for d in (step, -step)
        )
        assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("locked", [False, True])
def test_certain_gates_are_counted(locked: bool) -> None:
    """Over all configurations of hard gates each regulariser is a count by hand.

    Two layers of 3 and 7 MACs read one activation. Gates that are off end the chain.
    """
    table = {(a, w): 10 + a + 3 * w - (7 if a == w else 0) for a in (2, 4, 8) for w in (2, 4, 8)}
    matrix = [[table[a, w] for w in (2, 4, 8)] for a in (2, 4, 8)]
    for states in itertools.product((-500.0, 500.0), repeat=6):
        act, one, two = (gates_of(*states[i : i + 2]) for i in (0, 2, 4))
        bits = [2 if states[i] < 0 else 4 if states[i + 1] < 0 else 8 for i in (0, 2, 4)]
        if locked:
            one = two = act
            bits = [bits[0]] * 3
        layers = [SearchedLayer("a", 3, act, one, matrix), SearchedLayer("b", 7, act, two, matrix)]
        assert [g.bits() for g in (act, one, two)] == bits
        price = {2: 0, 4: 4, 8: 4 + 8}
        a, w1, w2 = bits
        assert bop_regulariser(layers).item() == pytest.approx(
            3 / 7 * (price[a] + price[w1]) + price[a] + price[w2]
        )
        bops = 3 * a * w1 + 7 * a * w2
        assert relative_bops(layers) == pytest.approx(bops / (10 * 8 * 8))
        assert expected_bops(layers).item() == pytest.approx(bops / 7)
        assert edmips_cost(layers).item() == pytest.approx(bops / 3)
        latency = table[a, w1] + table[a, w2] - 2 * min(table.values())
        assert expected_latency(layers).item() == pytest.approx(latency / max(table.values()))


@settings(deadline=None, max_examples=25)
@given(*[st.tuples(PHI, PHI)] * 2)
def test_expectations_by_enumeration(a: tuple[float, float], w: tuple[float, float]) -> None:
    """Bit operations and latency are averaged over all states of four gates."""
    table = {(i, j): 1.0 + 5 * i + j * j for i in (2, 4, 8) for j in (2, 4, 8)}
    matrix = [[table[i, j] for j in (2, 4, 8)] for i in (2, 4, 8)]
    bops = latency = 0.0
    for states in itertools.product((False, True), repeat=4):
        p = math.prod(q if on else 1 - q for q, on in zip(opens(*a, *w), states, strict=True))
        i, j = (2 if not s[0] else 4 if not s[1] else 8 for s in (states[:2], states[2:]))
        bops += p * i * j
        latency += p * (table[i, j] - min(table.values())) / max(table.values())
    layers = [SearchedLayer("only", 5, gates_of(*a), gates_of(*w), matrix)]
    assert expected_bops(layers).item() == pytest.approx(bops, rel=1e-12)
    assert expected_latency(layers).item() == pytest.approx(latency, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(PHI, PHI)
def test_a_locked_layer_takes_equal_precisions(phi4: float, phi8: float) -> None:
    """One decision for both operands: only 2b/2b, 4b/4b and 8b/8b have a probability."""
    q4, q8 = opens(phi4, phi8)
    gates = gates_of(phi4, phi8)
    layers = [SearchedLayer("only", 5, gates, gates, [[5, 9, 9], [9, 4, 9], [9, 9, 7]])]
    parts = 1 - q4, q4 * (1 - q8), q4 * q8
    bops = sum(p * b * b for p, b in zip(parts, (2, 4, 8), strict=True))
    latency = sum(p * (v - 4) / 9 for p, v in zip(parts, (5, 4, 7), strict=True))
    assert expected_bops(layers).item() == pytest.approx(bops, rel=1e-12)
    assert expected_latency(layers).item() == pytest.approx(latency, rel=1e-9, abs=1e-12)


def test_the_cost_of_edmips_in_closed_form() -> None:
    """E[a] E[w] by MACs over those of the first searched layer, and its slope."""
    a, w = Mixture(initial=0.0).double(), Mixture(initial=0.0).double()
    layers = [
        SearchedLayer("fixed", 9, Fixed(8), Fixed(8)),
        SearchedLayer("first", 4, a, Fixed(4)),
        SearchedLayer("second", 6, a, w),
    ]
    cost = edmips_cost(layers)
    mean = 14 / 3
    assert cost.item() == pytest.approx(9 / 4 * 64 + mean * 4 + 6 / 4 * mean * mean)
    cost.backward()
    bits = np.array([2, 4, 8])
    assert w.alpha.grad is not None
    np.testing.assert_allclose(w.alpha.grad.numpy(), 1.5 * mean * (bits - mean) / 3, rtol=1e-12)


def test_mixed_types_of_numbers() -> None:
    """Gates in single precision go together with fixed layers and latencies in double."""
    layers = [
        SearchedLayer("a", 2, Fixed(8), Gates(), [[1, 2, 3]]),
        SearchedLayer("b", 2, Gates(), Fixed(8), [[1], [2], [3]]),
        SearchedLayer("c", 2, Fixed(8), Fixed(4), [[5]]),
    ]
    for regulariser in (bop_regulariser, expected_bops, edmips_cost, expected_latency):
        regulariser(layers).backward()


def test_what_regularisers_refuse() -> None:
    """Nothing at all, mixtures without gates, latencies that are missing, nothing to search."""
    fixed = SearchedLayer("fixed", 1, Fixed(8), Fixed(8))
    with pytest.raises(InputError, match="at least one layer"):
        bop_regulariser([])
    with pytest.raises(InputError, match="needs gates"):
        bop_regulariser([SearchedLayer("a", 1, Mixture(), Mixture())])
    with pytest.raises(InputError, match="Layer fixed has no latencies"):
        expected_latency([fixed])
    with pytest.raises(InputError, match="No layer is searched"):
        edmips_cost([fixed])
