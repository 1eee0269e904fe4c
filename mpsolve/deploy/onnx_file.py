"""What the ONNX files of integer networks have in common: how they are built and read back.

The bits of codes and weights are annotated with ``metadata_props``, which every reader ignores
that does not know them: ONNX Runtime refuses unknown attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

    from mpsolve.typing import NumberArray

#: Keys of the annotations of every operator that multiplies with weights.
LAYER, INPUT_BITS, WEIGHT_BITS = "mpsolve.layer", "mpsolve.input_bits", "mpsolve.weight_bits"


def require_onnx(purpose: str) -> None:
    """Say what to install where onnx is missing."""
    require("onnx", "onnx", purpose)


class Builder:
    """Collects the operators and constants of a model, in order."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NumberArray) -> str:
        """An initialiser of the type of an array; returns its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def node(
        self,
        operator: str,
        inputs: list[str],
        output: str,
        *,
        name: str = "",
        annotations: dict[str, Any] | None = None,
        **attributes: Any,
    ) -> str:
        """An operator with one output, whose name is returned."""
        from onnx import helper

        node = helper.make_node(operator, inputs, [output], name=name, **attributes)
        for key, value in (annotations or {}).items():
            node.metadata_props.add(key=key, value=str(value))
        self.nodes.append(node)
        return output

    def model(
        self,
        name: str,
        input_info: onnx.ValueInfoProto,
        output_info: onnx.ValueInfoProto,
        *,
        opset: int,
        ir_version: int,
    ) -> onnx.ModelProto:
        """The finished model."""
        from onnx import helper

        graph = helper.make_graph(self.nodes, name, [input_info], [output_info], self.constants)
        opsets = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="mpsolve")
        model.ir_version = ir_version
        return model


def annotate(layer: str, input_bits: int, weight_bits: int) -> dict[str, Any]:
    """The annotations of an operator that multiplies with weights."""
    return {LAYER: layer, INPUT_BITS: input_bits, WEIGHT_BITS: weight_bits}


def read_configuration(source: str | Path | onnx.ModelProto) -> Configuration:
    """Layer -> precision of a model that this library has written, for ONNX Runtime or DORY.

    Parameters
    ----------
    source
        The file, or the model itself.

    Raises
    ------
    InputError
        If no operator carries the annotations.
    """
    model = load_model(source)
    precisions = {}
    for node in model.graph.node:
        properties = {prop.key: prop.value for prop in node.metadata_props}
        if LAYER in properties:
            bits = int(properties[INPUT_BITS]), int(properties[WEIGHT_BITS])
            precisions[properties[LAYER]] = Precision(*bits)
    if not precisions:
        raise InputError(
            f"{model.graph.name}: no operator says how many bits it has; only models that this "
            "library has written do."
        )
    return Configuration(precisions)


def load_model(source: str | Path | onnx.ModelProto) -> onnx.ModelProto:
    """A model itself, or the file that holds it."""
    require_onnx("An ONNX file")
    import onnx
    from google.protobuf.message import DecodeError

    if isinstance(source, onnx.ModelProto):
        return source
    try:
        return onnx.load(str(source))
    except OSError as error:
        raise InputError(f"{source}: cannot read the model: {error.strerror}.") from None
    except DecodeError:
        raise InputError(f"{source}: not an ONNX file.") from None
