"""Adders, pools and changes of shape of a traced model."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from mpsolve.deploy.operators import Flatten, MaxPool
from mpsolve.deploy.sums import AdderSums, Codes, PoolSums, Sums, unsupported
from mpsolve.training.deployment.nodes import pair, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import fx

    from mpsolve.training.deployment.walk import Walk


def add(walk: Walk, node: fx.Node, name: str) -> Sums:
    """The sum of two tensors of codes."""
    if settings(walk.program, node, name)["alpha"] != 1:
        raise unsupported(node.name, "its second input is multiplied by alpha")
    if len(node.all_input_nodes) < 2 and node.args[0] is not node.args[-1]:
        raise unsupported(node.name, "it adds a number")
    operands = walk.codes(node, 0), walk.codes(node, 1)
    return AdderSums(node.name, walk.shape(node), operands, low=_low(*operands))


def max_pool(walk: Walk, node: fx.Node, name: str) -> Codes | Sums:
    """It chooses among codes, also among those that are yet to be quantised."""
    given = settings(walk.program, node, name)
    kernel = pair(given["kernel_size"])
    stride, pads = pair(given["stride"], kernel), pair(given["padding"])
    if given["ceil_mode"] or given["return_indices"] or pair(given["dilation"]) != (1, 1):
        raise unsupported(node.name, "ceil_mode, indices and dilation are not supported")

    def make(before: str, after: str) -> MaxPool:
        return MaxPool(node.name, before, after, kernel, stride, (*pads, *pads))

    return _then(walk, node, make)


def flatten(walk: Walk, node: fx.Node, name: str) -> Codes | Sums:
    """Any change of shape that keeps the order of values and the batch."""
    value, shape = walk.operand(node), walk.shape(node)
    before = value.tensor.shape if isinstance(value, Codes) else _last_shape(value)
    if [size for size in shape if size > 1] == [size for size in before if size > 1] and (
        len(shape) > 1 or shape == before
    ):
        return value  # until nothing but channels is left, sizes of 1 come and go
    if len(shape) != 1 or walk.shapes[node][0] != 1:
        raise unsupported(node.name, f"it makes {shape} of {before}; only flattening is known")
    return _then(walk, node, lambda before, after: Flatten(node.name, before, after))


def _then(walk: Walk, node: fx.Node, make: Callable[[str, str], Flatten | MaxPool]) -> Codes | Sums:
    """At once on codes, and on sums once they are codes."""
    value, shape = walk.operand(node), walk.shape(node)
    if isinstance(value, Sums):
        return value.then(make, shape)
    walk.nodes.append(make(value.tensor.name, node.name))
    before = value.tensor
    tensor = walk.tensor(node.name, shape, before.bits, before.signed, value.scale)
    return Codes(tensor, value.scale)


def average_pool(walk: Walk, node: fx.Node, name: str) -> Sums:
    """The mean of windows, requantised."""
    codes, shape = walk.codes(node), walk.shape(node)
    size = codes.tensor.shape[1:]
    if len(size) != 2:
        raise unsupported(node.name, "it reads no image")
    if name == "avgpool2d":
        given = settings(walk.program, node, name)
        kernel = pair(given["kernel_size"])
        stride = pair(given["stride"], kernel)
        if given["ceil_mode"] or given["divisor_override"] or pair(given["padding"]) != (0, 0):
            raise unsupported(
                node.name, "ceil_mode, divisor_override and padding are not supported"
            )
    elif name == "mean":
        dims = settings(walk.program, node, name)["dim"]
        if not isinstance(dims, tuple | list) or sorted(dim % 4 for dim in dims) != [2, 3]:
            raise unsupported(node.name, "means are taken over height and width")
        kernel = stride = pair(size)
    else:
        if size[0] % shape[1] or size[1] % shape[2]:
            raise unsupported(node.name, f"windows of {shape[1:]} do not divide {size}")
        kernel = stride = (size[0] // shape[1], size[1] // shape[2])
    windows = tuple((s - k) // step + 1 for s, k, step in zip(size, kernel, stride, strict=True))
    value: Sums = PoolSums(node.name, (shape[0], *windows), codes, kernel, stride, low=_low(codes))
    if len(shape) == 1:
        flat = f"{node.name}.flatten"
        value = value.then(lambda before, after: Flatten(flat, before, after), shape)
    return value


def identity(walk: Walk, node: fx.Node, name: str) -> Codes | Sums:
    """Nothing in evaluation."""
    return walk.operand(node)


def _last_shape(value: Sums) -> tuple[int, ...]:
    return value.after[-1][1] if value.after else value.shape


def _low(*operands: Codes) -> float:
    """What sums of codes do not fall below."""
    return -inf if any(codes.tensor.signed for codes in operands) else 0.0
