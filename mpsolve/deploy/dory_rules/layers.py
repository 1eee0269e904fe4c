"""Rules of convolutions and linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.dory_rules.attributes import label, number, numbers
from mpsolve.deploy.dory_rules.file import LAYERS, POOLS
from mpsolve.deploy.packing import KERNEL_BITS
from mpsolve.deploy.tensor import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.deploy.dory_rules.file import DoryFile

#: What DORY itself stores on a node, and what a constant therefore must not be called.
RESERVED = ("l", "k", "outshift", "outmul", "outadd", "inmul1", "inmul2", "constant")


def layers_say_the_bits_of_their_weights(file: DoryFile) -> Iterator[str]:
    """Without weight_bits, parsing succeeds and stores None.

    DORY_node.py: add_special_attributes; quantlib, pact_export.py: annotate_onnx.
    """
    for node in file.nodes:
        if node.op_type in LAYERS and number(node, "weight_bits") not in KERNEL_BITS:
            yield f"{label(node)}: its attribute weight_bits must be 2, 4 or 8."


def layers_say_the_bits_of_their_bias(file: DoryFile) -> Iterator[str]:
    """Kernels add a bias of 32 bits.

    quantlib, pact_export.py: annotate_onnx; Quantlab/Parser.py: add_nodes_precision.
    """
    for node in file.nodes:
        if node.op_type in LAYERS and number(node, "bias_bits") != 32:
            yield f"{label(node)}: its attribute bias_bits must be 32."


def weights_are_told_from_biases_by_name(file: DoryFile) -> Iterator[str]:
    """The constant whose name lacks "bias" holds the weights, any other a bias.

    Quantlab/Parser.py: add_data_layout; HW_node.py: rename_weights.
    """
    for node in file.nodes:
        if node.op_type not in LAYERS:
            continue
        names = file.constant_names(node)
        if sum("bias" not in name for name in names) != 1 or len(names) > 2:
            yield (
                f"{label(node)}: of its constants {names}, exactly one must lack 'bias' in its "
                "name, the weights."
            )
        elif names and "bias" in names[0]:
            yield f"{label(node)}: its weights must not have 'bias' in their name {names[0]}."
        elif file.weights(node) is None:
            yield f"{label(node)}: its weights {names[0]} need at least two dimensions."
        elif used := [name for name in names if name in RESERVED]:
            yield f"{label(node)}: DORY uses the name {used[0]} of its constant for itself."


def weights_fit_their_bits(file: DoryFile) -> Iterator[str]:
    """Weights are packed as two's complement, and what does not fit is cut off.

    HW_node.py: _compress.
    """
    for node in file.nodes:
        weights, bits = file.weights(node), number(node, "weight_bits")
        if node.op_type not in LAYERS or weights is None or bits not in KERNEL_BITS:
            continue
        low, high = limits(bits, True)
        whole = (weights == np.rint(weights)).all()
        if not whole or weights.min() < low or weights.max() > high:
            yield f"{label(node)}: its weights must be integers from {low} to {high}."


def weights_outnumber_channels(file: DoryFile) -> Iterator[str]:
    """DORY takes a constant with at most one number per output channel for no weights.

    HW_node.py: rename_weights.
    """
    for node in file.nodes:
        weights = file.weights(node)
        if node.op_type in LAYERS and weights is not None:
            channels = file.channels(node)
            if weights.size <= channels:
                yield (
                    f"{label(node)}: {weights.size} weights for {channels} channels are not "
                    "recognised as weights; a kernel of one weight per channel needs padding."
                )


def convolutions_state_their_geometry(file: DoryFile) -> Iterator[str]:
    """DORY knows no defaults of kernel, stride, dilation and groups.

    Layer_node.py: populate_Layer_node.
    """
    for node in file.nodes:
        if node.op_type == "Conv":
            missing = [
                name
                for name in ("kernel_shape", "strides", "dilations")
                if numbers(node, name) is None
            ]
            missing += ["group"] if not number(node, "group") else []
            if missing:
                yield f"{label(node)}: it must state its attributes {', '.join(missing)}."


def groups_are_one_or_depthwise(file: DoryFile) -> Iterator[str]:
    """There are no kernels for other groups.

    Layer_node.py: populate_Layer_node.
    """
    for node in file.nodes:
        groups, weights = number(node, "group"), file.weights(node)
        if node.op_type != "Conv" or weights is None:
            continue
        if groups is not None and groups > 1:
            channels = weights.shape[1] * groups
            if not groups == len(weights) == channels:
                yield (
                    f"{label(node)}: {groups} groups of {channels} input and {len(weights)} output "
                    "channels; there must be 1 group, or one for each channel of both."
                )


def pads_are_four_numbers(file: DoryFile) -> Iterator[str]:
    """Top, left, bottom and right; a separate Pad is not always merged (dory, issue 27).

    Layer_node.py: pads; Quantlab/rules.json: PadConvolution.
    """
    for node in file.nodes:
        pads = numbers(node, "pads")
        if node.op_type == "Pad":
            yield f"{label(node)}: give its pads to the convolution or pool behind it."
        elif node.op_type in ("Conv", *POOLS) and pads is not None and len(pads) != 4:
            yield f"{label(node)}: its attribute pads must have four numbers, not {len(pads)}."


def square_linear_layers_are_not_transposed(file: DoryFile) -> Iterator[str]:
    """DORY tells (Cin, Cout) from (Cout, Cin) by the first size, and takes a square for the first.

    Quantlab/Parser.py: add_data_layout.
    """
    for node in file.nodes:
        weights = file.weights(node)
        if node.op_type != "Gemm" or not number(node, "transB") or weights is None:
            continue
        if len(set(weights.shape)) < 2:
            yield (
                f"{label(node)}: DORY would transpose its square weights; store them as "
                "(Cin, Cout), without transB."
            )


RULES = (
    layers_say_the_bits_of_their_weights,
    layers_say_the_bits_of_their_bias,
    weights_are_told_from_biases_by_name,
    weights_fit_their_bits,
    weights_outnumber_channels,
    convolutions_state_their_geometry,
    groups_are_one_or_depthwise,
    pads_are_four_numbers,
    square_linear_layers_are_not_transposed,
)
