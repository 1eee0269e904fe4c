"""An ONNX file as DORY's parser sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log2
from typing import TYPE_CHECKING, Any, TypeAlias

from mpsolve.deploy.dory_rules.attributes import number
from mpsolve.deploy.tensor import ACCUMULATOR_BITS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx

    from mpsolve.typing import NumberArray

LAYERS = ("Conv", "Gemm", "MatMul")
POOLS = ("AveragePool", "GlobalAveragePool", "MaxPool")
#: Operators that DORY drops: their predecessor takes over the name of their output.
DROPPED = (
    *("Cast", "Floor", "Flatten", "Shape", "Gather", "Unsqueeze", "Concat", "Reshape"),
    *("Sigmoid", "LogSoftmax", "Squeeze"),
)
Codes: TypeAlias = tuple[int, bool]
POSSIBLE_BITS = range(1, ACCUMULATOR_BITS + 1)


@dataclass(frozen=True, eq=False)
class Requantisation:
    """The operators Mul - Add - Div - (Floor) - Clip, of which only the first must exist."""

    mul: onnx.NodeProto
    add: onnx.NodeProto | None
    div: onnx.NodeProto | None
    clip: onnx.NodeProto | None

    @property
    def complete(self) -> bool:
        """Whether DORY recognises it."""
        return self.clip is not None


@dataclass(frozen=True, eq=False)
class DoryFile:
    """A model with inferred shapes, and what lies beside it.

    Attributes
    ----------
    model
        The model.
    config
        DORY's configuration, None to check the model alone.
    folder
        Where its golden activations lie, None if they are not to be checked.
    """

    model: onnx.ModelProto
    config: Mapping[str, Any] | None = None
    folder: Path | None = None

    @property
    def nodes(self) -> list[onnx.NodeProto]:
        """All operators, in order, without constants."""
        return [n for n in self.model.graph.node if n.op_type != "Constant" and n.output]

    @cached_property
    def constants(self) -> dict[str, NumberArray]:
        """The values of initialisers and constants, by name."""
        from onnx import numpy_helper

        values = {t.name: numpy_helper.to_array(t) for t in self.model.graph.initializer}
        for node in self.model.graph.node:
            if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
                values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        return values

    @property
    def input(self) -> str:
        """The first input that is no constant."""
        names = (value.name for value in self.model.graph.input)
        return next((name for name in names if name not in self.constants), "")

    @cached_property
    def _inferred(self) -> tuple[onnx.GraphProto, str]:
        """The graph with the shapes that onnx infers, and what it finds impossible."""
        from onnx import shape_inference

        try:
            return shape_inference.infer_shapes(self.model).graph, ""
        except (shape_inference.InferenceError, RuntimeError, ValueError) as error:
            return self.model.graph, str(error).partition("\n")[0].rstrip(".")

    @property
    def inference_error(self) -> str:
        """Why no shapes can be inferred, "" if they can."""
        return self._inferred[1]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """``(N, C, ...)`` of every tensor of which it is known; 0 where a size is not."""
        graph, _ = self._inferred
        return {
            value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
            for value in (*graph.input, *graph.value_info, *graph.output)
        }

    @cached_property
    def producers(self) -> dict[str, onnx.NodeProto]:
        """Tensor -> the operator that writes it."""
        return {node.output[0]: node for node in self.nodes}

    def readers(self, name: str) -> list[onnx.NodeProto]:
        """The operators that read a tensor."""
        return [node for node in self.nodes if name in node.input]

    def data(self, node: onnx.NodeProto) -> list[str]:
        """The inputs of an operator that are no constants."""
        return [name for name in node.input if name and name not in self.constants]

    def first(self, node: onnx.NodeProto) -> str:
        """The first of them, "" if there is none."""
        return next(iter(self.data(node)), "")

    def channels(self, node: onnx.NodeProto) -> int:
        """Channels of the output of an operator, 0 if they are not known."""
        shape = self.shapes.get(node.output[0], ())
        return shape[1] if len(shape) > 1 else 0

    def constant_names(self, node: onnx.NodeProto) -> list[str]:
        """The inputs of an operator that are constants."""
        return [name for name in node.input if name in self.constants]

    def constant(self, node: onnx.NodeProto) -> NumberArray | None:
        """The first constant that an operator reads."""
        names = self.constant_names(node)
        return self.constants[names[0]] if names else None

    def weights(self, node: onnx.NodeProto) -> NumberArray | None:
        """What DORY takes for the weights: the matrix or kernel without "bias" in its name."""
        names = [name for name in self.constant_names(node) if "bias" not in name]
        values = self.constants[names[-1]] if names else None
        return values if values is not None and values.ndim > 1 else None

    def is_adder(self, node: onnx.NodeProto) -> bool:
        """Whether an operator adds two tensors, rather than a constant."""
        return node.op_type == "Add" and len(self.data(node)) == 2

    def source(self, name: str) -> str:
        """Where a tensor comes from, behind operators that DORY drops."""
        for _ in self.nodes:  # a broken file may run in circles
            producer = self.producers.get(name)
            if producer is None or producer.op_type not in DROPPED or not self.data(producer):
                break
            name = self.first(producer)
        return name

    def next(self, node: onnx.NodeProto, operator: str) -> onnx.NodeProto | None:
        """The operator of this kind that alone reads the output of another."""
        readers = self.readers(node.output[0])
        if [r.op_type for r in readers] == ["Floor"]:
            readers = self.readers(readers[0].output[0])
        return readers[0] if [r.op_type for r in readers] == [operator] else None

    @cached_property
    def requantisations(self) -> list[Requantisation]:
        """What begins with each Mul, as far as it can be followed."""
        found = []
        for mul in (node for node in self.nodes if node.op_type == "Mul"):
            add = self.next(mul, "Add")
            div = self.next(add, "Div") if add and not self.is_adder(add) else None
            clip = self.next(div, "Clip") if div else None
            found.append(Requantisation(mul, add, div, clip))
        return found

    def requantisation_of(self, node: onnx.NodeProto) -> Requantisation | None:
        """What requantises the output of a layer."""
        mul = self.next(node, "Mul")
        if mul is None:
            return None
        return next(r for r in self.requantisations if r.mul.output[0] == mul.output[0])

    @cached_property
    def merged(self) -> list[tuple[onnx.NodeProto, str]]:
        """What DORY makes one kernel call of, in order: the operator and the last output."""
        calls = []
        for node in self.nodes:
            if node.op_type in (*LAYERS, *POOLS) or self.is_adder(node):
                requant = self.requantisation_of(node)
                last = requant.clip if requant and requant.clip else node
                calls.append((node, last.output[0]))
        return calls

    @property
    def input_codes(self) -> Codes:
        """Bits and sign of the input; 8 bits without a sign unless both are configured."""
        config = self.config or {}
        if not {"input_bits", "input_signed"} <= config.keys():
            return 8, False
        if config["input_bits"] not in POSSIBLE_BITS:  # another rule says so
            return 8, bool(config["input_signed"])
        return config["input_bits"], bool(config["input_signed"])

    @cached_property
    def codes(self) -> dict[str, Codes]:
        """Bits and sign of every tensor of which DORY knows them.

        They come from the configuration, from Clip and from adders; all else inherits them.
        """
        known = {self.input: self.input_codes}
        for node in self.nodes:
            output, inputs = node.output[0], self.data(node)
            if node.op_type in LAYERS:
                known[output] = (ACCUMULATOR_BITS, True)
            elif node.op_type == "Clip":
                bits = number(node, "out_bits")
                if bits is not None and bits in POSSIBLE_BITS:
                    known[output] = (bits, (number(node, "min") or 0) < 0)
            elif self.is_adder(node):
                levels = number(node, "out_n_levels") or 0
                if levels > 1:
                    signed = number(node, "out_signed")
                    if signed is None:
                        signed = any(known.get(name, (0, False))[1] for name in inputs)
                    known[output] = (int(log2(levels)), bool(signed))
            elif inputs and inputs[0] in known:
                known[output] = known[inputs[0]]
        return known
