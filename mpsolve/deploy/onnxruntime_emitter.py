"""Write an integer graph as an ONNX file that ONNX Runtime executes bit by bit alike.

Sums of products are integer operators; requantisation is computed in double precision, which is
exact up to 2^53, so that ``Floor(2^-d (k acc + l))`` is the shift of the kernels. Float
convolutions are exact only below 2^24, integer division rounds towards zero, and shifts exist for
unsigned numbers alone.

Codes and weights are fed to the integer operators without a sign, with zero point 128 where they
have one: on x86 processors without VNNI instructions, ONNX Runtime adds products of an unsigned
and a signed number in 16 bits, which overflows (onnxruntime, pull request 12088).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.deploy.layers import Conv, Linear
from mpsolve.deploy.onnx_file import Builder, annotate, require_onnx
from mpsolve.deploy.operators import Add, AveragePool, Flatten, MaxPool
from mpsolve.errors import InputError

if TYPE_CHECKING:
    import onnx

    from mpsolve.deploy.graph import Graph
    from mpsolve.deploy.nodes import Node
    from mpsolve.deploy.requant import Requant
    from mpsolve.deploy.tensor import Tensor
    from mpsolve.typing import IntArray

OPSET, IR_VERSION = 17, 8
#: Integers below are exact in double precision.
EXACT = 1 << 53
ZERO_POINT = 128


def to_onnx(graph: Graph) -> onnx.ModelProto:
    """The model, whose tensors are named as those of the graph.

    Its input and output are ``(N, C, H, W)`` of type uint8, int8 if codes have a sign, or int32
    for accumulators; ``mpsolve.deploy.onnx_file.read_configuration`` reads the bits
    back.

    Raises
    ------
    InputError
        If a requantisation needs more than the 53 bits of double precision.
    MissingDependencyError
        Without onnx.
    """
    require_onnx("Writing a network for ONNX Runtime")
    from onnx import helper

    emitter = _Emitter(graph)
    for node in graph.nodes:
        emitter.emit(node)
    information = (
        helper.make_tensor_value_info(t.name, _onnx_type(t), ["N", *t.shape])
        for t in (graph[graph.input], graph[graph.output])
    )
    return emitter.model(graph.name, *information, opset=OPSET, ir_version=IR_VERSION)


def write_onnx(graph: Graph, path: str | Path) -> None:
    """Write `to_onnx` into a file."""
    Path(path).write_bytes(to_onnx(graph).SerializeToString())


class _Emitter(Builder):
    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph

    def emit(self, node: Node) -> None:
        """The operators of one node."""
        match node:
            case Conv():
                self._layer(node, self._sum_of_products(node, node.weights, node.groups))
            case Linear():
                self._layer(node, self._product(node))
            case Add():
                self._adder(node)
            case AveragePool():
                self._average_pool(node)
            case MaxPool():
                self.node(
                    "MaxPool",
                    [node.input],
                    node.output,
                    name=node.name,
                    kernel_shape=node.kernel,
                    strides=node.stride,
                    pads=node.pads,
                )
            case Flatten():
                self.node("Flatten", [node.input], node.output, name=node.name, axis=1)

    def _layer(self, node: Conv | Linear, accumulators: str) -> None:
        if node.bias is not None:
            shaped = node.bias.reshape(_per_channel(self.graph[node.output])).astype(np.int32)
            bias = self.constant(f"{node.name}/bias", shaped)
            accumulators = self.node("Add", [accumulators, bias], f"{node.name}/biased")
        if node.requant is None:
            self.node("Identity", [accumulators], node.output)
        else:
            numbers = self._double(accumulators, node.name)
            codes = self._requantised(numbers, node.requant, node.name, self.graph[node.output])
            self._cast(codes, self.graph[node.output])

    def _sum_of_products(self, node: Conv | AveragePool, weights: IntArray, groups: int) -> str:
        """Accumulators of a convolution, or of a pool as one with weights of 1."""
        inputs = [*self._unsigned(node.input, node.name), *self._weights(node.name, weights)]
        pads = node.pads if isinstance(node, Conv) else (0, 0, 0, 0)
        return self.node(
            "ConvInteger",
            [inputs[0], inputs[2], inputs[1], inputs[3]],
            f"{node.name}/accumulators",
            name=node.name,
            annotations=self._annotations(node),
            kernel_shape=node.kernel,
            strides=node.stride,
            pads=pads,
            group=groups,
        )

    def _product(self, node: Linear) -> str:
        codes, zero = self._unsigned(node.input, node.name)
        weights, weight_zero = self._weights(node.name, node.weights.T)
        return self.node(
            "MatMulInteger",
            [codes, weights, zero, weight_zero],
            f"{node.name}/accumulators",
            name=node.name,
            annotations=self._annotations(node),
        )

    def _annotations(self, node: Conv | Linear | AveragePool) -> dict[str, Any]:
        if isinstance(node, AveragePool):
            return {}
        return annotate(node.name, self.graph[node.input].bits, node.weight_bits)

    def _unsigned(self, name: str, prefix: str) -> tuple[str, str]:
        """Codes as uint8, and their zero point."""
        if not self.graph[name].signed:
            return name, self.constant(f"{prefix}/zero", np.array(0, np.uint8))
        from onnx import TensorProto

        zero = self.constant(f"{prefix}/zero", np.array(ZERO_POINT, np.uint8))
        offset = self.constant(f"{prefix}/offset", np.array(ZERO_POINT, np.int32))
        wide = self.node("Cast", [name], f"{prefix}/wide", to=TensorProto.INT32)
        moved = self.node("Add", [wide, offset], f"{prefix}/moved")
        return self.node("Cast", [moved], f"{prefix}/unsigned", to=TensorProto.UINT8), zero

    def _weights(self, prefix: str, weights: IntArray) -> tuple[str, str]:
        """Weights as uint8, and their zero point."""
        moved = self.constant(f"{prefix}/weights", (weights + ZERO_POINT).astype(np.uint8))
        return moved, self.constant(f"{prefix}/weight_zero", np.array(ZERO_POINT, np.uint8))

    def _adder(self, node: Add) -> None:
        output = self.graph[node.output]
        addends = []
        for place, requant, name in zip(
            ("first", "second"), (node.first, node.second), node.inputs, strict=True
        ):
            prefix = f"{node.name}/{place}"
            numbers = self._double(name, prefix)
            if requant is not None:
                numbers = self._requantised(numbers, requant, prefix, output)
            addends.append(numbers)
        total = self.node("Add", addends, f"{node.name}/sum", name=node.name)
        if node.result is not None:
            total = self._requantised(total, node.result, node.name, output)
        self._cast(self._clipped(total, output.low, output.high, f"{node.name}/final"), output)

    def _average_pool(self, node: AveragePool) -> None:
        from onnx import TensorProto

        output = self.graph[node.output]
        ones = np.ones((output.channels, 1, *node.kernel), np.int64)
        total = self._sum_of_products(node, ones, output.channels)
        if node.requant is not None:
            numbers = self._double(total, node.name)
            self._cast(self._requantised(numbers, node.requant, node.name, output), output)
            return
        area = self.constant(f"{node.name}/area", np.array(node.area, np.int32))
        mean = self.node("Div", [total, area], f"{node.name}/mean")  # unsigned: rounds down
        self.node("Cast", [mean], node.output, to=TensorProto.UINT8)

    def _double(self, name: str, prefix: str) -> str:
        from onnx import TensorProto

        return self.node("Cast", [name], f"{prefix}/double", to=TensorProto.DOUBLE)

    def _requantised(self, numbers: str, requant: Requant, prefix: str, output: Tensor) -> str:
        """Clip(Floor(2^-d (k acc + l))), in double precision."""
        if requant.largest >= EXACT:
            raise InputError(
                f"Node {prefix}: k acc + l reaches {requant.largest}, beyond the 2^53 that double "
                "precision holds exactly; requantise with a lower shift."
            )
        shape = _per_channel(output) if requant.multiplier.ndim else ()
        for operator, what, values in (
            ("Mul", "multiplier", requant.multiplier),
            ("Add", "addend", requant.addend),
            ("Mul", "power", np.array(0.5**requant.shift)),
        ):
            shaped = values.reshape(shape if values.ndim else ()).astype(np.float64)
            constant = self.constant(f"{prefix}/{what}", shaped)
            numbers = self.node(operator, [numbers, constant], f"{prefix}/after_{what}")
        numbers = self.node("Floor", [numbers], f"{prefix}/floor")
        return self._clipped(numbers, requant.low, requant.high, prefix)

    def _clipped(self, numbers: str, low: int, high: int, prefix: str) -> str:
        bounds = [
            self.constant(f"{prefix}/{what}", np.array(bound, np.float64))
            for what, bound in (("low", low), ("high", high))
        ]
        return self.node("Clip", [numbers, *bounds], f"{prefix}/clipped")

    def _cast(self, numbers: str, tensor: Tensor) -> None:
        self.node("Cast", [numbers], tensor.name, to=_onnx_type(tensor))


def _per_channel(tensor: Tensor) -> tuple[int, ...]:
    """The shape with which one number per channel meets ``(N, C, H, W)`` or ``(N, C)``."""
    return (tensor.channels, *[1] * (len(tensor.shape) - 1))


def _onnx_type(tensor: Tensor) -> int:
    from onnx import TensorProto

    if tensor.bits > 8:
        return TensorProto.INT32
    return TensorProto.INT8 if tensor.signed else TensorProto.UINT8
