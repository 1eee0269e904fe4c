"""Agreement counts what differs, and where it arises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mpsolve.deploy import Graph
from mpsolve.training import IntegerNetwork, agreement, integerise
from tests.training.deployment.networks import Separable, images, quantised, randomise


def shifted(network: IntegerNetwork, layer: str) -> IntegerNetwork:
    """The network with a layer that adds half a step twice: the double rounding of some kernels."""
    graph = network.graph
    nodes = []
    for node in graph.nodes:
        if node.name == layer:
            requant = node.requant  # type: ignore[union-attr]
            assert requant is not None
            half = 1 << requant.shift - 1
            again = replace(requant, addend=requant.addend + half)
            node = replace(node, requant=again)  # type: ignore[arg-type]
        nodes.append(node)
    changed = Graph(graph.name, graph.tensors, tuple(nodes), graph.input, graph.output)
    return replace(network, graph=changed)


def test_a_layer_that_rounds_twice_is_found() -> None:
    """It alone has differences of its own, in about half of what is not clipped."""
    x = images(16)
    wrapped = quantised(randomise(Separable(), 1), x)
    network = integerise(wrapped)
    broken = agreement(shifted(network, "layers.4.0"), wrapped, x)
    for sound in broken.nodes[:-1]:  # the mean of four codes often ends in one half
        if sound.node == "layers.4.0":
            assert 0.2 < sound.own.rate < 0.8
            assert sound.own.largest == 1
        elif sound.node in network.graph.configuration():
            assert sound.own.rate < 0.01
    assert broken["layers.2.0"].total.rate < 0.01
    assert broken["layers.6.0"].total.rate > 0.05


def test_batches_change_nothing() -> None:
    """Counts are sums over all images."""
    x = images(10)
    wrapped = quantised(randomise(Separable(), 1), x)
    network = integerise(wrapped)
    first, second = (agreement(network, wrapped, x, batch_size=size) for size in (3, 10))
    assert first.images == second.images == 10
    for a, b in zip(first.nodes, second.nodes, strict=True):
        assert a.own.values == b.own.values
        # sums of single precision depend on how many images are computed at once
        assert a.total.different == pytest.approx(b.total.different, abs=2)


def test_classes_are_those_of_the_scores() -> None:
    """By hand: the greatest score of either."""
    x = images(10)
    wrapped = quantised(randomise(Separable(), 1), x, last_per_tensor=False)
    network = integerise(wrapped)
    theirs = wrapped(x).argmax(1).numpy()
    expected = np.count_nonzero(network.classify(x) == theirs)
    found = agreement(network, wrapped, x)
    assert found.same_class == expected
    assert found.class_rate == expected / 10
    assert f"same class: {expected} of 10" in str(found)
