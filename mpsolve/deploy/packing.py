"""How codes are packed into bytes, and which channel counts that allows.

Tensors lie in memory pixel after pixel, all channels of a pixel next to each other, and several
codes of fewer than 8 bits in one byte. A pixel must fill whole bytes (quantlib,
``FixChannelNumbersPass``), and depthwise kernels of fewer than 8 bits take channels in pairs
(DORY, ``HW_node.add_checksum_w_integer``).
"""

from __future__ import annotations

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
