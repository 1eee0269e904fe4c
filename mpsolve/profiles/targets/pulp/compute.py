"""How long the eight cores compute on a tile: the counts of the core that has most to do.

Convolutions, pointwise ones included, go through im2col: pairs of output pixels, one column each,
are multiplied by groups of four channels of weights. The last of an odd number of pixels takes a
slower kernel. Depthwise kernels give each core some channels. Sources as in
`mpsolve.profiles.targets.pulp.instructions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.profiles.targets.pulp.instructions import (
    CHANNELS,
    PIXELS,
    WORD,
    Counts,
    im2col,
    widening,
    words,
)
from mpsolve.profiles.targets.pulp.platform import CORES, Isa

if TYPE_CHECKING:
    from mpsolve.profiles.targets.pulp.geometry import Geometry
    from mpsolve.typing import IntArray, NumberArray

#: Instructions around a column: pointers, padding test.
COLUMN = 14
#: XpulpNNv2 sets the widths in a register, per call and per group.
NNV2_CALL, NNV2_GROUP = 12, 4
#: A single channel of a group of four that is not full, in groups.
LEFTOVER = 0.6
#: Instructions per output of the kernel for a single pixel, and of the fully connected one.
SINGLE_OUTPUT, LINEAR_OUTPUT = 12, 20
#: Instructions per unit of channels of a depthwise tile.
DEPTHWISE_UNIT = 60
#: Fixed work per output of a depthwise kernel that computes several channels in turn.
DEPTHWISE_SHARED = 0.62


def counts(
    geometry: Geometry, isa: Isa, channels: IntArray, height: IntArray, width: IntArray
) -> Counts:
    """The counts of tiles of these sizes, arrays of one number per tile."""
    if geometry.depthwise:
        return depthwise(geometry, isa, channels, height, width)
    if geometry.linear:
        return linear(geometry, isa, channels)
    return convolution(geometry, isa, channels, height, width)


def convolution(
    g: Geometry, isa: Isa, channels: IntArray, height: IntArray, width: IntArray
) -> Counts:
    """Convolution by im2col, ``pulp_nn_conv``."""
    # Rows are shared by eight cores, or by four pairs that halve the width.
    halved = (height % CORES > 0) & (width > 1)
    rows = np.where(halved, -(-height // (CORES // 2)), -(-height // CORES))
    pixels = np.where(halved, width - width // 2, width)
    pairs, singles = rows * (pixels // PIXELS), rows * (pixels % PIXELS)
    columns = PIXELS * pairs + singles
    full, rest = np.divmod(channels, CHANNELS)
    groups = full + LEFTOVER * rest

    bits = isa.operand_bits(g.b_in, g.b_wt)
    new = isa is Isa.XPULPNNV2
    multiply, widen = matrix_multiplication(isa, g.b_in, g.b_wt, g.depth)
    multiply_one, widen_one = dot_product(isa, g.b_in, g.b_wt, g.depth)
    column = COLUMN + im2col(g.b_in, bits, g.depth)
    call, group = (NNV2_CALL, NNV2_GROUP) if new else (0, 0)
    widened = pairs * groups * widen + singles * channels * widen_one
    return Counts(
        instructions=columns * column
        + pairs * (call + groups * (group + multiply))
        + singles * channels * (SINGLE_OUTPUT + multiply_one),
        **_widened(isa, widened),
        requantised=pairs * groups * CHANNELS * PIXELS + singles * channels,
        groups=pairs * groups,
        calls=pairs + singles,
        im2col_rows=columns * g.k,
    )


def matrix_multiplication(isa: Isa, b_in: int, b_wt: int, depth: int) -> tuple[float, float]:
    """Instructions of four channels times two pixels, and those that widen the weights.

    XpulpV2: 14 instructions for 32 products of 8 bits; without the four loads of weights 10, and
    the weights are widened in registers. XpulpNN: multiplication and load are one instruction,
    nine for as many words of the wider operand. It takes its operands from memory, so that
    XpulpNNv1 writes narrower weights back after widening them.
    """
    if isa is Isa.XPULPV2:
        if b_wt == 8:
            return 14 * words(8, depth), 0.0
        return 10 * words(8, depth), CHANNELS * widening(b_wt, 8, depth)
    multiply = 9 * words(max(b_in, b_wt), depth)
    if isa is Isa.XPULPNNV1 and b_wt < b_in:
        widen = widening(b_wt, b_in, depth, store=True) + words(b_wt, depth)
        return multiply, CHANNELS * widen
    return multiply, 0.0


def dot_product(isa: Isa, b_in: int, b_wt: int, depth: int) -> tuple[float, float]:
    """As `matrix_multiplication`, of one channel and one pixel."""
    bits = isa.operand_bits(b_in, b_wt)
    return 3.2 * words(bits, depth), _widening_of_weights(isa, b_wt, bits, depth)


def linear(g: Geometry, isa: Isa, channels: IntArray) -> Counts:
    """A fully connected layer, ``pulp_nn_linear``: 32-bit outputs, in pairs on XpulpV2."""
    outputs = -(-channels // CORES)
    bits = isa.operand_bits(g.b_in, g.b_wt)
    widen = _widening_of_weights(isa, g.b_wt, bits, g.depth)
    store = isa is not Isa.XPULPV2
    inputs = widening(g.b_in, bits, g.depth, store=store)
    if isa is Isa.XPULPV2:
        multiply = (5 * words(8, g.depth) + inputs) / 2
    else:
        multiply = 3 * words(bits, g.depth) + inputs
    return Counts(
        instructions=outputs * (multiply + LINEAR_OUTPUT), **_widened(isa, outputs * widen)
    )


def depthwise(
    g: Geometry, isa: Isa, channels: IntArray, height: IntArray, width: IntArray
) -> Counts:
    """A depthwise convolution, ``pulp_nn_depthwise``, which widens everything to 8 bits.

    Each core takes units of channels that share a byte. For every output column it copies the
    input rows of a unit into a buffer and slides down.
    """
    units = -(-(-(-channels // g.unit)) // CORES)
    rows = (height - 1) * g.stride + g.k
    row_words = -(-g.k // 4)
    if g.b_in == 8:
        copy = g.unit * row_words * 3.0
    else:  # load, and an extraction and a store per element
        copy = row_words * (1 + 2 * WORD / g.b_in) * g.unit * g.b_in / 8
    copy += 2 * (g.unit - 1)
    fours, ones = divmod(g.k**2, 4)
    dot = fours * (3 if isa is Isa.XPULPV2 else 2.2) + 2 + 4 * ones
    weights = 0 if g.b_wt == 8 else g.k**2 * (1 + 2 * g.unit)
    in_rows = units * width * rows
    outputs = units * width * height * g.unit
    return Counts(
        instructions=units * (weights + DEPTHWISE_UNIT) + in_rows * copy + outputs * dot,
        requantised=outputs,
        depthwise_outputs=outputs * (1 if g.unit == 1 else DEPTHWISE_SHARED),
        depthwise_rows=in_rows,
    )


def _widening_of_weights(isa: Isa, b_wt: int, bits: int, depth: int) -> float:
    """Instructions that widen the weights of one channel."""
    if isa is Isa.XPULPNNV2:
        return 0.0
    return widening(b_wt, bits, depth, store=isa is Isa.XPULPNNV1)


def _widened(isa: Isa, instructions: NumberArray) -> dict[str, NumberArray]:
    """Under the name of what they cost."""
    registers = isa is Isa.XPULPV2
    return {"widened_registers" if registers else "widened_memory": instructions}
