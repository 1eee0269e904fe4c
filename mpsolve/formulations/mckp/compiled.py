"""The compiled kernel: the extension module of the folder ``native``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.mckp import search as search_module
from mpsolve.formulations.mckp.front import FrontOptions, FrontPoints
from mpsolve.formulations.mckp.search import Result, SearchOptions
from mpsolve.formulations.native import _native
from mpsolve.model.solution import Limit
from mpsolve.presolve.fixed_point import FixedPoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.typing import IntArray, NumberArray

#: Labels that the searches of a front may form in all when the caller sets no limit: some ten
#: seconds.
FRONT_LABELS = 400_000_000
#: Labels formed by one step of a front: 400 MB. Wider searches are split, the narrowest are given
#: up.
STEP_LIMIT = 8_000_000
#: A point of a front.
_NAMES = ("weight", "loss", "excess")
_POINT = np.dtype(list(zip(_NAMES, (np.int64, np.int64, np.float64), strict=True)))
#: What a search says about how it ended.
_LIMITS = (None, Limit.LABELS, Limit.TIME, Limit.INTERRUPTED)


class CompiledKernel:
    """Fast, and there wherever it could be built."""

    name = "compiled"

    def fixed_point(
        self, values: NumberArray, offsets: IntArray, bits: int, round_up: bool
    ) -> FixedPoint:
        """In two passes over the numbers."""
        integers = np.empty(len(values), np.int64)
        exponent, exact = _native.fixed_point(values, offsets, bits, round_up, integers)
        return FixedPoint(integers, exponent, exact)

    def prepare(self, weights: IntArray, losses: IntArray, offsets: IntArray) -> _Knapsack:
        """As flat rows that the extension owns."""
        return _Knapsack(weights, losses, offsets)


class _Knapsack:
    """A prepared knapsack of the extension module."""

    def __init__(self, weights: IntArray, losses: IntArray, offsets: IntArray) -> None:
        self._knapsack = _native.Knapsack(weights, losses, offsets)
        self._groups = len(offsets) - 1
        self.base_loss: int = self._knapsack.base_loss
        self.spread: Callable[[int], int] = self._knapsack.spread

    def search(self, capacity: int, options: SearchOptions = SearchOptions()) -> Result:
        choice = np.empty(self._groups, np.int64)
        found = self._knapsack.search(capacity, choice, *options, search_module.TUNING)
        if found is None:
            return Result(None, 0, 0, None)
        loss, bound, stopped = found
        return Result(choice, loss, bound, _LIMITS[stopped])

    def front(self, options: FrontOptions = FrontOptions()) -> FrontPoints:
        progress = options.progress
        found, stopped = self._knapsack.front(
            options.epsilon,
            options.base_loss,
            options.label_limit or FRONT_LABELS,
            STEP_LIMIT,
            options.deadline,
            progress and (lambda done, segments: progress(done / segments)),
        )
        points = np.frombuffer(found, _POINT)
        weights, losses, excess = (np.ascontiguousarray(points[name]) for name in _NAMES)
        unproven = bool((excess > options.epsilon).any())
        return FrontPoints(weights, losses, excess, _LIMITS[stopped] if unproven else None)
