"""Shapes as frameworks give them, and as networks have them: channels, height and width."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from mpsolve.profiles.networks.layer_type import LayerType

if TYPE_CHECKING:
    from collections.abc import Sequence


def without_batch(dims: Sequence[int], batch: int) -> tuple[int, ...]:
    """The shape for one sample; the samples may also share an axis with something else."""
    first, *rest = (*dims,) or (1,)
    if first == batch:
        return tuple(rest)
    return (first // batch if first % batch == 0 else first, *rest)


def tensor_shape(dims: Sequence[int], *, channels_first: bool) -> tuple[int, int, int]:
    """Channels, height and width of a tensor of one sample.

    Parameters
    ----------
    dims
        Its shape without the batch: ``(C,)``, ``(C, H, W)`` and, depending on ``channels_first``,
        ``(C, L)`` of a signal or ``(T, C)`` of tokens. Middle axes of longer shapes become one.
    channels_first
        What two axes are.
    """
    if len(dims) < 2:
        return prod(dims), 1, 1
    if len(dims) == 2:
        channels, length = dims if channels_first else reversed(dims)
        return channels, 1, length
    return dims[0], prod(dims[1:-1]), dims[-1]


def linear_type(dims: Sequence[int], features: int, *, bias: bool) -> LayerType:
    """The layer type of a linear layer on the last axis of a tensor of one sample."""
    positions = [size for size in dims[:-1] if size > 1]
    if len(positions) != 2:
        positions = [1, prod(positions)]
    size = (positions[0], positions[1])
    return LayerType("linear", dims[-1] if dims else 1, features, size, size, bias=bias)
