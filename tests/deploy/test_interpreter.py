"""The interpreter: against loops over every pixel, and what it refuses."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError
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
from mpsolve.deploy.interpreter import execute, run, run_all
from tests.deploy.networks import random_graph, random_images

if TYPE_CHECKING:
    from mpsolve.deploy.nodes import Node
    from mpsolve.typing import IntArray


def pixel(image: IntArray, channel: int, row: int, column: int) -> int | None:
    """A pixel, None outside the image."""
    inside = 0 <= row < image.shape[1] and 0 <= column < image.shape[2]
    return int(image[channel, row, column]) if inside else None


def requantised(requant: Requant | None, channel: int, value: int) -> int:
    """By its definition, in fractions."""
    if requant is None:
        return value
    k, addend = (np.atleast_1d(a) for a in (requant.multiplier, requant.addend))
    place = channel if len(k) > 1 else 0
    exact = Fraction(int(k[place]) * value + int(addend[place]), 2**requant.shift)
    return min(max(floor(exact), requant.low), requant.high)


def by_hand(node: Node, images: list[IntArray], output: Tensor) -> IntArray:
    """One output after the other, for one image, as the definitions say."""
    result = np.zeros(output.shape, np.int64)
    if isinstance(node, Flatten):
        return images[0].reshape(-1)
    for place in itertools.product(*map(range, output.shape)):
        channel = place[0]
        if isinstance(node, Linear):
            values = zip(node.weights[channel].tolist(), images[0].tolist(), strict=True)
            total = sum(w * x for w, x in values)
            total += 0 if node.bias is None else int(node.bias[channel])
            result[place] = requantised(node.requant, channel, total)
        elif isinstance(node, Add):
            first, second = (int(image[place]) for image in images)
            total = requantised(node.first, 0, first) + requantised(node.second, 0, second)
            total = requantised(node.result, 0, total)
            result[place] = min(max(total, output.low), output.high)
        elif isinstance(node, Conv):
            per_group = len(node.weights) // node.groups
            total = 0 if node.bias is None else int(node.bias[channel])
            for i, r, c in itertools.product(*map(range, node.weights.shape[1:])):
                source = channel // per_group * node.weights.shape[1] + i
                row = place[1] * node.stride[0] + r - node.pads[0]
                column = place[2] * node.stride[1] + c - node.pads[1]
                total += int(node.weights[channel, i, r, c]) * (
                    pixel(images[0], source, row, column) or 0
                )
            result[place] = requantised(node.requant, channel, total)
        else:
            pads = node.pads if isinstance(node, MaxPool) else (0, 0, 0, 0)
            seen = [
                pixel(
                    images[0],
                    channel,
                    place[1] * node.stride[0] + r - pads[0],
                    place[2] * node.stride[1] + c - pads[1],
                )
                for r, c in itertools.product(*map(range, node.kernel))
            ]
            known = [value for value in seen if value is not None]
            if isinstance(node, MaxPool):
                result[place] = max(known)
            elif node.requant is None:
                result[place] = floor(Fraction(sum(known), node.area))
            else:
                result[place] = requantised(node.requant, channel, sum(known))
    return result


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_node_of_random_networks_computes_what_its_definition_says(seed: int) -> None:
    """Pixel by pixel, in Python's integers and fractions."""
    graph = random_graph(seed)
    values = run_all(graph, random_images(graph, 1))
    for node in graph.nodes:
        images = [values[name][0] for name in node.inputs]
        expected = by_hand(node, images, graph[node.output])
        np.testing.assert_array_equal(values[node.output][0], expected, err_msg=node.name)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_images_do_not_influence_each_other(seed: int) -> None:
    """A batch gives what its images give one by one, within the codes of every tensor."""
    graph = random_graph(seed)
    images = random_images(graph, 3)
    values = run_all(graph, images)
    alone = np.concatenate([run(graph, image[None]) for image in images])
    np.testing.assert_array_equal(values[graph.output], alone)
    for name, array in values.items():
        assert graph[name].low <= array.min() <= array.max() <= graph[name].high
        assert array.shape == (3, *graph[name].shape)


