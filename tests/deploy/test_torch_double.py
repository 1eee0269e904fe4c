"""Integer networks in torch's double precision, which is exact below 2^53."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from mpsolve.deploy import Add, AveragePool, Conv, Flatten, Linear, MaxPool, Requant
from mpsolve.deploy.interpreter import run_all
from tests.deploy.networks import random_graph, random_images

if TYPE_CHECKING:
    from mpsolve.deploy.nodes import Node


def requantised(x: Tensor, requant: Requant | None) -> Tensor:
    """``clip(floor((k x + l) / 2^d))``."""
    if requant is None:
        return x
    k, addend = (
        torch.tensor(a, dtype=torch.float64).reshape(-1, *[1] * (x.ndim - 2))
        for a in (requant.multiplier, requant.addend)
    )
    return ((k * x + addend) / 2.0**requant.shift).floor().clamp(requant.low, requant.high)


def padded(x: Tensor, pads: tuple[int, int, int, int], value: float = 0.0) -> Tensor:
    """With rows and columns at the top, left, bottom and right."""
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value)


def by_torch(node: Node, inputs: list[Tensor], low: int, high: int) -> Tensor:
    """What torch makes of the codes that a node reads."""
    x = inputs[0]
    if isinstance(node, Conv | Linear):
        weights = torch.tensor(node.weights, dtype=torch.float64)
        bias = None if node.bias is None else torch.tensor(node.bias, dtype=torch.float64)
        if isinstance(node, Linear):
            return requantised(F.linear(x, weights, bias), node.requant)
        sums = F.conv2d(padded(x, node.pads), weights, bias, node.stride, groups=node.groups)
        return requantised(sums, node.requant)
    if isinstance(node, Add):
        total = requantised(x, node.first) + requantised(inputs[1], node.second)
        return requantised(total, node.result).clamp(low, high)
    if isinstance(node, MaxPool):
        return F.max_pool2d(padded(x, node.pads, -torch.inf), node.kernel, node.stride)
    if isinstance(node, AveragePool):
        sums = F.avg_pool2d(x, node.kernel, node.stride, divisor_override=1)
        return requantised(sums, node.requant) if node.requant else (sums / node.area).floor()
    assert isinstance(node, Flatten)
    return x.flatten(1)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_tensor_of_random_networks_is_equal(seed: int) -> None:
    """Residual, depthwise, grouped and strided, 2 to 8 bits, of either sign, with all pools."""
    graph = random_graph(seed)
    images = random_images(graph, 3)
    codes = run_all(graph, images)
    values = {graph.input: torch.tensor(images, dtype=torch.float64)}
    for node in graph.nodes:
        inputs, output = [values[name] for name in node.inputs], graph[node.output]
        values[node.output] = by_torch(node, inputs, output.low, output.high)
        np.testing.assert_array_equal(values[node.output].numpy(), codes[node.output], node.name)
