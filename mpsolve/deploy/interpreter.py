"""Run an integer graph in NumPy: slow, and the reference that all files are compared with.

All numbers are int64, and every accumulator is compared with the range for which its layer was
proven: what kernels compute in 32 bits is the same, or is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.layers import Conv, Linear
from mpsolve.deploy.operators import Add, AveragePool, Flatten, MaxPool
from mpsolve.deploy.requant import integers
from mpsolve.deploy.tensor import ACCUMULATOR_BITS, limits
from mpsolve.deploy.windows import windows
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.deploy.graph import Graph
    from mpsolve.deploy.nodes import Node
    from mpsolve.deploy.requant import Requant
    from mpsolve.deploy.tensor import Tensor
    from mpsolve.typing import IntArray


def run(graph: Graph, images: IntArray) -> IntArray:
    """The output of a graph.

    Parameters
    ----------
    graph
        The network.
    images
        ``(N, C, H, W)`` codes of its input.

    Returns
    -------
    ``(N, ...)`` int64 codes of its output, or accumulators.

    Raises
    ------
    InputError
        If the images have another shape or codes beyond those of the input, or an accumulator
        leaves the range that was measured for its layer, which the message names.
    """
    return run_all(graph, images)[graph.output]


def run_all(graph: Graph, images: IntArray) -> dict[str, IntArray]:
    """Every tensor of a graph, by name, in the order in which they are written; see `run`."""
    images = integers("Images", images)
    tensor = graph[graph.input]
    if images.shape[1:] != tensor.shape or not len(images):
        raise InputError(
            f"{graph.name} reads images of shape (N, {', '.join(map(str, tensor.shape))}), not "
            f"{images.shape}."
        )
    if images.min() < tensor.low or images.max() > tensor.high:
        raise InputError(
            f"{graph.name} reads codes from {tensor.low} to {tensor.high}, but the images hold "
            f"{images.min()} to {images.max()}."
        )
    values = {graph.input: images}
    for node in graph.nodes:
        inputs = graph.inputs_of(node)
        arrays = tuple(values[name] for name in node.inputs)
        values[node.output] = execute(node, arrays, inputs, graph[node.output])
    return values


def requantise_array(name: str, accumulators: IntArray, requant: Requant) -> IntArray:
    """``clip((k acc + l) >> d)`` of ``(N, C, ...)`` accumulators, rounding down.

    Raises
    ------
    InputError
        If one of them is none for which the requantisation was proven.
    """
    k, addend, low, high = (
        array.reshape(1, -1, *[1] * (accumulators.ndim - 2)) if array.ndim else array
        for array in (
            requant.multiplier,
            requant.addend,
            requant.accumulators.low,
            requant.accumulators.high,
        )
    )
    outside = (accumulators < low) | (accumulators > high)
    if outside.any():
        place = np.unravel_index(int(outside.argmax()), outside.shape)
        raise InputError(
            f"Node {name}: an accumulator of channel {place[1]} is {accumulators[place]}, beyond "
            f"the range in which {requant.width} bits were shown to hold k acc + l; derive the "
            "requantisation from the worst case, or measure on more images."
        )
    # numpy's shift of negative numbers is arithmetic, as that of the kernels
    return np.clip((k * accumulators + addend) >> requant.shift, requant.low, requant.high)


def execute(
    node: Node, arrays: tuple[IntArray, ...], inputs: tuple[Tensor, ...], output: Tensor
) -> IntArray:
    """What a node makes of its inputs ``(N, ...)``."""
    match node:
        case Conv():
            return _finish(node, _convolve(node, arrays[0], output))
        case Linear():
            return _finish(node, arrays[0] @ node.weights.T)
        case Add():
            return _add(node, arrays, output)
        case AveragePool():
            total = np.sum([seen for *_, seen in windows(arrays[0], node.kernel, node.stride)], 0)
            if node.requant is None:
                return total // node.area
            return requantise_array(node.name, total, node.requant)
        case MaxPool():
            everywhere = windows(arrays[0], node.kernel, node.stride, node.pads, inputs[0].low)
            return np.max([seen for *_, seen in everywhere], 0)
        case Flatten():
            return arrays[0].reshape(len(arrays[0]), -1)


def _convolve(node: Conv, images: IntArray, output: Tensor) -> IntArray:
    """Sums of products, one kernel position after the other."""
    weights = node.weights.reshape(node.groups, -1, *node.weights.shape[1:])  # G, O/G, I/G, KH, KW
    total: IntArray = np.zeros((len(images), *output.shape), np.int64)
    for row, column, seen in windows(images, node.kernel, node.stride, node.pads):
        columns = seen.reshape(len(images), node.groups, weights.shape[2], -1)
        total += (weights[..., row, column] @ columns).reshape(total.shape)
    return total


def _finish(node: Conv | Linear, accumulators: IntArray) -> IntArray:
    """Add the bias, check, and requantise unless the layer is the last."""
    if node.bias is not None:
        accumulators = accumulators + node.bias.reshape(-1, *[1] * (accumulators.ndim - 2))
    low, high = limits(ACCUMULATOR_BITS, True)
    if accumulators.min() < low or accumulators.max() > high:
        raise InputError(f"Layer {node.name}: an accumulator does not fit into 32 bits.")
    if node.requant is None:
        return accumulators
    return requantise_array(node.name, accumulators, node.requant)


def _add(node: Add, arrays: tuple[IntArray, ...], output: Tensor) -> IntArray:
    """Requantise each input, add, requantise the sum, clip."""
    addends = [
        array if requant is None else requantise_array(node.name, array, requant)
        for requant, array in zip((node.first, node.second), arrays, strict=True)
    ]
    total = addends[0] + addends[1]
    if node.result is not None:
        total = requantise_array(node.name, total, node.result)
    return np.clip(total, output.low, output.high)
