"""Random weights of a layer, in floating point and quantised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.typing import NumberArray

#: Weights that share a scale in weight-only formats.
BLOCK = 32
#: Processors without an instruction for products of bytes add two of them in 16 bits: with larger
#: weights those sums saturate, and results would depend on the processor.
LARGEST_INT8 = 64
#: Stands for the largest weight where all are zero.
TINY = np.float32(1e-12)


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one layer.

    Attributes
    ----------
    matrix
        ``(out_channels, in_channels / groups, kernel height, kernel width)`` float32.
    bias
        ``(out_channels,)`` float32; every layer has one, since a folded batch normalisation
        leaves one.
    """

    matrix: NumberArray
    bias: NumberArray


def random_weights(layer: str, layer_type: LayerType, seed: int) -> Weights:
    """Weights that keep the variance of independent inputs, the same for the same arguments.

    Timing does not depend on their values as long as nothing overflows or becomes denormal.
    """
    rng = np.random.default_rng([crc32(layer.encode()), seed])
    fan_in = layer_type.in_channels // layer_type.groups
    shape = (layer_type.out_channels, fan_in, *layer_type.kernel)
    deviation = (layer_type.out_channels / layer_type.weights) ** 0.5
    matrix = rng.standard_normal(shape, np.float32) * np.float32(deviation)
    bias = rng.standard_normal(layer_type.out_channels, np.float32) * np.float32(0.1)
    return Weights(matrix, bias)


def per_channel(matrix: NumberArray) -> tuple[NumberArray, NumberArray]:
    """Symmetric int8 weights of at most `LARGEST_INT8` and the scale of each output channel."""
    largest = np.abs(matrix).max(axis=tuple(range(1, matrix.ndim)))
    scales = (np.maximum(largest, TINY) / LARGEST_INT8).astype(np.float32)
    scaled = matrix / scales.reshape(-1, *(1,) * (matrix.ndim - 1))
    return np.rint(scaled).astype(np.int8), scales


def per_block(matrix: NumberArray, bits: int) -> tuple[NumberArray, NumberArray]:
    """Weights as MatMulNBits stores them: unsigned with the middle as zero, scales per block.

    Parameters
    ----------
    matrix
        ``(N, K)`` float32; K is padded to whole blocks.
    bits
        4, two of which share a byte with the first in its low half, or 8.

    Returns
    -------
    ``(N, K / BLOCK, BLOCK * bits / 8)`` uint8 and ``(N, K / BLOCK)`` float32.
    """
    rows, columns = matrix.shape
    blocks = -(-columns // BLOCK)
    padded = np.zeros((rows, blocks * BLOCK), np.float32)
    padded[:, :columns] = matrix
    padded = padded.reshape(rows, blocks, BLOCK)
    middle = 2 ** (bits - 1)
    largest = np.abs(padded).max(axis=2)
    scales = (np.maximum(largest, TINY) / (middle - 1)).astype(np.float32)
    codes = (np.rint(padded / scales[..., None]) + middle).astype(np.uint8)
    if bits == 4:
        codes = codes[..., 0::2] | codes[..., 1::2] << 4
    return codes, scales


def dequantised_blocks(codes: NumberArray, scales: NumberArray, columns: int) -> NumberArray:
    """The ``(N, columns)`` float64 weights that `per_block` stands for."""
    rows, blocks = scales.shape
    bits = 8 * codes.shape[2] // BLOCK
    if bits == 4:
        codes = np.stack([codes & 15, codes >> 4], axis=-1)
    weights = codes.reshape(rows, blocks, BLOCK) - 2.0 ** (bits - 1)
    return (weights * scales[..., None].astype(np.float64)).reshape(rows, -1)[:, :columns]
