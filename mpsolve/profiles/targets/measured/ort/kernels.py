"""Which kernels ONNX Runtime really runs, and those of a layer alone.

A model says what to compute, the optimised model says how: quantisation and dequantisation are
fused with the operator between them, or they are not and the operator runs in float32. What was
asked for is believed only where the optimised model shows the kernel.

Convolutions run in layouts of their own (NCHWc in float32, NHWC in int8). Between two of them
nothing is converted, around a single one everything is; so the conversions are cut off before a
layer is timed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8
from mpsolve.profiles.targets.measured.ort.graph import import_onnx
from mpsolve.profiles.targets.measured.ort.runtime import outputs, session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.typing import NumberArray

#: Operators that hand values on in another layout.
LAYOUT = frozenset(("Identity", "ReorderInput", "ReorderOutput", "Reshape", "Transpose"))
#: What computes in float32, and what in integers.
FLOAT_KERNELS = frozenset(("Conv", "FusedConv", "FusedGemm", "Gemm", "MatMul"))
INT8_KERNELS = frozenset(("QLinearConv", "QGemm", "QLinearMatMul"))
WEIGHT_ONLY_KERNELS = frozenset(("MatMulNBits",))
KERNELS = FLOAT_KERNELS | INT8_KERNELS | WEIGHT_ONLY_KERNELS


def kernels_of(precision: Precision) -> frozenset[str]:
    """The kernels that compute in a precision."""
    known = {FLOAT: FLOAT_KERNELS, INT8: INT8_KERNELS}
    return known.get(precision, WEIGHT_ONLY_KERNELS)


def kernels(optimised: Any) -> list[str]:
    """The operators of an optimised model in their order, without those of `LAYOUT`."""
    return [node.op_type for node in optimised.graph.node if node.op_type not in LAYOUT]


def refusal(optimised: Any, precision: Precision, layers: int = 1) -> str:
    """Why an optimised model of some layers is not in a precision; "" if it is."""
    found = kernels(optimised)
    if len(found) == layers and kernels_of(precision).issuperset(found):
        return ""
    return f"ONNX Runtime runs {', '.join(dict.fromkeys(found))} instead of one kernel"


def bare(optimised: Any, inputs: Mapping[str, NumberArray]) -> Cut:
    """The kernels of an optimised model of copies of a layer, without conversions of layout.

    Parameters
    ----------
    optimised
        The model, all of whose kernels read the same values.
    inputs
        Of the model.
    """
    model = import_onnx().ModelProto()
    model.CopyFrom(optimised)
    nodes = [node for node in model.graph.node if node.op_type not in LAYOUT]
    read = nodes[0].input[0]
    for node in nodes:
        node.input[0] = read
    return cut(model, nodes, read, [node.output[0] for node in nodes], inputs)


def before(optimised: Any, value: str, written: str, inputs: Mapping[str, NumberArray]) -> Cut:
    """What an optimised model does to a value, one operator after the other, to write another."""
    writers = {node.output[0]: node for node in optimised.graph.node}
    chain = []
    read = written
    while read != value:
        chain.append(writers[read])
        read = chain[-1].input[0]
    return cut(optimised, chain[::-1], value, [written], inputs)


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of an optimised model, serialised, and the input that it reads."""

    model: bytes
    inputs: dict[str, NumberArray]


def cut(
    optimised: Any,
    nodes: list[Any],
    read: str,
    written: list[str],
    inputs: Mapping[str, NumberArray],
) -> Cut:
    """The model of some nodes that read one value and write others."""
    onnx = import_onnx()
    values = _values(optimised, [read, *written], inputs)
    model = onnx.ModelProto()
    model.CopyFrom(optimised)
    graph = model.graph
    used = {name for node in nodes for name in node.input}
    constants = [constant for constant in graph.initializer if constant.name in used]
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    for field in ("node", "input", "output", "value_info", "initializer"):
        graph.ClearField(field)
    graph.node.extend(kept)
    graph.initializer.extend(constants)
    graph.input.append(_described(read, values[read]))
    graph.output.extend(_described(name, values[name]) for name in written)
    return Cut(model.SerializeToString(), {read: values[read]})


def _values(
    optimised: Any, names: list[str], inputs: Mapping[str, NumberArray]
) -> dict[str, NumberArray]:
    """What an optimised model computes under these names on the way."""
    onnx = import_onnx()
    known = {entry.name for entry in (*optimised.graph.input, *optimised.graph.output)}
    model = onnx.ModelProto()
    model.CopyFrom(optimised)
    more = [name for name in dict.fromkeys(names) if name not in known]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in more)
    run = session(model.SerializeToString(), optimise=False)
    return {**inputs, **outputs(run, inputs)}


def _described(name: str, values: NumberArray) -> Any:
    helper = import_onnx().helper
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    return helper.make_tensor_value_info(name, kind, values.shape)
