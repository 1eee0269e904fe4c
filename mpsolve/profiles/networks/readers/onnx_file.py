"""Networks from ONNX files."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.profiles.networks.readers import onnx_operators as known
from mpsolve.profiles.networks.readers.names import SCOPES, module_path, node_path, scope_path
from mpsolve.profiles.networks.readers.onnx_layers import onnx_layer_type
from mpsolve.profiles.networks.readers.onnx_model import load_onnx
from mpsolve.profiles.networks.readers.reader import (
    Activation,
    Call,
    Constant,
    GraphReader,
    Role,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.readers.onnx_model import OnnxModel
    from mpsolve.profiles.networks.readers.trace import Value


def read_onnx(
    path: str | PathLike[str], shapes: Mapping[str, Sequence[int]] | None = None
) -> Network:
    """Read a network from an ONNX file; its weights are not needed and may lie in other files.

    Convolutions of one and two dimensions, Gemm and MatMul by a constant matrix are layers: in
    floating point, between QuantizeLinear and DequantizeLinear, or in integers. Batch
    normalisation, activations and casts belong to the operator before them. A layer has the name
    of the module that its weights belong to or, where they do not tell, of its node; nodes with
    the same weights are one layer. What is no layer, adder, product, pooling, concatenation or
    rearrangement is ``other``, such as a softmax or an embedding.

    Parameters
    ----------
    path
        The file; its stem becomes the name of the network.
    shapes
        Input -> shape with the batch, for inputs whose shape is not fixed. A dynamic first axis is
        the batch, and is 1 by default.

    Raises
    ------
    InputError
        If the file cannot be read, a shape is unknown, or weights are of an unknown kind.
    MissingDependencyError
        If onnx is not installed.
    """
    return _Reader(load_onnx(Path(path), shapes or {})).read()


class _Reader:
    """The values that have been computed so far, by their names in the file."""

    def __init__(self, model: OnnxModel) -> None:
        self.model = model
        self.graph = GraphReader()
        self.values: dict[str, Activation | Constant] = {
            tensor.name: Constant(tensor.name, tuple(tensor.dims))
            for tensor in model.graph.initializer
        }
        #: What integer layers write, which is multiplied by the scales later.
        self.sums: set[Value] = set()

    def read(self) -> Network:
        """Walk through the graph."""
        graph = self.model.graph
        inputs = [value.name for value in graph.input if value.name not in self.values]
        self.graph.batch = next((dims[0] for dims in map(self._dims, inputs) if dims), 1)
        for name in inputs:
            readers = {node.op_type for node in graph.node if name in node.input}
            signal = bool(readers & known.CONVOLUTIONS)
            self.values[name] = self.graph.input(name, self._dims(name), channels_first=signal)
        for node in graph.node:
            self._read_node(node)
        outputs = [self.values[value.name] for value in graph.output]
        computed = [output.value for output in outputs if isinstance(output, Activation)]
        if not computed:
            raise InputError(f"{self.model.source}: no output depends on an input.")
        source = f"ONNX file {self.model.source}"
        return self.graph.trace.build(self.model.name, computed, source)

    def _read_node(self, node: Any) -> None:
        if node.op_type in known.REFUSED:
            raise self._error(node, "is neither a layer that is known nor free of weights")
        inputs = [self.values[name] if name else None for name in node.input]
        constants = [x for x in inputs if isinstance(x, Constant)]
        for output in node.output:  # unless it turns out to be more
            self.values[output] = self._constant(output, constants)
        if not any(isinstance(x, Activation) for x in inputs):
            return
        if node.op_type in known.SHAPE_QUERIES:
            return
        if node.domain not in known.DOMAINS:
            raise self._error(
                node,
                f"is of the domain {node.domain}, which ONNX does not define; save the model "
                "before it is optimised, or quantise it as QDQ",
            )
        if node.op_type == "Einsum" and any(constant.is_matrix for constant in constants):
            raise self._error(node, "has weights; only Conv, Gemm and MatMul are layers")
        if self._is_dequantisation(node, inputs):
            self.values[node.output[0]] = next(x for x in inputs if isinstance(x, Activation))
        elif node.op_type not in known.LAYERS or not self._read_layer(node, inputs):
            self._read_call(node, [x for x in inputs if x is not None])

    def _is_dequantisation(self, node: Any, inputs: list[Activation | Constant | None]) -> bool:
        """Whether an integer sum is multiplied by its scale."""
        sums = [x for x in inputs if isinstance(x, Activation)]
        return node.op_type == "Mul" and len(sums) == 1 and sums[0].value in self.sums

    def _read_layer(self, node: Any, inputs: list[Activation | Constant | None]) -> bool:
        """Read a layer, unless it multiplies two activations."""
        weights_at, bias_at = known.LAYERS[node.op_type]
        x, weights = inputs[0], inputs[weights_at]
        if not isinstance(x, Activation) or not isinstance(weights, Constant):
            if isinstance(x, Constant) and x.is_matrix:
                raise self._error(node, "has its weights on the left, and a layer on the right")
            return False
        bias = inputs[bias_at] if bias_at is not None and bias_at < len(inputs) else None
        dims = self._dims(node.output[0])
        layer_type = onnx_layer_type(
            node,
            self.graph.sample(x.dims),
            weights.dims,
            self.graph.sample(dims),
            bias=isinstance(bias, Constant),
        )
        if layer_type is None:
            raise self._error(node, f"has weights of shape {weights.dims}, which are no layer's")
        name = module_path(weights.whole) or _path(node)
        y = self.graph.layer(name, x, layer_type, weights, dims)
        if isinstance(bias, Activation):
            y = self.graph.compute(Call("Add", Role.ADD, (y, bias), dims, name))
        if node.op_type in known.INTEGER_SUMS:
            self.sums.add(y.value)
        self.values[node.output[0]] = y
        return True

    def _read_call(self, node: Any, inputs: list[Activation | Constant]) -> None:
        """Read an operator without weights: one call for every output that has values."""
        role = known.ROLES.get(node.op_type, Role.OTHER)
        several = role in (Role.RESHAPE, Role.OTHER)
        for output in filter(None, node.output if several else node.output[:1]):
            self.values[output] = self.graph.compute(
                Call(
                    operator=node.op_type.lower(),
                    role=role,
                    inputs=tuple(inputs),
                    dims=self._dims(output),
                    path=_path(node),
                    details=tuple(str(attribute) for attribute in node.attribute),
                )
            )

    def _constant(self, output: str, parts: list[Constant]) -> Constant:
        """What is computed from constants alone: the largest of them, or a part of it."""
        dims = self.model.dims.get(output, ())
        largest = max(parts, key=lambda part: prod(part.dims), default=Constant(output, dims))
        whole = prod(dims) == prod(largest.dims)
        return Constant(largest.name if whole else f"{largest.name}[{output}]", dims)

    def _dims(self, name: str) -> tuple[int, ...]:
        if name not in self.model.dims:
            raise InputError(
                f"{self.model.source}: the shape of {name} cannot be inferred; export the model "
                "with fixed shapes, or give those of its inputs. " + self.model.problem
            )
        return self.model.dims[name]

    def _error(self, node: Any, problem: str) -> InputError:
        return InputError(
            f"{self.model.source}: node {node.name or node.output[0]} ({node.op_type}) {problem}."
        )


def _path(node: Any) -> str:
    """The module that a node belongs to, if the file tells."""
    scopes = [entry.value for entry in node.metadata_props if entry.key == SCOPES]
    return scope_path(scopes[0]) if scopes else node_path(node.name, node.op_type)
