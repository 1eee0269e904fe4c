"""Rules of operators, of the names of tensors, and of how they are wired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.deploy.dory_rules.attributes import label
from mpsolve.deploy.dory_rules.file import DROPPED, LAYERS, POOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.deploy.dory_rules.file import DoryFile

ACCEPTED = (*LAYERS, *POOLS, *DROPPED, "Pad", "Mul", "Add", "Div", "Constant", "Clip")


def operators_are_accepted(file: DoryFile) -> Iterator[str]:
    """DORY stops at any other operator.

    Quantlab/Parser.py: layers_accepted; Parser_ONNX_to_DORY.py: the assertion in ONNXtoDORY.
    """
    for node in file.model.graph.node:
        if node.op_type not in ACCEPTED:
            yield f"{label(node)}: DORY does not know this operator."


def operator_set_is_at_most_10(file: DoryFile) -> Iterator[str]:
    """Later ones give Clip its limits as inputs, which DORY does not read.

    Quantlab/Pattern_rewriter.py: BNRelu_requant reads the attributes min and max.
    """
    for entry in file.model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > 10:
            yield f"The model uses operator set {entry.version}; DORY reads sets up to 10."


def outputs_are_numbers(file: DoryFile) -> Iterator[str]:
    """DORY compares the names of outputs as numbers.

    Parser_ONNX_to_DORY.py: int(output[0]) in ONNXtoDORY.
    """
    for node in file.model.graph.node:
        for name in node.output:
            if not name.isdecimal():
                yield f"{label(node)}: its output is named {name!r}; DORY needs a decimal number."


def outputs_increase(file: DoryFile) -> Iterator[str]:
    """A dropped operator is given to the last one with a smaller number.

    Parser_ONNX_to_DORY.py: int(output[0]) in ONNXtoDORY.
    """
    last = -1
    for node in file.model.graph.node:
        for name in node.output:
            if name.isdecimal():
                if int(name) <= last:
                    yield f"{label(node)}: its output {name} must be a number above {last}."
                last = max(last, int(name))


def adders_read_numbers(file: DoryFile) -> Iterator[str]:
    """Which input comes first is decided by number; that of the network may read "input.1".

    Quantlab/Parser.py: int(node.input_indexes[0]) > int(node.input_indexes[1]).
    """
    for node in filter(file.is_adder, file.nodes):
        for name in file.data(node):
            if not name.isdecimal():
                yield f"{label(node)}: it reads {name!r}; adders need decimal numbers."


def dropped_operators_are_the_only_readers(file: DoryFile) -> Iterator[str]:
    """A dropped operator renames the output of the operator listed before it.

    Whoever else reads that output, or stands between them, loses its input.
    Parser_ONNX_to_DORY.py: add_existing_parameter('output_index', ...) in ONNXtoDORY.
    """
    kept: list[list[str]] = []  # output as parsed, output after all renaming
    for node in file.nodes:
        if node.op_type not in DROPPED:
            kept.append([node.output[0], node.output[0]])
        elif kept:
            kept[-1][1] = node.output[0]
    renamed = {after: before for before, after in kept}
    for node in file.nodes:
        if node.op_type in DROPPED:
            continue
        for name in file.data(node):
            source = file.source(name)
            if renamed.get(name, source) != source or (source in file.producers) != (
                name in renamed
            ):
                yield (
                    f"{label(node)}: it would lose its input {name}, since DORY drops Flatten and "
                    "the like and renames the output of the operator listed before; place them "
                    "right behind the only operator whose output they read."
                )


def only_the_first_layer_reads_the_input(file: DoryFile) -> Iterator[str]:
    """Only the first operator is given the bits of the network's input.

    Quantlab/Parser.py: add_nodes_precision, ``if i == 0``.
    """
    kept = [node for node in file.nodes if node.op_type not in DROPPED]
    for node in kept[1:]:
        if file.input in (file.source(name) for name in file.data(node)):
            yield f"{label(node)}: only the first operator may read the input of the network."


def shapes_are_known(file: DoryFile) -> Iterator[str]:
    """DORY reads the sizes of every layer from the inferred shapes.

    Layer_node.py: update_input_dimensions, update_output_dimensions.
    """
    if file.inference_error:
        yield f"The model is no valid graph: {file.inference_error}."
        return
    for node in file.nodes:
        shape = file.shapes.get(node.output[0], ())
        if node.op_type in (*LAYERS, *POOLS, "Add") and (len(shape) < 2 or not all(shape[1:])):
            yield (
                f"{label(node)}: the shape of its output is not known; give the network's input a "
                "fixed shape."
            )


RULES = (
    operators_are_accepted,
    operator_set_is_at_most_10,
    outputs_are_numbers,
    outputs_increase,
    adders_read_numbers,
    dropped_operators_are_the_only_readers,
    only_the_first_layer_reads_the_input,
    shapes_are_known,
)
