"""What a general method asks of its back end, and what the back end answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.typing import FloatArray, IntArray


#: Solvers that compute in floats see integer rows with limits below 2^ROW_BITS, scaled down until
#: the limits are below 2^LIMIT_BITS: their tolerances, near 1e-6, are small beside the integers.
ROW_BITS, LIMIT_BITS = 30, 20


@dataclass(frozen=True, eq=False)
class Task:
    """A model to be solved.

    Attributes
    ----------
    model
        The model.
    exponent
        The back end's objective is the losses of the model times ``2^exponent``.
    start
        ``(G,)`` a choice of the groups to begin with, or None.
    deadline
        The `time.monotonic` value, which processes share, at which to stop; may be infinite.
    gap
        Relative gap at which to stop.
    threads, seed
        As in `Options`.
    variant
        Which solver of the back end to use, or empty.
    """

    model: BinaryModel
    exponent: int = 0
    start: IntArray | None = None
    deadline: float = float("inf")
    gap: float = 0.0
    threads: int = 1
    seed: int = 0
    variant: str = ""

    def seconds(self) -> float | None:
        """What is left until the deadline, or None without one."""
        if self.deadline == float("inf"):
            return None
        return max(self.deadline - time.monotonic(), 0.01)


@dataclass(frozen=True, eq=False)
class Report:
    """What a back end says.

    Attributes
    ----------
    choice
        ``(G,)`` the best choice of the groups it found, or None.
    bound
        Lower bound on the objective of the task, or None.
    proven
        Whether it claims to have ended by itself: within the gap or, without a choice, with
        none existing.
    remark
        What stopped it otherwise, empty for the deadline.
    """

    choice: IntArray | None
    bound: float | None = None
    proven: bool = False
    remark: str = ""


#: Receives every better choice, or None, and the bound on the objective, or None.
Hear = Callable[["IntArray | None", "float | None"], None]


def nearest_choice(values: FloatArray, offsets: IntArray) -> IntArray:
    """The choice that takes the largest variable of every group."""
    largest = np.repeat(np.maximum.reduceat(values, offsets[:-1]), np.diff(offsets))
    position = np.where(values == largest, np.arange(len(values)), len(values))
    return np.minimum.reduceat(position, offsets[:-1]) - offsets[:-1]


def float_rows(model: BinaryModel) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The rows for solvers that compute in floats.

    Large coefficients and limits are rounded down, so that no choice is lost; the few that get in
    thereby are excluded when they turn up as answers. And a sum of integers keeps a limit if and
    only if it stays below the limit and a half. With such a limit no choice comes near it, where
    a solver might take it for one thing in a relaxation and for the other afterwards: CBC 2.10
    loses optima so.

    Returns
    -------
    The coefficients in the order of the model, lower limits, or -inf, and upper limits.
    """
    shift = np.maximum(_bits(model.upper) - ROW_BITS, 0)
    coefficients = model.coefficients >> np.repeat(shift, np.diff(model.indptr))
    limits = model.upper >> shift
    scale = np.minimum(LIMIT_BITS - _bits(limits), 0)
    upper = np.ldexp(limits + np.where(model.equal, 0.0, 0.5), scale)
    lower = np.where(model.equal, upper, -np.inf)
    entries = np.repeat(scale, np.diff(model.indptr))
    return np.ldexp(coefficients.astype(np.float64), entries), lower, upper


def _bits(values: IntArray) -> IntArray:
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)
