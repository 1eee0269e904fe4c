"""Bytes of packed numbers: sub-byte weights and activations leave no gaps within a tensor."""

from __future__ import annotations

from fractions import Fraction
from math import ceil


def packed_bytes(elements: int, bits: float) -> int:
    """Bytes of so many numbers of so many bits, rounded up once per tensor.

    >>> packed_bytes(5, 2), packed_bytes(4, 4.5)
    (2, 3)
    """
    return ceil(elements * Fraction(bits) / 8)
