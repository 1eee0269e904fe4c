"""Rules of requantisation: Mul - Add - Div - Floor - Clip behind a layer or a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.dory_rules.attributes import label, number
from mpsolve.deploy.dory_rules.file import LAYERS, POOLS
from mpsolve.deploy.dory_rules.worst_case import bound
from mpsolve.deploy.packing import KERNEL_BITS
from mpsolve.deploy.tensor import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.deploy.dory_rules.file import DoryFile


def clip_limits_are_attributes(file: DoryFile) -> Iterator[str]:
    """DORY reads min and max of a Clip from its attributes.

    Quantlab/Pattern_rewriter.py: self.graph[i[-1]].min in BNRelu_requant.
    """
    for node in file.nodes:
        if node.op_type == "Clip":
            missing = [name for name in ("min", "max") if number(node, name) is None]
            if missing or len(node.input) > 1:
                yield f"{label(node)}: its limits must be the attributes min and max."


def clips_say_their_bits(file: DoryFile) -> Iterator[str]:
    """The bits of a tensor are those of the Clip that wrote it, and nothing else.

    Quantlab/Pattern_rewriter.py: self.graph[i[-1]].out_bits in BNRelu_requant.
    """
    for node in file.nodes:
        if node.op_type == "Clip" and number(node, "out_bits") not in KERNEL_BITS:
            yield f"{label(node)}: its attribute out_bits must be 2, 4 or 8."


def clip_limits_match_the_bits(file: DoryFile) -> Iterator[str]:
    """Kernels clip to all codes of the output, signed where min is below 0.

    Quantlab/Pattern_rewriter.py: output_activation_type in BNRelu_requant.
    """
    for node in file.nodes:
        bits, low, high = (number(node, name) for name in ("out_bits", "min", "max"))
        if node.op_type == "Clip" and bits in KERNEL_BITS and low is not None and high is not None:
            expected = limits(bits, low < 0)
            if (low, high) != expected:
                yield (
                    f"{label(node)}: it clips to {low} to {high}, but {bits} bits are "
                    f"{expected[0]} to {expected[1]}."
                )


def requantisations_are_complete(file: DoryFile) -> Iterator[str]:
    """Any Mul, Add, Div or Clip that is not part of the pattern ends the parsing.

    A product followed by the addition of a bias is the usual cause: Gemm has its own bias.
    Quantlab/rules.json: BNRelu_requant; Parser_ONNX_to_DORY.py: check_graph.
    """
    parts: set[str] = set()
    for requant in file.requantisations:
        nodes = (requant.mul, requant.add, requant.div, requant.clip)
        if requant.complete:
            parts.update(node.output[0] for node in nodes if node)
    for node in file.nodes:
        lone = node.op_type in ("Mul", "Add", "Div", "Clip") and node.output[0] not in parts
        if lone and not file.is_adder(node):
            yield (
                f"{label(node)}: it is no part of a requantisation Mul - Add - Div - Floor - Clip "
                "in which each reads the one before and has no other reader."
            )


def requantisations_follow_layers(file: DoryFile) -> Iterator[str]:
    """DORY merges them with the convolution, linear layer or pool before them.

    The kernels of a maximum have no multiplier. PULP_gvsoc/pattern_rules.json;
    layer_L2_c_pooling_template.c.
    """
    for requant in file.requantisations:
        for name in file.data(requant.mul):
            producer = file.producers.get(file.source(name))
            kind = "" if producer is None else producer.op_type
            if kind not in (*LAYERS, *POOLS) or kind == "MaxPool":
                yield (
                    f"{label(requant.mul)}: it must follow a convolution, a linear layer or an "
                    "average pool."
                )


def multipliers_match_their_layer(file: DoryFile) -> Iterator[str]:
    """One number per channel behind a layer, a scalar behind a pool.

    Others pass the frontend and stop the generation of code.
    Quantlab/Pattern_rewriter.py: bool(value["value"].shape); PULP_gvsoc/pattern_rules.json:
    ConvolutionBNRelu, PoolingRequant.
    """
    for node in file.nodes:
        requant = file.requantisation_of(node) if node.op_type in (*LAYERS, *POOLS) else None
        for part in (requant.mul, requant.add) if requant else ():
            values = None if part is None else file.constant(part)
            channels = file.channels(node)
            if part is None or values is None or not channels:
                continue
            if node.op_type in POOLS and values.shape:
                yield f"{label(part)}: behind a pool, its constant must be a scalar."
            if node.op_type in LAYERS and (not values.shape or values.size != channels):
                yield (
                    f"{label(part)}: behind a layer of {channels} channels, its constant needs as "
                    f"many numbers, not the shape {values.shape}."
                )


def divisors_are_powers_of_two(file: DoryFile) -> Iterator[str]:
    """The shift is the rounded logarithm of a constant divisor.

    Quantlab/Pattern_rewriter.py: round(np.log2(outshift)) in BNRelu_requant.
    """
    for node in file.nodes:
        if node.op_type != "Div":
            continue
        values = file.constant(node)
        if values is None or values.size != 1 or not _is_power_of_two(float(values.item())):
            yield f"{label(node)}: its divisor must be one constant power of two."


def _is_power_of_two(value: float) -> bool:
    return value >= 1 and np.frexp(value)[0] == 0.5


def requantisation_bits_are_annotated(file: DoryFile) -> Iterator[str]:
    """Mul and Add say in how many bits they are computed.

    quantlib, backends/dory/pact_export.py: annotate_onnx.
    """
    for requant in file.requantisations:
        for node, name in ((requant.mul, "mult_bits"), (requant.add, "add_bits")):
            if node is not None and number(node, name) not in (32, 64):
                yield f"{label(node)}: its attribute {name} must be 32 or 64."


def requantisation_constants_are_integers(file: DoryFile) -> Iterator[str]:
    """DORY casts multipliers and addends to integers of BNRelu_bits.

    HW_node.py: to_byte in add_checksum_w_integer.
    """
    width = requant_width(file)
    for requant in file.requantisations:
        for node in (requant.mul, requant.add):
            values = None if node is None else file.constant(node)
            if node is None or values is None or not values.size:
                continue
            whole = (values == np.rint(values)).all()
            if not whole or np.abs(values.astype(np.float64)).max() >= 2.0 ** (width - 1):
                yield f"{label(node)}: its constant must hold integers of {width} bits."


def accumulators_do_not_overflow(file: DoryFile) -> Iterator[str]:
    """k acc + l fits into BNRelu_bits whatever the input: kernels do not saturate.

    pulp-nn-mixed, pulp_nn_utils.h: pulp_nn_bn_quant_*.
    """
    width = requant_width(file)
    for node in file.nodes:
        worst = bound(file, node)
        if worst is not None and worst >= 1 << width - 1:
            yield (
                f"{label(node)}: k acc + l may reach {worst}, which {width} bits do not hold; "
                "lower the shift."
            )


def requant_width(file: DoryFile) -> int:
    """In how many bits requantisation is computed."""
    return int((file.config or {}).get("BNRelu_bits", 32))


RULES = (
    clip_limits_are_attributes,
    clips_say_their_bits,
    clip_limits_match_the_bits,
    requantisations_are_complete,
    requantisations_follow_layers,
    multipliers_match_their_layer,
    divisors_are_powers_of_two,
    requantisation_bits_are_annotated,
    requantisation_constants_are_integers,
    accumulators_do_not_overflow,
)
