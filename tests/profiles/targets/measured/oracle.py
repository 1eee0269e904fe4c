"""Networks computed with NumPy alone, in float64 and in integers, from the constants of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from mpsolve.profiles.networks import LayerType, Network, Node
    from mpsolve.typing import NumberArray

#: The step and the zero of activations in int8.
SCALE, ZERO = 1 / 16, 128


def constants(model: bytes) -> dict[str, NumberArray]:
    """The constants of a model by name."""
    graph = onnx.load_from_string(model).graph
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}


def quantise(x: NumberArray) -> NumberArray:
    """To uint8 codes, halves to even."""
    return np.clip(np.rint(np.float32(x) / np.float32(SCALE)) + ZERO, 0, 255).astype(np.uint8)


def dequantise(codes: NumberArray) -> NumberArray:
    """From uint8 codes."""
    return (codes.astype(np.float64) - ZERO) * SCALE


def convolve(x: NumberArray, weights: NumberArray, layer_type: LayerType) -> NumberArray:
    """The products of ``(C, H, W)`` inputs and ``(O, C / groups, kh, kw)`` weights, summed.

    Integers stay integers. Missing rows and columns are zeros.
    """
    (kh, kw), (sh, sw) = layer_type.kernel, layer_type.stride
    (dh, dw), (ph, pw) = layer_type.dilation, layer_type.padding
    (h, w), groups = layer_type.out_size, layer_type.groups
    need_h, need_w = (h - 1) * sh + dh * (kh - 1) + 1, (w - 1) * sw + dw * (kw - 1) + 1
    after = [max(0, n - s - p) for n, s, p in zip((need_h, need_w), x.shape[1:], (ph, pw))]
    padded = np.pad(x, ((0, 0), (ph, after[0]), (pw, after[1])))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(1, 2))[:, ::sh, ::sw, ::dh, ::dw]
    windows = windows[:, :h, :w].reshape(groups, -1, h, w, kh, kw)
    filters = weights.reshape(groups, -1, *weights.shape[1:])
    return np.einsum("gchwij,gocij->gohw", windows, filters).reshape(-1, h, w)


def float_layer(
    x: NumberArray, layer_type: LayerType, known: dict[str, NumberArray], name: str
) -> NumberArray:
    """A layer in float64 with the weights of a model, ``(C, H, W)`` to ``(O, h, w)``."""
    weights, bias = (known[f"{name}_{part}"].astype(np.float64) for part in ("weights", "bias"))
    if layer_type.kind == "linear":
        weights = weights.T[:, :, None, None]
    return convolve(x, weights, layer_type) + bias[:, None, None]


def int8_layer(
    codes: NumberArray, layer_type: LayerType, known: dict[str, NumberArray], name: str
) -> NumberArray:
    """A layer in integers: uint8 codes to uint8 codes."""
    weights = known[f"{name}_weights"].astype(np.int64)
    if layer_type.kind == "linear":
        weights = weights.T[:, :, None, None]
    sums = convolve(codes.astype(np.int64) - ZERO, weights, layer_type)
    sums += known[f"{name}_bias"].astype(np.int64)[:, None, None]
    scale = known[f"{name}_weights_scale"].astype(np.float64)[:, None, None]
    return np.clip(np.rint(sums * scale) + ZERO, 0, 255).astype(np.uint8)  # SCALE in and out


def compute(
    network: Network, int8: set[str], inputs: dict[str, NumberArray], model: bytes
) -> dict[str, NumberArray]:
    """Every tensor of a network as float64, ``(C, H, W)``.

    Parameters
    ----------
    network
        Without linear layers of few bits.
    int8
        The nodes that compute in int8: they round what they read and what they write.
    inputs
        Of the network.
    model
        Whose weights are used.
    """
    known = constants(model)
    values = dict(inputs)
    for node in network.nodes:
        reads = [values[tensor] for tensor in node.inputs]
        rounded = node.name in int8
        if rounded and node.layer_type is not None:
            codes = int8_layer(quantise(reads[0]), node.layer_type, known, node.layer)
            values[node.output] = dequantise(codes)
            continue
        if rounded:
            reads = [dequantise(quantise(read)) for read in reads]
        value = _float_node(node, reads, network.tensors[node.output], known)
        values[node.output] = dequantise(quantise(value)) if rounded else value
    return values


def _float_node(
    node: Node, reads: list[NumberArray], shape: tuple[int, int, int], known: dict[str, NumberArray]
) -> NumberArray:
    if node.layer_type is not None:
        return float_layer(reads[0], node.layer_type, known, node.layer)
    if node.operator == "add":
        return np.sum(reads, axis=0)
    if node.operator == "mul":
        return np.prod(np.broadcast_arrays(*reads), axis=0)
    if node.operator == "concat":
        return np.concatenate(reads)
    if node.operator == "reshape":
        return reads[0].reshape(shape)
    if shape[1:] == (1, 1):
        return reads[0].mean(axis=(1, 2), keepdims=True)
    channels, height, width = reads[0].shape
    down, across = -(-height // shape[1]), -(-width // shape[2])
    blocks = np.full((channels, shape[1] * down, shape[2] * across), -np.inf)
    blocks[:, :height, :width] = reads[0]
    return blocks.reshape(channels, shape[1], down, shape[2], across).max(axis=(2, 4))