def tiny(requant: Requant | None) -> Graph:
    """One convolution that adds two codes of 4 bits."""
    weights = np.ones((1, 2, 1, 1), np.int64)
    output = Tensor("y", (1, 1, 1), 4) if requant else Tensor("y", (1, 1, 1), 32, True)
    layer = Conv("conv1", "x", "y", weights, 2, requant)
    return Graph("tiny", (Tensor("x", (2, 1, 1), 4), output), (layer,), "x", "y")


def test_an_accumulator_beyond_what_was_measured_is_reported() -> None:
    """A range that was measured is a claim, which the interpreter checks; the layer is named."""
    affine = Affine(np.array([0.5]), np.array([0.0]))
    seen = AccumulatorRange.measured(np.array([[[[3]]], [[[20]]]]))
    assert (seen.low[0], seen.high[0], seen.proven) == (3, 20, False)
    graph = tiny(requantise(affine, seen, bits=4))
    assert run(graph, np.array([[[[15]], [[5]]]]))[0, 0, 0, 0] == 10
    with pytest.raises(InputError, match=r"Node conv1: an accumulator of channel 0 is 30, beyond"):
        run(graph, np.array([[[[15]], [[15]]]]))


def test_an_accumulator_beyond_32_bits_is_reported() -> None:
    """A node may be executed alone, where no graph has proven anything."""
    layer = Linear("fc", "x", "y", np.full((1, 2), 127), 8)
    x, y = Tensor("x", (2,), 8), Tensor("y", (1,), 32, True)
    with pytest.raises(InputError, match="Layer fc: an accumulator does not fit into 32 bits"):
        execute(layer, (np.full((1, 2), 2**24),), (x,), y)


def test_images_of_another_shape_or_with_other_codes_are_refused() -> None:
    """The message says what the network reads."""
    graph = tiny(None)
    with pytest.raises(InputError, match=r"reads images of shape \(N, 2, 1, 1\), not \(2, 1, 1\)"):
        run(graph, np.zeros((2, 1, 1), np.int64))
    with pytest.raises(InputError, match="reads codes from 0 to 15, but the images hold -1 to 16"):
        run(graph, np.array([[[[-1]], [[16]]]]))
    with pytest.raises(InputError, match="Images must be integers, not float64"):
        run(graph, np.zeros((1, 2, 1, 1)))  # type: ignore[arg-type]


def test_a_known_adder() -> None:
    """Hand calculation: 3 and 10 of scales 2 and 1 are 6 + 10 = 16, clipped to 15."""
    inputs = (Tensor("a", (1, 1, 2), 4), Tensor("y", (1, 1, 2), 4))
    doubled = requantise(
        Affine(np.array(2.0), np.array(0.0)), AccumulatorRange.between(0, 15), bits=5
    )
    pool = MaxPool("pool", "a", "b", (1, 1))
    add = Add("add", ("a", "b"), "y", first=doubled)
    graph = Graph("add", (*inputs, Tensor("b", (1, 1, 2), 4)), (pool, add), "a", "y")
    np.testing.assert_array_equal(run(graph, np.array([[[[3, 6]]]])), [[[[9, 15]]]])


def test_a_known_mean() -> None:
    """Hand calculation: the mean of 1, 2, 4, 4 is 2.75: 2 rounded down, 3 requantised."""
    image = Tensor("x", (1, 2, 2), 4)
    images = np.array([[[[1, 2], [4, 4]]]])
    down = AveragePool("mean", "x", "y", (2, 2))
    quarter = Affine(np.array(0.25), np.array(0.0))
    nearest = AveragePool(
        "mean", "x", "y", (2, 2), requant=requantise(quarter, down.accumulators((image,)), bits=4)
    )
    for node, expected in ((down, 2), (nearest, 3)):
        graph = Graph("mean", (image, Tensor("y", (1, 1, 1), 4)), (node,), "x", "y")
        np.testing.assert_array_equal(run(graph, images), [[[[expected]]]])
