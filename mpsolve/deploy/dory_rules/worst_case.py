"""How large the numbers of a requantisation in a file can become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.dory_rules.attributes import numbers
from mpsolve.deploy.dory_rules.file import LAYERS
from mpsolve.deploy.requant import AccumulatorRange, magnitude
from mpsolve.deploy.tensor import Tensor

if TYPE_CHECKING:
    import onnx

    from mpsolve.deploy.dory_rules.file import DoryFile
    from mpsolve.typing import IntArray, NumberArray


def bound(file: DoryFile, node: onnx.NodeProto) -> int | None:
    """The largest magnitude of k acc + l behind a layer or pool; None if there is none.

    None also where another rule finds the numbers wanting.
    """
    requant = file.requantisation_of(node)
    names = file.data(node)
    codes = file.codes.get(names[0]) if names else None
    if requant is None or requant.add is None or codes is None or not 1 <= codes[0] <= 8:
        return None
    k, addend = file.constant(requant.mul), file.constant(requant.add)
    if k is None or addend is None or k.size != addend.size:
        return None
    tensor = Tensor(names[0], (1,), *codes)
    if node.op_type == "AveragePool" or node.op_type == "GlobalAveragePool":
        area = pool_area(file, node)
        accumulators = AccumulatorRange.between(area * tensor.low, area * tensor.high)
        return int(magnitude(_integers(k) // max(area, 1), _integers(addend), accumulators).max())
    weights = file.weights(node) if node.op_type in LAYERS else None
    if weights is None:
        return None
    rows = _integers(output_first(node, weights))
    bias = next((file.constants[n] for n in file.constant_names(node) if "bias" in n), None)
    start = None if bias is None else _integers(bias).ravel()
    if len(rows) != k.size or (start is not None and len(start) != len(rows)):
        return None
    accumulators = AccumulatorRange.worst_case(rows, tensor, start)
    return int(magnitude(_integers(k).ravel(), _integers(addend).ravel(), accumulators).max())


def pool_area(file: DoryFile, node: onnx.NodeProto) -> int:
    """Pixels of a window; 0 if the file does not say."""
    if node.op_type == "GlobalAveragePool":
        return int(np.prod(file.shapes.get(file.first(node), (0, 0, 0))[2:]))
    return int(np.prod(numbers(node, "kernel_shape") or [0]))


def output_first(node: onnx.NodeProto, weights: NumberArray) -> NumberArray:
    """Weights with the output channels first."""
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return weights if node.op_type == "Conv" or transposed else weights.T


def _integers(values: NumberArray) -> IntArray:
    return np.rint(values).astype(np.int64)
