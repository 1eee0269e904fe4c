"""Liveness: worked graphs, and the definition read naively on random ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from mpsolve import InputError
from mpsolve.profiles.memory import Moment, live_tensors
from mpsolve.profiles.networks import Network, Node, named_network
from tests.profiles.memory.support import live_sets
from tests.profiles.networks.graphs import graphs, layer, network


def test_a_chain_holds_input_and_output() -> None:
    """Without branches, nothing else is in memory."""
    chain = network(layer("a", "x"), layer("b", "a"))
    assert live_tensors(chain) == (Moment("a", ("x", "a")), Moment("b", ("a", "b")))


def test_a_skip_tensor_stays_until_it_is_added() -> None:
    """The input of a residual branch is there while the branch is computed."""
    residual = network(
        layer("a", "x"), layer("b", "a"), layer("c", "b"), Node("add", "add", ("a", "c"), "add")
    )
    assert live_tensors(residual) == (
        Moment("a", ("x", "a")),
        Moment("b", ("a", "b")),
        Moment("c", ("a", "b", "c")),
        Moment("add", ("a", "c", "add")),
    )


def test_a_reshape_is_another_name() -> None:
    """It needs no moment of its own, and its input lives on under the new name."""
    graph = network(layer("a", "x"), Node("flat", "reshape", ("a",), "flat"), layer("b", "flat"))
    assert live_tensors(graph) == (Moment("a", ("x", "a")), Moment("b", ("a", "b")))


def test_what_the_network_returns_stays() -> None:
    """An output that is ready early is held to the end; one that nobody needs is not."""
    graph = network(layer("a", "x"), layer("b", "a"), layer("c", "a"), outputs=("a", "c"))
    assert live_tensors(graph)[1:] == (Moment("b", ("a", "b")), Moment("c", ("a", "c")))
    unused = network(layer("a", "x"), layer("b", "a"), inputs=("x", "y"))
    assert live_tensors(unused)[0] == Moment("a", ("x", "a"))


def test_an_adder_in_place_needs_no_output_of_its_own() -> None:
    """It has two moments, since input and output may differ in width; pools never are in place."""
    residual = network(
        layer("a", "x"), layer("b", "a"), Node("add", "add", ("a", "b"), "add"), layer("c", "add")
    )
    assert live_tensors(residual, in_place=("add",))[2:] == (
        Moment("add", ("a", "b")),
        Moment("add", ("b", "add")),
        Moment("c", ("add", "c")),
    )
    kept = network(layer("a", "x"), Node("add", "add", ("a", "x"), "add"), outputs=("add", "a"))
    assert live_tensors(kept, in_place=("add",))[1:] == (
        Moment("add", ("x", "a")),
        Moment("add", ("a", "add")),
    )
    with pytest.raises(InputError, match="'pool' cannot work in place; add and mul can"):
        live_tensors(residual, in_place=("pool",))


def test_adders_of_mobilenet_v2() -> None:
    """Two inputs and an output of one size are held by an adder, two in place."""
    net = named_network("mobilenet_v2")
    sets = {m.node: m.tensors for m in live_tensors(net)}
    assert sets["b2.add"] == ("b1.project", "b2.project", "b2.add")
    assert sets["b2.dw"] == ("b1.project", "b2.expand", "b2.dw")


def test_an_order_is_checked() -> None:
    """Every node once, and none before what it reads."""
    chain = network(layer("a", "x"), layer("b", "a"))
    with pytest.raises(InputError, match="must name each of the 2 nodes once"):
        live_tensors(chain, ("a",))
    with pytest.raises(InputError, match="runs b before what it reads, a"):
        live_tensors(chain, ("b", "a"))


@settings(max_examples=200, deadline=None)
@given(graphs(most=9))
def test_the_definition(net: Network) -> None:
    """What is written or given, and returned or read later, is live."""
    order = [node.name for node in net.nodes]
    assert [(m.node, set(m.tensors)) for m in live_tensors(net)] == live_sets(net, order)
