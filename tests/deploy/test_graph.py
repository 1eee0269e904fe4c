"""What a graph accepts, and the sentence with which it refuses everything else."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mpsolve import InputError, Precision
from mpsolve.deploy import (
    AccumulatorRange,
    Add,
    Affine,
    AveragePool,
    Conv,
    Flatten,
    Graph,
    Linear,
    MaxPool,
    Requant,
    Tensor,
    requantise,
)
from mpsolve.deploy.interpreter import run
from tests.deploy.networks import random_graph, random_images

if TYPE_CHECKING:
    from mpsolve.deploy.nodes import Node

X = Tensor("x", (2, 4, 4), 8)
Y = Tensor("y", (3, 4, 4), 4)
WEIGHTS = np.ones((3, 2, 1, 1), np.int64)


def requant(high: int = 510, channels: int = 3, bits: int = 4) -> Requant:
    """Of accumulators from 0 to 510, which weights of 1 and two channels of 8 bits give."""
    accumulators = AccumulatorRange(np.zeros(channels, int), np.full(channels, high))
    return requantise(Affine(np.full(channels, 0.01), np.zeros(channels)), accumulators, bits=bits)


def conv(**changes: Any) -> Conv:
    """A pointwise convolution from x to y."""
    return replace(Conv("conv", "x", "y", WEIGHTS, 2, requant()), **changes)


def scalar(high: int, bits: int = 8) -> Requant:
    """One multiplier for all channels."""
    one = Affine(np.array(1.0), np.array(0.0))
    return requantise(one, AccumulatorRange.between(0, high), bits=bits)


def graph(*nodes: Node, tensors: tuple[Tensor, ...] = (X, Y), output: str = "y") -> Graph:
    """A graph that reads x."""
    return Graph("net", tensors, nodes, "x", output)


def test_the_configuration_of_a_graph() -> None:
    """b_in is what a layer reads, b_wt what its weights are stored in."""
    z = Tensor("z", (48,), 4)
    logits = Tensor("logits", (5,), 32, True)
    head = Linear("fc", "z", "logits", np.ones((5, 48), int), 8)
    whole = graph(
        conv(), Flatten("flat", "y", "z"), head, tensors=(X, Y, z, logits), output="logits"
    )
    assert whole.configuration() == {"conv": Precision(8, 2), "fc": Precision(4, 8)}
    assert repr(whole) == "<Graph net: 3 nodes, 2 with weights>"
    assert [layer.name for layer in whole.layers] == ["conv", "fc"]


def test_graphs_can_be_pickled() -> None:
    """Worker processes are given graphs."""
    first = random_graph(3)
    images = random_images(first)
    second = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(run(first, images), run(second, images))


def test_arrays_are_copies_that_nobody_can_change() -> None:
    """What was proven once stays true."""
    weights = WEIGHTS.copy()
    layer = conv(weights=weights)
    weights[:] = 5
    assert layer.weights.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[0] = 1


P = Tensor("p", (2, 4, 4), 8)
WIDE = Tensor("y", (3, 4, 4), 32, True)
PROBLEMS: dict[str, tuple[Any, str]] = {
    "two nodes of one name": (
        lambda: graph(conv(), conv(input="y", output="z")),
        "net: two nodes are named conv",
    ),
    "two tensors of one name": (
        lambda: graph(conv(), tensors=(X, Y, Y)),
        "net: two tensors are named y",
    ),
    "an unknown tensor": (lambda: graph(conv(), tensors=(X,)), "net has no tensor 'y'"),
    "a wrong order": (
        lambda: graph(conv(input="p"), MaxPool("pool", "x", "p", (1, 1)), tensors=(X, Y, P)),
        "node conv reads p, which no node before it writes",
    ),
    "written twice": (
        lambda: graph(conv(), conv(name="again")),
        r"net: y is written twice \(again\)",
    ),
    "no output": (lambda: graph(conv(), output="z"), "no node writes its output z"),
    "a spare tensor": (
        lambda: graph(conv(), tensors=(X, Y, P)),
        "no node writes the tensor p",
    ),
    "an unread tensor": (
        lambda: graph(MaxPool("pool", "x", "p", (1, 1)), conv(), tensors=(X, Y, P)),
        "nobody reads the tensor p",
    ),
    "a wrong shape": (
        lambda: graph(conv(), tensors=(X, replace(Y, shape=(3, 4, 5)))),
        r"node conv yields the shape \(3, 4, 4\), but y has \(3, 4, 5\)",
    ),
    "wrong channels": (
        lambda: graph(conv(), tensors=(replace(X, shape=(1, 4, 4)), Y)),
        r"Layer conv: its weights expect 2 channels, but x has the shape \(1, 4, 4\)",
    ),
    "wrong codes": (
        lambda: graph(conv(), tensors=(X, replace(Y, bits=8))),
        "Node conv writes 4-bit unsigned codes, but y holds 8-bit unsigned codes",
    ),
    "accumulators read": (
        lambda: graph(
            conv(requant=None),
            MaxPool("pool", "y", "z", (1, 1)),
            tensors=(X, WIDE, replace(WIDE, name="z")),
            output="z",
        ),
        "node pool reads y, which holds accumulators; requantise them first",
    ),
    "an overflow": (
        lambda: graph(conv(requant=requant(509))),
        "Node conv: its accumulators reach from 0 to 510, beyond those for which",
    ),
    "an overflow of 32 bits": (
        lambda: graph(conv(requant=None, bias=np.array([0, 0, 2**31 - 510])), tensors=(X, WIDE)),
        "Node conv: its accumulators reach from 0 to 2147483648, which 32 bits do not hold",
    ),
    "too few multipliers": (
        lambda: graph(conv(requant=requant(channels=1))),
        r"Layer conv: 3 channels need as many multipliers; there are \(1,\)",
    ),
    "weights beyond their bits": (
        lambda: conv(weights=2 * WEIGHTS),
        "Layer conv: its weights lie between 2 and 2, but 2 bits hold -2 to 1",
    ),
    "weights that are no integers": (
        lambda: conv(weights=WEIGHTS / 2),
        "The weights of layer conv must be integers, not float64",
    ),
    "weights of another rank": (
        lambda: conv(weights=WEIGHTS[0]),
        r"Layer conv: its weights need 4 dimensions, not the shape \(2, 1, 1\)",
    ),
    "impossible bits": (lambda: conv(weight_bits=1), "weights have 2 to 8 bits, not 1"),
    "impossible groups": (lambda: conv(groups=2), "2 groups do not divide its 3 output channels"),
    "a wrong bias": (
        lambda: conv(bias=np.zeros(2, int)),
        r"Layer conv: a bias of shape \(2,\) for 3 channels",
    ),
    "a large pad": (
        lambda: graph(conv(pads=(1, 0, 0, 0))),
        r"Node conv: pads \(1, 0, 0, 0\) are as large as the kernel \(1, 1\)",
    ),
    "no stride": (
        lambda: graph(conv(stride=(0, 1))),
        "Node conv: kernel and stride are at least 1",
    ),
    "a large kernel": (
        lambda: graph(MaxPool("pool", "x", "y", (5, 1))),
        r"Node pool: a kernel of \(5, 1\) does not fit into \(4, 4\)",
    ),
    "no flattening": (
        lambda: graph(Linear("fc", "x", "y", np.ones((3, 32), int), 2)),
        r"Layer fc: its weights expect the shape \(32,\), but x has \(2, 4, 4\); flatten",
    ),
    "a flat pool": (
        lambda: graph(
            Flatten("flat", "x", "z"),
            MaxPool("pool", "z", "y", (1, 1)),
            tensors=(X, Tensor("z", (32,), 8), Y),
        ),
        "Pool pool: z is flattened; pool before flattening",
    ),
    "a signed mean": (
        lambda: graph(
            AveragePool("mean", "x", "y", (1, 1)),
            tensors=(replace(X, signed=True), replace(X, name="y", signed=True)),
        ),
        "Pool mean: kernels divide sums as if they had no sign; requantise",
    ),
    "a mean of other codes": (
        lambda: graph(
            AveragePool("mean", "x", "y", (1, 1)), tensors=(X, replace(X, name="y", bits=4))
        ),
        "Node mean writes 8-bit unsigned codes, but y holds 4-bit unsigned codes",
    ),
    "a mean per channel": (
        lambda: AveragePool("mean", "x", "y", (1, 1), requant=requant()),
        "Pool mean: one multiplier serves all channels",
    ),
    "an adder per channel": (
        lambda: Add("add", ("x", "x"), "y", requant()),
        "Adder add: one multiplier serves all channels",
    ),
    "one addend": (lambda: Add("add", ("x",), "y"), "Adder add: it reads two tensors"),  # type: ignore[arg-type]
    "addends of other shapes": (
        lambda: graph(
            conv(), Add("add", ("x", "y"), "z"), tensors=(X, Y, replace(Y, name="z")), output="z"
        ),
        r"Adder add: x has the shape \(2, 4, 4\), but y has \(3, 4, 4\)",
    ),
    "an addend that overflows": (
        lambda: graph(Add("add", ("x", "x"), "y", scalar(254)), tensors=(X, replace(P, name="y"))),
        "Node add: its accumulators reach from 0 to 255, beyond",
    ),
    "a sum that overflows": (
        lambda: graph(
            Add("add", ("x", "x"), "y", result=scalar(509)), tensors=(X, replace(P, name="y"))
        ),
        "Node add: its accumulators reach from 0 to 510, beyond",
    ),
    "a sum that is not clipped": (
        lambda: graph(Add("add", ("x", "x"), "y"), tensors=(X, replace(WIDE, shape=(2, 4, 4)))),
        "Adder add: its output is clipped to 1 to 8 bits",
    ),
    "impossible codes": (lambda: Tensor("t", (1, 1, 1), 16), "Tensor t: codes have 1 to 8 bits"),
    "an impossible shape": (lambda: Tensor("t", (1, 1), 8), r"Tensor t: its shape is \(C, H, W\)"),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_does_not_fit_is_refused(problem: str) -> None:
    """One sentence that names the node."""
    build, message = PROBLEMS[problem]
    with pytest.raises(InputError, match=message):
        build()
