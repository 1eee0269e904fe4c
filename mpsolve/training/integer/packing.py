"""How codes are packed into bytes, and which channel counts that allows.

Tensors lie in memory pixel after pixel, all channels of a pixel next to each other, and several
codes of fewer than 8 bits in one byte. A pixel must fill whole bytes (quantlib,
``FixChannelNumbersPass``), and depthwise kernels of fewer than 8 bits take channels in pairs
(DORY, ``HW_node.add_checksum_w_integer``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.training.integer.layers import Conv

if TYPE_CHECKING:
    from mpsolve.training.integer.graph import Graph

#: What the kernels of PULP-NN read and write.
KERNEL_BITS = (2, 4, 8)


def fills_bytes(codes: int, bits: int) -> bool:
    """Whether so many codes end where a byte ends."""
    return codes * bits % 8 == 0


def padded(channels: int, bits: int) -> int:
    """The next number of channels that fills bytes.

    Examples
    --------
    >>> padded(3, 8), padded(3, 4), padded(5, 2)
    (3, 4, 8)
    """
    group = 8 // bits
    return -(-channels // group) * group


def packing_problems(graph: Graph) -> tuple[str, ...]:
    """Why kernels could not run a graph, one sentence per tensor and layer; nothing if they can.

    Parameters
    ----------
    graph
        The network. Its input and all codes and weights need 2, 4 or 8 bits.
    """
    problems = []
    for tensor in graph.tensors:
        if tensor.bits > 8:
            continue
        if tensor.bits not in KERNEL_BITS:
            problems.append(f"Tensor {tensor.name} has {tensor.bits} bits; kernels know 2, 4, 8.")
        elif not fills_bytes(tensor.channels, tensor.bits):
            problems.append(
                f"Tensor {tensor.name}: {tensor.channels} channels of {tensor.bits} bits do not "
                f"fill bytes; add channels of zeros up to {padded(tensor.channels, tensor.bits)}, "
                "or use more bits."
            )
    for layer in graph.layers:
        if layer.weight_bits not in KERNEL_BITS:
            problems.append(
                f"Layer {layer.name} has weights of {layer.weight_bits} bits; kernels know 2, 4, 8."
            )
        elif not fills_bytes(layer.weights.size, layer.weight_bits):
            problems.append(
                f"Layer {layer.name}: {layer.weights.size} weights of {layer.weight_bits} bits do "
                "not fill bytes; add channels of zeros, or use more bits."
            )
        channels = len(layer.weights)
        if isinstance(layer, Conv) and layer.depthwise and layer.weight_bits < 8 and channels % 2:
            problems.append(
                f"Layer {layer.name}: depthwise kernels of {layer.weight_bits} bits take channels "
                f"in pairs, but there are {channels}; add a channel of zeros, or use 8 bits."
            )
    return tuple(problems)
