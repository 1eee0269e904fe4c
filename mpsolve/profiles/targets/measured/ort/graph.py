"""An ONNX graph under construction, whose tensors may be held in several forms at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from mpsolve.typing import NumberArray

#: The step size of every quantised activation: a range of about +-8, for values of variance one.
SCALE = np.float32(1 / 16)
#: The code of zero among quantised activations.
ZERO = np.uint8(128)
OPSET = 18
IR_VERSION = 9


@dataclass(frozen=True, slots=True)
class Form:
    """How a tensor is held.

    Attributes
    ----------
    quantised
        As uint8 with `SCALE` and `ZERO`, else as float32.
    rows
        As ``(height * width, channels)``, which matrix products read, else as
        ``(1, channels, height, width)``.
    """

    quantised: bool = False
    rows: bool = False


class Graph:
    """Nodes, constants, and for each tensor the values that hold it.

    Parameters
    ----------
    tensors
        Name -> ``(channels, height, width)``.
    """

    def __init__(self, tensors: Mapping[str, tuple[int, int, int]]) -> None:
        self._onnx = import_onnx()
        self._tensors = tensors
        self._held: dict[str, dict[Form, str]] = {}
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self.constant("scale", SCALE)
        self.constant("zero", ZERO)

    def shape(self, tensor: str, rows: bool) -> tuple[int, ...]:
        """The shape of a tensor in a layout."""
        channels, *size = self._tensors[tensor]
        return (prod(size), channels) if rows else (1, channels, *size)

    def node(
        self, operator: str, inputs: Sequence[str], domain: str = "", **attributes: Any
    ) -> str:
        """Add an operator with one output, whose name is returned."""
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(
            self._onnx.helper.make_node(
                operator, list(inputs), [output], name=output, domain=domain, **attributes
            )
        )
        return output

    def constant(self, name: str, values: ArrayLike) -> str:
        """Add a constant."""
        self._constants[name] = self._onnx.numpy_helper.from_array(np.asarray(values), name)
        return name

    def dequantised(self, name: str, codes: NumberArray, scales: NumberArray, axis: int) -> str:
        """Add quantised constants and their dequantisation along an axis."""
        parts = {"": codes, "_scale": scales, "_zero": np.zeros(scales.shape, codes.dtype)}
        inputs = [self.constant(name + part, values) for part, values in parts.items()]
        return self.node("DequantizeLinear", inputs, axis=axis)

    def enter(self, tensor: str, form: Form) -> None:
        """Make a tensor an input of the graph, held in a form."""
        self._inputs.append(self._value(tensor, tensor, form))
        self._held[tensor] = {form: tensor}

    def leave(self, tensor: str, form: Form | None = None) -> None:
        """Make a tensor an output of the graph, by default in the form in which it was written."""
        form = form or self.form(tensor)
        name = f"{tensor}_out"
        held = self._fetch(tensor, form)
        self._nodes.append(self._onnx.helper.make_node("Identity", [held], [name]))
        self._outputs.append(self._value(name, tensor, form))

    def _value(self, name: str, tensor: str, form: Form) -> Any:
        kind = self._onnx.TensorProto.UINT8 if form.quantised else self._onnx.TensorProto.FLOAT
        return self._onnx.helper.make_tensor_value_info(name, kind, self.shape(tensor, form.rows))

    def form(self, tensor: str) -> Form:
        """The form in which a tensor was written."""
        return next(iter(self._held[tensor]))

    def read(self, tensor: str, form: Form) -> str:
        """The float32 value that a node in a form reads.

        A quantised node has a dequantisation of its own, which is fused with it.
        """
        held = self._fetch(tensor, form)
        return self._to_float(held) if form.quantised else held

    def write(self, tensor: str, value: str, form: Form) -> None:
        """Hold what a node computed in its form."""
        self._held[tensor] = {form: self._to_int8(value) if form.quantised else value}

    def requantised(self, value: str) -> str:
        """A float32 value, rounded to what uint8 can hold."""
        return self._to_float(self._to_int8(value))

    def _to_int8(self, value: str) -> str:
        return self.node("QuantizeLinear", [value, "scale", "zero"])

    def _to_float(self, value: str) -> str:
        return self.node("DequantizeLinear", [value, "scale", "zero"])

    def _fetch(self, tensor: str, form: Form) -> str:
        """The value that holds a tensor in a form; it is converted once."""
        held = self._held[tensor]
        if form not in held:
            origin = self.form(tensor)
            if origin.rows != form.rows:
                value = self._layout(tensor, self._fetch(tensor, origin), form.rows)
                held[Form(origin.quantised, form.rows)] = value
            if origin.quantised != form.quantised:
                value = held[Form(origin.quantised, form.rows)]
                convert = self._to_int8 if form.quantised else self._to_float
                held[form] = convert(value)
        return held[form]

    def _layout(self, tensor: str, value: str, rows: bool) -> str:
        channels, *size = self._tensors[tensor]
        if prod(size) == 1:
            return self.reshape(value, self.shape(tensor, rows))
        if rows:
            flat = self.reshape(value, (channels, prod(size)))
            return self.node("Transpose", [flat], perm=[1, 0])
        turned = self.node("Transpose", [value], perm=[1, 0])
        return self.reshape(turned, self.shape(tensor, rows))

    def reshape(self, value: str, shape: tuple[int, ...]) -> str:
        """Add a change of shape."""
        target = self.constant("shape_" + "x".join(map(str, shape)), np.array(shape, np.int64))
        return self.node("Reshape", [value, target])

    def model(self, name: str) -> bytes:
        """The finished model, serialised."""
        make = self._onnx.helper
        graph = make.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._constants.values())
        )
        opsets = [make.make_opsetid("", OPSET), make.make_opsetid("com.microsoft", 1)]
        model = make.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        return model.SerializeToString()


def import_onnx() -> Any:
    """The package onnx.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    with importing("onnx", "onnx", "Building a model"):
        import onnx
    return onnx
