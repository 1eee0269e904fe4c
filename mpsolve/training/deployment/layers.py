"""Layers, batch normalisation and activations of a traced model."""

from __future__ import annotations

from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.deploy.layers import Conv, Linear
from mpsolve.deploy.requantise import BatchNorm
from mpsolve.deploy.sums import Codes, LayerSums, PoolSums, Sums, unsupported
from mpsolve.training.deployment.nodes import pair, settings
from mpsolve.training.quantisers.quantiser import Quantiser

if TYPE_CHECKING:
    from torch import fx

    from mpsolve.training.deployment.walk import Walk
    from mpsolve.typing import FloatArray, IntArray


#: Largest values of activations that are never negative.
_RECTIFIERS = {"relu": inf, "relu6": 6.0}


def weighted(walk: Walk, node: fx.Node, name: str) -> Sums:
    """A convolution or a linear layer."""
    given, codes = settings(walk.program, node, name), walk.codes(node)
    layer, weights, bits, scale = _weights(walk, node, given["weight"])
    bias = _bias(walk, node, given["bias"], len(weights))
    made: Conv | Linear
    if name == "linear":
        made = Linear(layer, codes.tensor.name, "", weights, bits)
    else:
        if pair(given["dilation"]) != (1, 1):
            raise unsupported(node.name, "its kernel is dilated")
        pads, stride = _pads(given["padding"], weights.shape[2:]), pair(given["stride"])
        source, groups = codes.tensor.name, given["groups"]
        made = Conv(layer, source, "", weights, bits, groups=groups, stride=stride, pads=pads)
    return LayerSums(layer, walk.shape(node), made, codes, codes.scale * scale, bias)


def _weights(walk: Walk, node: fx.Node, weight: Any) -> tuple[str, IntArray, int, FloatArray]:
    """Name of the layer, codes, bits and ``(C,)`` scale."""
    quantiser = None
    if getattr(weight, "op", "") == "call_module":
        quantiser = walk.program.get_submodule(str(weight.target))
    (stored,) = weight.all_input_nodes if isinstance(quantiser, Quantiser) else (None,)
    if stored is None or stored.op != "get_attr" or str(stored.target) not in walk.layer_of:
        raise unsupported(node.name, "its weights are no quantised parameter")
    assert isinstance(quantiser, Quantiser)
    layer = walk.layer_of[str(stored.target)]
    if any(made.name == layer for made in walk.nodes):
        layer = f"{layer}.{node.name}"  # called before
    value = attrgetter(str(stored.target))(walk.program)
    weights = quantiser.integers(value).cpu().numpy().astype(np.int64)
    scale = _numbers(quantiser.scale_for(value)) * np.ones(len(weights))
    # The scale of a channel without weights says nothing, and is next to 0.
    off = ~weights.reshape(len(weights), -1).any(1)
    scale[off] = scale[~off].max(initial=0) or 1.0
    return layer, weights, quantiser.grid.bits, scale


def batch_norm(walk: Walk, node: fx.Node, name: str) -> Sums:
    """Part of the requantisation."""
    value = walk.operand(node)
    if not (isinstance(value, LayerSums) and value.plain):
        raise unsupported(node.name, "batch normalisation must follow a layer at once")
    norm: Any = walk.program.get_submodule(str(node.target))
    if norm.running_mean is None:
        raise unsupported(node.name, "it has no running statistics")
    mean, variance = _numbers(norm.running_mean), _numbers(norm.running_var)
    gamma = np.ones_like(mean) if norm.weight is None else _numbers(norm.weight)
    beta = np.zeros_like(mean) if norm.bias is None else _numbers(norm.bias)
    learnt = BatchNorm(gamma, beta, mean, variance, norm.eps)
    return value.normalise(learnt.factor, learnt.shift())


def clamp(walk: Walk, node: fx.Node, name: str) -> Sums:
    """An activation that clips; of codes, a window of one pixel clips them."""
    low, high = _limits(walk, node, name)
    value = walk.operand(node)
    if isinstance(value, Codes):
        value = PoolSums(node.name, value.tensor.shape, value, (1, 1), (1, 1))
    return value.clamp(low, high)


def _limits(walk: Walk, node: fx.Node, name: str) -> tuple[float, float]:
    if name in _RECTIFIERS:
        return 0.0, _RECTIFIERS[name]
    given = settings(walk.program, node, name)
    numbers = []
    for value, default in zip([*given.values()][:2], (-inf, inf), strict=False):
        if not isinstance(value, int | float | None):
            raise unsupported(node.name, f"its limit {value} is no number")
        numbers.append(default if value is None else float(value))
    return numbers[0], ([*numbers, inf])[1]


def _numbers(tensor: Any) -> FloatArray:
    numbers: FloatArray = tensor.detach().cpu().numpy().astype(np.float64)
    return numbers


def _bias(walk: Walk, node: fx.Node, stored: Any, channels: int) -> FloatArray:
    if stored is None:
        return np.zeros(channels)
    if getattr(stored, "op", "") != "get_attr":
        raise unsupported(node.name, "its bias is no parameter")
    return _numbers(attrgetter(str(stored.target))(walk.program))


def _pads(padding: Any, kernel: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, left, bottom and right; ``same`` pads odd rows at the end, as torch does."""
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding == "same":
        height, width = (k - 1 for k in kernel)
        return (height // 2, width // 2, height - height // 2, width - width // 2)
    return (*pair(padding), *pair(padding))
