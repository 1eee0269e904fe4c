"""What the graph of a network must be, and what it tells."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve.errors import InputError
from mpsolve.profiles.networks import LayerType, Network, Node

if TYPE_CHECKING:
    from collections.abc import Callable

POINT = LayerType("pw", 4, 4, (2, 2), (2, 2))
SHAPES = dict.fromkeys(("x", "a", "b", "sum"), (4, 2, 2))


def node(name: str, source: str, **more: Any) -> Node:
    """A pointwise convolution that writes a tensor of its own name."""
    return Node(name, "pw", (source,), name, POINT, **more)


ADD = Node("add", "add", ("a", "b"), "sum")


def network(*nodes: Node, **parts: Any) -> Network:
    """A network that reads ``x`` and returns what its last node writes."""
    given = {"tensors": SHAPES, "inputs": ("x",), "outputs": (nodes[-1].output,)} | parts
    return Network("small", nodes, **given)


def test_layers_tensors_and_adders() -> None:
    """Two layers of one type, whose outputs are added."""
    small = network(node("a", "x"), node("b", "a"), ADD)
    assert [layer.name for layer in small.layers] == ["a", "b"]
    assert small.layer_types == (POINT,)
    assert small.adders == (ADD,)
    assert [n.name for n in small.consumers["a"]] == ["b", "add"]
    assert small.producers["sum"] is ADD
    assert (small.macs, small.weights, small.parameters) == (2 * 64, 2 * 16, 2 * 16)
    assert pickle.loads(pickle.dumps(small)).nodes == small.nodes


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: network(node("a", "x"), node("a", "a")), "node a occurs twice"),
        (lambda: network(node("b", "a"), node("a", "x")), "b reads a, which no node before it"),
        (lambda: network(node("c", "x")), "node c: c has no shape"),
        (lambda: network(node("a", "x"), outputs=("b",)), "the output b is written by no node"),
        (lambda: network(Node("p", "pool", ("x",), "a")), "no layer with weights"),
        (
            lambda: network(node("a", "x"), Node("p", "pool", ("x",), "a")),
            r"a is written twice \(p\)",
        ),
        (
            lambda: network(node("a", "x"), tensors=SHAPES | {"a": (4, 1, 1)}),
            "a has 4 elements, and the layer type 16",
        ),
        (lambda: network(node("a", "x"), shares={"z": 0.5}), "no layer 'z'"),
        (
            lambda: network(
                node("a", "x"),
                Node("w", "pw", ("a",), "b", LayerType("pw", 4, 4, (2, 2), (2, 2), bias=True), "a"),
            ),
            "nodes of layer a differ in their weights",
        ),
        (lambda: Node("n", "softmax", ("x",), "a"), "'softmax' is none of add"),
        (lambda: Node("n", "conv", ("x",), "a", POINT), "operator and layer type differ"),
        (lambda: Node("n", "pw", ("x", "y"), "a", POINT), "a layer reads one tensor"),
    ],
)
def test_what_does_not_fit_together_is_refused(build: Callable[[], object], message: str) -> None:
    """One sentence names the node or tensor."""
    with pytest.raises(InputError, match=message):
        build()
