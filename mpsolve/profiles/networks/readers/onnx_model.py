"""An ONNX file with the shape of every value in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.profiles.files import read_file
from mpsolve.profiles.networks.readers.onnx_shapes import LARGEST, infer_shapes, known_dims
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A model whose shapes are known.

    Attributes
    ----------
    name
        The stem of the file.
    source
        The file, for messages.
    graph
        The ONNX graph, without local functions.
    dims
        Value -> shape, where inference found one.
    problem
        Why it did not find all of them, or nothing.
    """

    name: str
    source: str
    graph: Any
    dims: Mapping[str, tuple[int, ...]]
    problem: str


def load_onnx(path: Path, shapes: Mapping[str, Sequence[int]]) -> OnnxModel:
    """Load a model and infer its shapes.

    Parameters
    ----------
    path
        The file; weights in further files are not read.
    shapes
        Input -> shape, for inputs with dynamic axes.

    Raises
    ------
    InputError
        If the file is no ONNX model, or an axis other than the batch is dynamic.
    """
    with importing("onnx", "onnx", "Reading an ONNX file"):
        import onnx
        import onnx.inliner
        from google.protobuf.message import DecodeError
    try:
        model = onnx.load_model_from_string(read_file(path))
    except DecodeError as error:
        raise InputError(f"{path} is not a readable ONNX file: {error}.") from error
    if not model.graph.node:
        raise InputError(f"{path} is not a readable ONNX file: it holds no operators.")
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _fix_inputs(model.graph, shapes, str(path))
    _forget_weights(model.graph)
    model, problem = infer_shapes(model)
    return OnnxModel(path.stem, str(path), model.graph, known_dims(model.graph), problem)


def _fix_inputs(graph: Any, shapes: Mapping[str, Sequence[int]], source: str) -> None:
    """Give every input its shape, and forget shapes that were inferred without them."""
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    if unknown := [name for name in shapes if name not in inputs]:
        raise InputError(f"{source} has no input {unknown[0]!r}; it has {', '.join(inputs)}.")
    for name, value in inputs.items():
        axes = value.type.tensor_type.shape.dim
        known = [axis.dim_value if axis.dim_value > 0 else axis.dim_param or "?" for axis in axes]
        batch = [size if isinstance(size, int) else 1 for size in known[:1]]  # dynamic: 1
        sizes = shapes.get(name, [*batch, *known[1:]])
        if len(sizes) != len(axes):
            raise InputError(f"{source}: the input {name} has {len(axes)} axes, not {len(sizes)}.")
        if not all(isinstance(size, int) for size in sizes):
            example = ", ".join(str(size if isinstance(size, int) else 224) for size in sizes)
            raise InputError(
                f"{source}: the input {name} has the shape ({', '.join(map(str, known))}); "
                f"give its sizes, such as shapes={{{name!r}: ({example})}}."
            )
        for axis, size in zip(axes, sizes, strict=True):
            axis.dim_value = size
    for value in (*graph.value_info, *graph.output):
        sizes = value.type.tensor_type.shape.dim
        if shapes or not all(axis.dim_value > 0 for axis in sizes):
            value.type.tensor_type.ClearField("shape")


def _forget_weights(graph: Any) -> None:
    """Leave out values that no shape depends on, so that large models need little memory."""
    for tensor in graph.initializer:
        if prod(tensor.dims) > LARGEST:
            for values in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
                tensor.ClearField(values)
