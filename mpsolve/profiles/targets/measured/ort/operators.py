"""Operators without weights in a model: sums, products, pools, and changes of shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.profiles.targets.measured.ort.graph import Form

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network, Node
    from mpsolve.profiles.targets.measured.ort.graph import Graph


def operator(graph: Graph, network: Network, node: Node, form: Form) -> tuple[str, Form]:
    """The value of an operator without weights, and its form."""
    shapes = [network.tensors[tensor] for tensor in node.inputs]
    result = network.tensors[node.output]
    written = graph.form(node.inputs[0])
    same = all(shape == result for shape in shapes)
    if node.operator == "reshape":
        form = Form(form.quantised, rows=written.rows and shapes[0][0] == result[0])
        read = graph.read(node.inputs[0], form)
        return graph.reshape(read, graph.shape(node.output, form.rows)), form
    if node.operator == "pool":
        read = graph.read(node.inputs[0], form)
        return _pool(graph, node, read, shapes[0], result), form
    if node.operator == "concat":
        axis = _concat_axis(node, shapes, result)
        reads = [graph.read(tensor, form) for tensor in node.inputs]
        return graph.node("Concat", reads, axis=axis), form
    form = Form(form.quantised, rows=written.rows and same)
    reads = [graph.read(tensor, form) for tensor in node.inputs]
    value, *others = reads
    for i, other in enumerate(others):
        if i and form.quantised:
            value = graph.requantised(value)
        value = graph.node(node.operator.capitalize(), [value, other])
    return value, form


def _pool(
    graph: Graph,
    node: Node,
    read: str,
    size: tuple[int, int, int],
    result: tuple[int, int, int],
) -> str:
    """Average over everything, or the maximum of windows that do not overlap."""
    if result[1:] == (1, 1):
        return graph.node("GlobalAveragePool", [read])
    window = [-(-a // b) for a, b in zip(size[1:], result[1:], strict=True)]
    covered = [-(-a // w) for a, w in zip(size[1:], window, strict=True)]
    if tuple(covered) != result[1:]:
        raise InputError(
            f"Node {node.name}: no windows of one size pool {size[1]}x{size[2]} to "
            f"{result[1]}x{result[2]}."
        )
    partial = any(a % w for a, w in zip(size[1:], window, strict=True))
    more: dict[str, Any] = {"ceil_mode": 1} if partial else {}
    return graph.node("MaxPool", [read], kernel_shape=window, strides=window, **more)


def _concat_axis(
    node: Node, shapes: list[tuple[int, int, int]], result: tuple[int, int, int]
) -> int:
    for axis in range(3):
        joined = list(shapes[0])
        joined[axis] = sum(shape[axis] for shape in shapes)
        if tuple(joined) == result:
            return axis + 1
    raise InputError(f"Node {node.name}: its inputs do not join to its output along one axis.")
