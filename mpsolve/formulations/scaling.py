"""How large the answer will be, and the power of two that suits it.

Solvers judge optimality with absolute tolerances. Unless the losses are brought to the size that
the tolerances are made for, a solver returns a wrong answer and calls it optimal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.typing import FloatArray, IntArray

#: Solvers that compute in floats see an optimum near 2^FLOAT_BITS.
FLOAT_BITS = 16
#: Their absolute tolerances add up to less than this.
FLOAT_ERROR = 2.0**-18
#: The sum of all integer losses that CP-SAT sees stays below 2^INTEGER_BITS.
INTEGER_BITS = 50
#: Steps of the search for the multiplier of a sketch, and the exponents it lies between.
STEPS, EXPONENTS = 40, (-64.0, 128.0)


@dataclass(frozen=True)
class Scale:
    """The factor ``2^exponent`` between the units of a model and those of a back end.

    ``error`` is what the back end cannot tell apart, in units of the model.
    """

    exponent: int
    error: float


@dataclass(frozen=True, eq=False)
class Sketch:
    """A quick answer without a guarantee: ties are ignored and rows may be broken.

    Attributes
    ----------
    choice
        ``(G + P,)`` a choice of the groups and pairs.
    excess
        Its loss beyond the base of the model, in units.
    bound
        Proven lower bound on the excess of every choice that keeps the rows.
    """

    choice: IntArray
    excess: int
    bound: float


def sketch(model: BinaryModel) -> Sketch:
    """Add up the rows and search for the least multiplier at which the choice keeps them all.

    The multiplier prices the sum of the rows, each in units of its limit; any multiplier gives a
    Lagrangian lower bound.
    """
    price = np.where(model.equal, 0.0, 1.0 / np.maximum(model.upper, 1))
    weights = np.zeros(len(model.losses))
    entry_price = np.repeat(price, np.diff(model.indptr))
    np.add.at(weights, model.columns, model.coefficients * entry_price)
    losses, room = model.losses.astype(np.float64), float(price @ model.upper)

    def keeps(choice: IntArray) -> bool:
        return bool((model.activity(choice) <= model.upper)[~model.equal].all())

    choice, bound = _relaxed(model, losses, weights, room, 0.0)
    if not keeps(choice):
        low, high = EXPONENTS
        choice, _ = _relaxed(model, losses, weights, room, 2.0**high)
        for _ in range(STEPS):
            middle = (low + high) / 2
            tried, value = _relaxed(model, losses, weights, room, 2.0**middle)
            bound = max(bound, value)
            if keeps(tried):
                choice, high = tried, middle
            else:
                low = middle
    return Sketch(choice, model.excess(choice), bound)


def _relaxed(
    model: BinaryModel, losses: FloatArray, weights: FloatArray, room: float, multiplier: float
) -> tuple[IntArray, float]:
    """The choice of least priced loss, light ones first among equals, and the bound it gives."""
    starts, counts = model.offsets[:-1], np.diff(model.offsets)
    priced = losses + multiplier * weights
    least = np.minimum.reduceat(priced, starts)
    best = priced == np.repeat(least, counts)
    weight = np.where(best, weights, np.inf)
    lightest = weight == np.repeat(np.minimum.reduceat(weight, starts), counts)
    position = np.where(best & lightest, np.arange(len(losses)), len(losses))
    summed = math.fsum(least)
    safety = 2.0**-40 * (summed + multiplier * room)
    choice = model.completed(np.minimum.reduceat(position, starts) - starts)
    return choice, summed - multiplier * room - safety


def float_scale(model: BinaryModel, excess: float) -> Scale:
    """The scale for solvers that compute in floats, if the optimum has about this excess."""
    exponent = FLOAT_BITS - math.frexp(excess or float(model.losses.max(initial=1)))[1]
    return Scale(exponent, math.ldexp(FLOAT_ERROR, -exponent))


def integer_scale(model: BinaryModel, excess: float) -> Scale:
    """The finest scale at which the losses are integers of a moderate size."""
    total = sum(model.losses.tolist())
    shift = max(0, total.bit_length() - INTEGER_BITS)
    rounding = (len(model.offsets) - 1) / 2
    return Scale(-shift, math.ldexp(rounding, shift) if shift else 0.0)
