"""Instruction counts of the kernels' inner loops.

Read from the kernels of PULP-NN-mixed [1]_ (Apache-2.0) and of its XpulpNN variants: one cycle per
instruction, and one more where a load is used at once.

.. [1] N. Bruschi et al., Enabling Mixed-Precision Quantized Neural Networks in Extreme-Edge
   Devices, Computing Frontiers 2020, arXiv:2007.07759.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpsolve.profiles.targets.pulp.parameters import Parameters
    from mpsolve.typing import NumberArray

WORD = 32
#: Output channels and pixels that a matrix multiplication computes at once.
CHANNELS, PIXELS = 4, 2


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What the busiest core executes for a tile, by what a single one costs.

    Each is an array of one number per tile, or one number for all.

    Attributes
    ----------
    instructions
        Plain instructions, of one cycle each.
    widened_registers, widened_memory
        Instructions that widen weights in registers (XpulpV2) and through memory (XpulpNNv1).
    requantised
        8-bit outputs that are requantised.
    depthwise_outputs, depthwise_rows
        Outputs of depthwise kernels, and input rows of their column buffers.
    groups
        Groups of four output channels.
    calls
        Calls of a matrix multiplication.
    im2col_rows
        Kernel rows copied into an im2col buffer.
    """

    instructions: NumberArray
    widened_registers: NumberArray | float = 0.0
    widened_memory: NumberArray | float = 0.0
    requantised: NumberArray | float = 0.0
    depthwise_outputs: NumberArray | float = 0.0
    depthwise_rows: NumberArray | float = 0.0
    groups: NumberArray | float = 0.0
    calls: NumberArray | float = 0.0
    im2col_rows: NumberArray | float = 0.0

    def cycles(self, p: Parameters) -> NumberArray:
        """Cycles of each tile, with contention for memory and the start of the cores."""
        return p.launch + p.contention * (
            self.instructions
            + p.widen_registers * self.widened_registers
            + p.widen_memory * self.widened_memory
            + p.requantise * self.requantised
            + p.depthwise_output * self.depthwise_outputs
            + p.depthwise_row * self.depthwise_rows
            + p.group * self.groups
            + p.call * self.calls
            + p.im2col_row * self.im2col_rows
        )


def words(bits: int, elements: float) -> float:
    """32-bit words that so many packed elements fill."""
    return elements * bits / WORD


def widening(source: int, target: int, elements: float, *, store: bool = False) -> float:
    """Instructions that widen packed elements, and store them if asked.

    Per word: one load, one extraction per element, and two instructions for every four bytes
    that are packed; from 2 to 4 bits, pairs are inserted into bytes before.
    """
    if source == target:
        return 0.0
    per_word = WORD // source
    if target == 8:
        instructions = 1 + per_word + 2 * per_word / 4
    else:
        instructions = 1 + per_word + per_word / 2 + 2 * per_word / 2 / 4
    return words(source, elements) * (instructions + (per_word * target / WORD if store else 0))


def im2col(source: int, target: int, elements: float) -> float:
    """Instructions that copy activations into a column, widening them if necessary."""
    if source == target:
        return 3 * words(source, elements)  # load, stall, store
    return widening(source, target, elements, store=True)
