"""Rules of how codes and weights are packed into bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.deploy.dory_rules.attributes import label, number
from mpsolve.deploy.dory_rules.file import LAYERS
from mpsolve.deploy.packing import KERNEL_BITS, fills_bytes, padded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.deploy.dory_rules.file import DoryFile


def inputs_have_two_four_or_eight_bits(file: DoryFile) -> Iterator[str]:
    """Kernels read nothing else; accumulators must be requantised first.

    pulp-nn-mixed: one kernel for every triple of 2, 4 and 8 bits.
    """
    for node, _ in file.merged:
        for name in file.data(node):
            codes = file.codes.get(name)
            if codes is None:
                yield f"{label(node)}: nothing says how many bits its input {name} has."
            elif codes[0] not in KERNEL_BITS:
                yield f"{label(node)}: its input {name} has {codes[0]} bits, not 2, 4 or 8."


def pixels_fill_bytes(file: DoryFile) -> Iterator[str]:
    """All channels of a pixel are packed together, and the next one begins with a new byte.

    quantlib, FixChannelNumbersPass; HW_node.py: _compress.
    """
    last = file.merged[-1][1] if file.merged else ""
    tensors = dict.fromkeys([name for node, _ in file.merged for name in file.data(node)])
    for name in (*tensors, last):
        bits, _ = file.codes.get(name, (8, False))
        shape = file.shapes.get(name, ())
        if bits in KERNEL_BITS and len(shape) > 1 and not fills_bytes(shape[1], bits):
            yield (
                f"Tensor {name}: {shape[1]} channels of {bits} bits do not fill bytes; add "
                f"channels of zeros up to {padded(shape[1], bits)}, or use more bits."
            )


def weights_fill_bytes(file: DoryFile) -> Iterator[str]:
    """The weights of a layer are packed as a whole.

    HW_node.py: _compress in add_checksum_w_integer.
    """
    for node in file.nodes:
        weights, bits = file.weights(node), number(node, "weight_bits")
        if node.op_type not in LAYERS or weights is None or bits not in KERNEL_BITS:
            continue
        if not fills_bytes(weights.size, bits):
            yield (
                f"{label(node)}: {weights.size} weights of {bits} bits do not fill bytes; add "
                "channels of zeros, or use more bits."
            )


def depthwise_layers_of_few_bits_have_channels_in_pairs(file: DoryFile) -> Iterator[str]:
    """Their weights are rearranged two channels at a time.

    HW_node.py: shape[0] // 2 in add_checksum_w_integer.
    """
    for node in file.nodes:
        weights, bits = file.weights(node), number(node, "weight_bits")
        depthwise = node.op_type == "Conv" and (number(node, "group") or 1) > 1
        if depthwise and weights is not None and bits in (2, 4) and len(weights) % 2:
            yield (
                f"{label(node)}: depthwise kernels of {bits} bits take channels in pairs, but "
                f"there are {len(weights)}; add a channel of zeros, or use 8 bits."
            )


RULES = (
    inputs_have_two_four_or_eight_bits,
    pixels_fill_bytes,
    weights_fill_bytes,
    depthwise_layers_of_few_bits_have_channels_in_pairs,
)
