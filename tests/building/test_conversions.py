"""Conversions between layers of different precision as a part of a problem's latency."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import Configuration, Precision, Problem, solve, verify
from mpsolve.building.conversions import with_conversions
from mpsolve.model.evaluation import evaluate
from mpsolve.profiles.networks import NetworkBuilder
from mpsolve.profiles.targets.measured.conversions import conversion_total
from mpsolve.profiles.targets.measured.ort.tensors import TensorType, conversions
from mpsolve.profiles.targets.target import Latency
from tests.profiles.targets.measured.networks import every_operator

if TYPE_CHECKING:
    from mpsolve.profiles.networks import Network

FLOAT, INT8, FEW = Precision(32, 32), Precision(8, 8), Precision.parse("w4g32:32/5")


def residual() -> Network:
    """Four layers in a row, the second and third of which are bridged by an adder."""
    net = NetworkBuilder("residual")
    first = net.conv("first", net.input(3, 8, 8), 4)
    third = net.pw("third", net.pw("second", first, 8), 4)
    x = net.flatten("flat", net.add("sum", first, third))
    return net.build(net.linear("last", x, 5))


#: By hand: tensor, shape, whether products use it, the layer that writes and the one that reads.
TENSORS = [
    ("input", (3, (8, 8)), False, "", "first"),
    ("first", (4, (8, 8)), False, "first", "second"),
    ("second", (8, (8, 8)), False, "second", "third"),
    ("first", (4, (8, 8)), False, "first", "third"),  # to be added
    ("flat", (256, (1, 1)), True, "third", "last"),
    ("last", (5, (1, 1)), True, "last", ""),
]


def costs(network: Network) -> dict[TensorType, dict[Precision, Latency]]:
    """One microsecond per 16 elements to float32, one per 8 elements to int8."""
    types = {conversion.tensor_type for conversion in conversions(network)}
    sizes = {t: t.channels * t.size[0] * t.size[1] for t in types}
    return {t: {FLOAT: Latency(size / 16), INT8: Latency(size / 8)} for t, size in sizes.items()}


def problem(network: Network, seed: int = 0) -> Problem:
    """Random latencies, less in int8, and losses, more in int8; the last layer may have 4 bits."""
    rng = np.random.default_rng(seed)
    layers = [layer.name for layer in network.layers]
    counts = [3 if name == "last" else 2 for name in layers]
    latency = [np.sort(rng.uniform(50, 300, n))[::-1].tolist() for n in counts]
    loss = [np.sort(rng.uniform(0, 10, n)).tolist() for n in counts]
    precisions = [[FLOAT, INT8, FEW][:n] for n in counts]
    return Problem.from_arrays(loss, {"latency": latency}, layers=layers, precisions=precisions)


def test_the_tensors_between_layers() -> None:
    """Every tensor with each layer that decides how it is read; an adder is read by its owner."""
    found = [
        (
            c.tensor,
            (c.tensor_type.channels, c.tensor_type.size),
            c.tensor_type.rows,
            c.writer,
            c.reader,
        )
        for c in conversions(residual())
    ]
    assert sorted(found) == sorted(TENSORS)
    assert all(
        c.tensor_type.outer == (not c.writer or not c.reader) for c in conversions(residual())
    )
    assert str(TensorType(4, (8, 8))) == "tensor-4-8x8"
    assert str(TensorType(256, (1, 1), rows=True, outer=True)) == "outer-rows-256-1x1"


def test_a_configuration_converts_where_precisions_differ() -> None:
    """By hand: which tensors, once each, whatever number of readers they have."""
    network, elements = (
        residual(),
        {"input": 192, "first": 256, "second": 512, "flat": 256, "last": 5},
    )
    to_int8, to_float = ({name: n / step for name, n in elements.items()} for step in (8, 16))
    by_hand = {
        ("f", "f", "f", "f"): 0,
        ("i", "i", "i", "i"): to_int8["input"] + to_float["last"],
        ("f", "i", "i", "f"): to_int8["first"] + to_float["flat"],  # first for two readers
        ("i", "f", "i", "f"): (
            to_int8["input"] + to_float["first"] + to_int8["second"] + to_float["flat"]
        ),
        ("f", "i", "f", "i"): (
            to_int8["first"] + to_float["second"] + to_int8["flat"] + to_float["last"]
        ),
        ("f", "f", "f", "4"): 0,
    }
    precisions = {"f": FLOAT, "i": INT8, "4": FEW}
    for letters, expected in by_hand.items():
        names = ("first", "second", "third", "last")
        chosen = {name: precisions[letter] for name, letter in zip(names, letters, strict=True)}
        assert conversion_total(network, costs(network), chosen) == pytest.approx(expected)


@pytest.mark.parametrize("network", [residual(), every_operator()], ids=lambda n: n.name)
def test_the_problem_counts_every_conversion(network: Network) -> None:
    """For every assignment: its latency is that of layers and conversions, or more where several
    layers need the same tensor, each of which is counted as if it converted alone."""
    given = problem(network)
    extended, prices = with_conversions(given, network, costs(network)), costs(network)
    equal = 0
    for choice in product(*(range(len(given.candidates(i))) for i in range(len(given.layers)))):
        chosen = np.array(choice)
        configuration = given.configuration(chosen)
        layers = evaluate(given, chosen).costs["latency"]
        total = layers + conversion_total(network, prices, configuration)
        found = evaluate(extended, chosen).costs["latency"]
        separate = sum(
            prices[c.tensor_type][to].value
            for c in conversions(network)
            if (to := c.to(configuration)) is not None
        )
        assert found == pytest.approx(layers + separate)
        assert found >= total - 1e-9
        equal += found == pytest.approx(total)
    assert equal > 0


def test_the_best_assignment_with_conversions() -> None:
    """As brute force finds it; the budget contains the conversions."""
    network = residual()
    extended = with_conversions(problem(network, 3), network, costs(network))
    extended = extended.with_budgets({"latency": "0.8x"}, reference="32b/32b")
    solution = solve(extended)
    feasible = [
        evaluated.loss
        for choice in product(range(2), range(2), range(2), range(3))
        if (evaluated := evaluate(extended, np.array(choice))).feasible
    ]
    assert solution.loss == pytest.approx(min(feasible))
    assert solution.configuration is not None
    assert verify(extended, Configuration(solution.configuration)).evaluation.feasible
