"""The shapes of all values in an ONNX graph.

Exporters compute the target of a reshape or an expansion by operators, from the shapes of other
values. Inference follows the simplest of these computations; the others are carried out here, and
their results take their place, until nothing is left to compute.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A computation with shapes has no more elements than this; anything larger is weights.
LARGEST = 1024


def infer_shapes(model: Any) -> tuple[Any, str]:
    """The model with the shapes that could be found, and why others could not, or nothing."""
    import onnx.shape_inference

    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    while not _complete(model.graph) and _fold(model.graph):
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    if _complete(model.graph):
        return model, ""
    try:
        onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        return model, str(error).strip()
    return model, ""


def known_dims(graph: Any) -> dict[str, tuple[int, ...]]:
    """Value -> shape, where all sizes are known."""
    dims = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        sizes = tuple(axis.dim_value for axis in kind.shape.dim)
        if kind.HasField("shape") and all(size > 0 for size in sizes):
            dims.setdefault(value.name, sizes)
    return dims


def _complete(graph: Any) -> bool:
    dims = known_dims(graph)
    return all(output in dims for node in graph.node for output in node.output[:1])


def _fold(graph: Any) -> bool:
    """Compute what depends on constants and known shapes alone; whether there was anything."""
    from onnx import numpy_helper

    dims = known_dims(graph)
    small = (tensor for tensor in graph.initializer if prod(tensor.dims) <= LARGEST)
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in small}
    values = {name: array for name, array in arrays.items() if _may_be_a_shape(array)}
    left = []
    for node in graph.node:
        results = _computed(node, values, dims)
        if results is None:
            left.append(node)
            continue
        for name, result in zip(node.output, results, strict=True):
            values[name] = result
            graph.initializer.append(numpy_helper.from_array(result, name))
    folded = len(left) < len(graph.node)
    del graph.node[:]
    graph.node.extend(left)
    return folded


def _computed(
    node: Any, values: Mapping[str, np.ndarray[Any, Any]], dims: Mapping[str, tuple[int, ...]]
) -> list[np.ndarray[Any, Any]] | None:
    """What a node writes, if it is about shapes and nothing is missing."""
    from onnx.reference import ReferenceEvaluator

    inputs = {name: values[name] for name in node.input if name in values}
    if node.op_type == "Shape" and node.input[0] in dims:
        inputs[node.input[0]] = np.empty(dims[node.input[0]], np.int8)
    if any(name and name not in inputs for name in node.input):
        return None
    try:
        results = [np.asarray(y) for y in ReferenceEvaluator(node).run(None, inputs)]
    except Exception:  # an operator that the evaluator lacks
        return None
    return results if all(map(_may_be_a_shape, results)) else None


def _may_be_a_shape(array: np.ndarray[Any, Any]) -> bool:
    """Whether a value can be part of a computation with shapes; any other matrix is weights."""
    whole = array.dtype in (np.int32, np.int64, np.bool_)
    return array.size <= LARGEST and (array.ndim < 2 or whole)
