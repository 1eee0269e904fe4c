"""Orders of execution: the least peak of all orders of small graphs, and what a beam may say."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve.profiles.memory import best_order, live_tensors
from mpsolve.profiles.networks import named_network
from tests.profiles.memory.support import all_orders, live_sets
from tests.profiles.networks.graphs import graphs, layer, network

if TYPE_CHECKING:
    from mpsolve.profiles.networks import Network


def peak(net: Network, order: tuple[str, ...], bits: int) -> int:
    """The peak by definition."""
    return max(
        sum(ceil(net.elements(tensor) * bits / 8) for tensor in tensors)
        for _, tensors in live_sets(net, order)
    )


def test_the_branch_that_frees_more_runs_first() -> None:
    """In the given order p waits beside a and q, 10 + 8 + 9 bytes; otherwise r does, 10 + 9 + 1."""
    net = network(
        layer("a", "x", 1, 10),
        layer("p", "a", 10, 8),
        layer("q", "a", 10, 9),
        layer("r", "q", 9, 1),
        layer("s", "p", 8, 1),
        outputs=("r", "s"),
    )
    assert peak(net, ("a", "p", "q", "r", "s"), 8) == 27
    order = best_order(net)
    assert order.peak == 20
    assert order.proven
    assert peak(net, order.nodes, 8) == 20


@settings(max_examples=150, deadline=None)
@given(graphs(most=6), st.sampled_from((2, 4, 8)))
def test_no_order_is_better(net: Network, bits: int) -> None:
    """The search finds the least peak of all orders, and an order that has it."""
    order = best_order(net, bits)
    assert order.proven
    assert order.peak == min(peak(net, one, bits) for one in all_orders(net))
    assert peak(net, order.nodes, bits) == order.peak


@settings(max_examples=100, deadline=None)
@given(graphs(most=6))
def test_no_order_is_better_in_place(net: Network) -> None:
    """With adders and products in place, all orders are judged by their moments."""
    in_place = ("add", "mul")

    def judged(order: tuple[str, ...]) -> int:
        moments = live_tensors(net, order, in_place)
        return max(sum(net.elements(tensor) for tensor in m.tensors) for m in moments)

    order = best_order(net, in_place=in_place)
    assert order.proven
    assert order.peak == min(map(judged, all_orders(net))) == judged(order.nodes)


@settings(max_examples=100, deadline=None)
@given(graphs(most=6))
def test_a_beam_never_promises_too_much(net: Network) -> None:
    """Where the exact search is cut short, the order is valid and a proof of it is right."""
    order = best_order(net, max_states=0)
    least = min(peak(net, one, 8) for one in all_orders(net))
    assert peak(net, order.nodes, 8) == order.peak >= least
    assert not order.proven or order.peak == least
    assert order.peak <= peak(net, tuple(node.name for node in net.nodes), 8)


def test_wide_graphs_say_that_nothing_is_proven() -> None:
    """24 branches have 3^24 sets of nodes; with few of them allowed, a beam answers."""
    branches = [
        node
        for i in range(24)
        for node in (layer(f"p{i}", "x", 5, 20 + i), layer(f"q{i}", f"p{i}", 20 + i, i + 1))
    ]
    net = network(*branches, outputs=tuple(f"q{i}" for i in range(24)))
    order = best_order(net, max_states=50)
    assert order.peak == peak(net, order.nodes, 8)
    assert not order.proven


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mobilenet_v1", 1_204_224),
        ("mobilenet_v1_0.75", 903_168),
        ("mobilenet_v2", 1_505_280),
        ("mobilenet_v2_192", 1_105_920),
        ("mobilenet_v2_160", 768_000),
        ("mnasnet_a1", 1_505_280),
    ],
)
def test_no_order_of_the_papers_networks_is_better(name: str, expected: int) -> None:
    """Each has a layer whose input and output alone need the peak, so the order is no remedy."""
    net = named_network(name)
    order = best_order(net)
    assert (order.peak, order.proven) == (expected, True)
    assert order.nodes == tuple(node.name for node in net.nodes)
