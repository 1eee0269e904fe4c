"""ROM as a cost: pairwise terms against tables counted by hand, and a budget by enumeration."""

from __future__ import annotations

import itertools
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings

from mpsolve import Precision, Problem, solve
from mpsolve.building.rom import rom_terms
from mpsolve.model.evaluation import evaluate
from mpsolve.profiles.memory import rom_costs, rom_total
from mpsolve.profiles.networks.tensor_groups import input_labels, tensor_groups
from tests.profiles.networks.graphs import graphs, layer, network

if TYPE_CHECKING:
    from mpsolve.profiles.networks import Network

CANDIDATES = [Precision(b_in, b_wt) for b_in in (4, 8) for b_wt in (2, 8)]


def problem_of(net: Network, scheme: str) -> Problem:
    """A problem over `CANDIDATES` whose cost ``rom`` is exact."""
    layers = [one.name for one in net.layers]
    offsets = np.arange(len(layers) + 1) * len(CANDIDATES)
    rom = rom_costs(net, layers, offsets, CANDIDATES * len(layers), scheme)
    loss = [[64 - p.b_in * p.b_wt for p in CANDIDATES]] * len(layers)
    rows = rom.reshape(len(layers), -1)
    problem = Problem.from_arrays(loss, {"rom": rows}, layers=layers, precisions=CANDIDATES)
    return problem.replace(pairwise=rom_terms(problem, net, scheme))


def rom_by_hand(net: Network, choice: dict[str, Precision]) -> int:
    """Weights and the tables of ``folding-icn``, node by node."""
    width = {
        tensor: max([group.least, *(choice[name].b_in for name in group.layers)])
        for group in tensor_groups(net)
        for tensor in group.tensors
    }

    def reaches_a_layer(tensor: str) -> bool:
        return any(n.layer_type or reaches_a_layer(n.output) for n in net.consumers[tensor])

    total = 0
    for one in net.layers:
        b_wt = choice[one.name].b_wt
        total += ceil(one.weights * b_wt / 8)
        last = not any(reaches_a_layer(node.output) for node in one.nodes)
        for node in one.nodes:
            channels = one.layer_types[0].out_channels
            folded = last or (b_wt == 8 and width[node.output] == 8)
            total += 4 * channels + 20 if folded else 9 * channels + 12
    return total


@settings(max_examples=60, deadline=None)
@given(graphs(most=5))
def test_pairwise_terms_make_the_mixed_scheme_exact(net: Network) -> None:
    """For every third choice, where widths are tied, the sum with its terms is what is stored."""
    problem = problem_of(net, "folding-icn")
    labels = input_labels(net)
    for picks in itertools.islice(
        itertools.product(range(len(CANDIDATES)), repeat=len(problem.layers)), 0, None, 3
    ):
        choice = np.array(picks)
        chosen = dict(problem.configuration(choice))
        b_in: dict[str, set[float]] = {}
        for name, label in labels.items():
            b_in.setdefault(label or name, set()).add(chosen[name].b_in)
        if any(len(bits) > 1 for bits in b_in.values()):
            continue
        expected = rom_by_hand(net, chosen)
        assert evaluate(problem, choice).costs["rom"] == expected
        assert rom_total(net, chosen, "folding-icn") == expected


def test_a_budget_on_the_mixed_scheme() -> None:
    """A chain where one more byte of ROM pays for eight bits in both neighbours."""
    net = network(layer("a", "x", 8, 8), layer("b", "a", 8, 8), layer("c", "b", 8, 8))
    problem = problem_of(net, "folding-icn")
    sums = {}
    for picks in itertools.product(range(len(CANDIDATES)), repeat=3):
        chosen = {name: CANDIDATES[k] for name, k in zip("abc", picks, strict=True)}
        loss = sum(64 - p.b_in * p.b_wt for p in chosen.values())
        sums[picks] = (rom_by_hand(net, chosen), loss)
    for limit in sorted({rom for rom, _ in sums.values()}):
        least = min(loss for rom, loss in sums.values() if rom <= limit)
        assert solve(problem.with_budgets({"rom": limit})).loss == least
