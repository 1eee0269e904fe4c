"""Write an integer graph for DORY, which generates C code for PULP microcontrollers.

DORY's Quantlab frontend reads an ONNX file of operator set 10 in its own dialect: tensors named by
increasing numbers, limits and bits as attributes, every requantisation as
Mul - Add - Div - Floor - Clip, adders with all numbers in attributes. ``dory_rules`` holds the
rules one by one, and every file is checked against them before it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.deploy.dory_rules import check
from mpsolve.deploy.layers import Conv, Linear
from mpsolve.deploy.onnx_file import Builder, annotate, require_onnx
from mpsolve.deploy.operators import Add, AveragePool, Flatten, MaxPool
from mpsolve.errors import InputError

if TYPE_CHECKING:
    import onnx

    from mpsolve.deploy.graph import Graph
    from mpsolve.deploy.nodes import Node
    from mpsolve.deploy.requant import Requant

#: ``Clip`` has its limits as attributes up to operator set 10.
OPSET, IR_VERSION = 10, 5
INPUT = "0"
#: Integers up to it are exact in double precision.
EXACT = 1 << 53


def to_dory(graph: Graph) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """The model and the entries of the configuration file that describe it.

    Raises
    ------
    InputError
        If DORY could not read the graph; the message holds one sentence for every reason.
    MissingDependencyError
        Without onnx.
    """
    require_onnx("Writing a network for DORY")
    from onnx import TensorProto, helper

    emitter = _Emitter(graph)
    for node in graph.nodes:
        emitter.emit(node)
    information = (
        helper.make_tensor_value_info(
            emitter.names[name], TensorProto.DOUBLE, [1, *graph[name].shape]
        )
        for name in (graph.input, graph.output)
    )
    model = emitter.model(graph.name, *information, opset=OPSET, ir_version=IR_VERSION)
    entries = {
        "BNRelu_bits": max([32, *emitter.widths]),
        "input_bits": graph[graph.input].bits,
        "input_signed": graph[graph.input].signed,
    }
    if violations := check(model, entries):
        reasons = "".join(f"\n  {violation.message}" for violation in violations)
        raise InputError(f"DORY cannot read {graph.name}:{reasons}")
    return model, entries


class _Emitter(Builder):
    """Numbers are doubles, which hold all integers up to 2^53; DORY casts them back."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.names = {graph.input: INPUT}
        self.widths: list[int] = []
        self.outputs = 0

    def emit(self, node: Node) -> None:
        """The operators of one node, the last of which writes its output."""
        match node:
            case Conv():
                self._conv(node)
            case Linear():
                self._linear(node)
            case Add():
                self._adder(node)
            case AveragePool():
                pooled = self._pool("AveragePool", node)
                self._requantised(node, pooled, node.requant, (), node.area)
            case MaxPool():
                self.names[node.output] = self._pool("MaxPool", node, pads=node.pads)
            case Flatten():
                flat = self._next("Flatten", [self.names[node.input]], axis=1)
                self.names[node.output] = flat

    def _next(self, operator: str, inputs: list[str], **options: Any) -> str:
        """An operator whose output has the next number; its name must not tell DORY anything."""
        self.outputs += 1
        return self.node(
            operator, inputs, str(self.outputs), name=f"{operator}_{self.outputs}", **options
        )

    def _constant(self, what: str, values: Any) -> str:
        """An initialiser whose name tells only its role."""
        if np.abs(values).max() > EXACT:
            raise InputError(
                f"{self.graph.name}: a {what} of {np.abs(values).max()} is beyond the 2^53 that "
                "files for DORY hold exactly; requantise with a lower shift."
            )
        name = f"constant{len(self.constants)}.{what}"
        return self.constant(name, np.asarray(values, np.float64))

    def _conv(self, node: Conv) -> None:
        accumulators = self._next(
            "Conv",
            [self.names[node.input], self._constant("weight", node.weights), *self._bias(node)],
            kernel_shape=node.kernel,
            strides=node.stride,
            pads=node.pads,
            dilations=(1, 1),
            group=node.groups,
            **self._bits(node),
        )
        self._requantised(node, accumulators, node.requant, (-1, 1, 1))

    def _linear(self, node: Linear) -> None:
        # As (Cin, Cout): DORY takes square weights for that, and Gemm needs a bias up to set 10.
        weights = self._constant("weight", node.weights.T)
        inputs = [self.names[node.input], weights, *self._bias(node)]
        product = self._next("MatMul" if node.bias is None else "Gemm", inputs, **self._bits(node))
        self._requantised(node, product, node.requant, (-1,))

    def _bias(self, node: Conv | Linear) -> list[str]:
        return [] if node.bias is None else [self._constant("bias", node.bias)]

    def _bits(self, node: Conv | Linear) -> dict[str, Any]:
        annotations = annotate(node.name, self.graph[node.input].bits, node.weight_bits)
        return {"weight_bits": node.weight_bits, "bias_bits": 32, "annotations": annotations}

    def _pool(self, operator: str, node: AveragePool | MaxPool, **attributes: Any) -> str:
        window = {"kernel_shape": node.kernel, "strides": node.stride, **attributes}
        return self._next(operator, [self.names[node.input]], **window)

    def _requantised(
        self,
        node: Conv | Linear | AveragePool,
        accumulators: str,
        requant: Requant | None,
        shape: tuple[int, ...],
        factor: int = 1,
    ) -> None:
        """Mul - Add - Div - Floor - Clip, with constants of a shape; nothing without requant."""
        if requant is not None:
            self.widths.append(requant.width)
            multiplier = self._constant("multiplier", factor * requant.multiplier.reshape(shape))
            addend = self._constant("addend", requant.addend.reshape(shape))
            codes = self._next("Mul", [accumulators, multiplier], mult_bits=requant.width)
            codes = self._next("Add", [codes, addend], add_bits=requant.width)
            codes = self._next("Div", [codes, self._divisor(requant.shift)])
            codes = self._next("Floor", [codes])
            limits = {"min": float(requant.low), "max": float(requant.high)}
            accumulators = self._next("Clip", [codes], **limits, out_bits=requant.bits)
        self.names[node.output] = accumulators

    def _divisor(self, shift: int) -> str:
        from onnx import numpy_helper

        value = numpy_helper.from_array(np.array(2.0**shift))
        return self._next("Constant", [], value=value)

    def _adder(self, node: Add) -> None:
        """The later input first: that is the one whose codes DORY gives to the first operand."""
        if any(r is not None and r.narrow for r in (node.first, node.second, node.result)):
            raise InputError(
                f"Adder {node.name}: it clips to fewer codes than its bits hold, as a rectifier "
                "does behind it; adders of DORY clip to all of them."
            )
        operands = list(zip(node.inputs, (node.first, node.second), strict=True))
        operands.sort(key=lambda operand: int(self.names[operand[0]]), reverse=True)
        attributes = _requant_attributes("out", node.result)
        for place, (_, requant) in zip(("in1", "in2"), operands, strict=True):
            attributes |= _requant_attributes(place, requant)
        for name, (tensor, requant) in zip(("in1", "in2"), operands, strict=True):
            bits = self.graph[tensor].bits if requant is None else requant.bits
            attributes[f"{name}_n_levels"] = 1 << bits
        output = self.graph[node.output]
        attributes |= {"out_n_levels": 1 << output.bits, "out_signed": int(output.signed)}
        inputs = [self.names[tensor] for tensor, _ in operands]
        self.names[node.output] = self._next("Add", inputs, add_bits=8, **attributes)


def _requant_attributes(place: str, requant: Requant | None) -> dict[str, int]:
    """The numbers of one requantisation of an adder; those of the identity if there is none."""
    numbers = (0, 1, 0, 0)
    if requant is not None:
        numbers = (1, int(requant.multiplier), int(requant.addend), requant.shift)
    return {
        f"{place}_{what}": number
        for what, number in zip(("rq", "mul", "add", "shift"), numbers, strict=True)
    }
