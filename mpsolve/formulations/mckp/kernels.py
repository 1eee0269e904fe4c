"""The two kernels of the knapsack method: NumPy's and, where it could be built, the compiled one.

Both follow the same steps in the same arithmetic and give the same answers; `search` documents
the algorithm. The environment variable ``MPSOLVE_KERNEL`` (``numpy`` or ``compiled``) overrules the
choice.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mpsolve.errors import InputError, UnsupportedError
from mpsolve.formulations.mckp import front as front_module
from mpsolve.formulations.mckp import search as steps
from mpsolve.formulations.mckp.front import FrontOptions, FrontPoints, front_points
from mpsolve.formulations.mckp.incumbent import PASSES
from mpsolve.formulations.mckp.instance import prepare
from mpsolve.formulations.mckp.search import Result, SearchOptions, search
from mpsolve.model.solution import Limit
from mpsolve.presolve.fixed_point import FixedPoint, fixed_point

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.typing import IntArray, NumberArray

NAMES = ("compiled", "numpy")


class Prepared(Protocol):
    """A knapsack that waits for a capacity."""

    @property
    def base_loss(self) -> int:
        """The least loss of every group, summed."""

    def spread(self, excess: int) -> int:
        """See `mpsolve.formulations.mckp.instance.Instance.spread`."""

    def search(self, capacity: int, options: SearchOptions = SearchOptions()) -> Result:
        """See `mpsolve.formulations.mckp.search.search`."""

    def front(self, options: FrontOptions = FrontOptions()) -> FrontPoints:
        """See `mpsolve.formulations.mckp.front.front_points`."""


class Kernel(Protocol):
    """What turns numbers into integers and integers into a prepared knapsack."""

    @property
    def name(self) -> str:
        """One of `NAMES`."""

    def fixed_point(
        self, values: NumberArray, offsets: IntArray, bits: int, round_up: bool
    ) -> FixedPoint:
        """See `mpsolve.presolve.fixed_point.fixed_point`."""

    def prepare(self, weights: IntArray, losses: IntArray, offsets: IntArray) -> Prepared:
        """See `mpsolve.formulations.mckp.instance.prepare`."""


@dataclass(frozen=True, eq=False)
class _Numpy:
    """The steps of this folder, one file each."""

    instance: Instance

    @property
    def base_loss(self) -> int:
        return self.instance.base_loss

    def spread(self, excess: int) -> int:
        return self.instance.spread(excess)

    def search(self, capacity: int, options: SearchOptions = SearchOptions()) -> Result:
        return search(self.instance, capacity, options)

    def front(self, options: FrontOptions = FrontOptions()) -> FrontPoints:
        instance = self.instance
        points = front_points(
            instance.weights[instance.real],
            instance.losses[instance.real],
            np.append(0, np.cumsum(instance.counts)),
            options._replace(base_loss=options.base_loss + instance.base_loss),
        )
        weights, losses = points.weights + instance.base_weight, points.losses + instance.base_loss
        return replace(points, weights=weights, losses=losses)


class NumpyKernel:
    """Needs nothing that is not there."""

    name = "numpy"

    def fixed_point(
        self, values: NumberArray, offsets: IntArray, bits: int, round_up: bool
    ) -> FixedPoint:
        """In a handful of array operations."""
        return fixed_point(values, offsets, bits=bits, round_up=round_up)

    def prepare(self, weights: IntArray, losses: IntArray, offsets: IntArray) -> Prepared:
        """As padded rows."""
        return _Numpy(prepare(weights, losses, offsets))


#: So many times more labels does the compiled front form by default in about the same time.
FASTER = 4
#: A point of the compiled front.
_NAMES = ("weight", "loss", "excess")
_POINT = np.dtype(list(zip(_NAMES, (np.int64, np.int64, np.float64), strict=True)))
#: What the compiled search says about how it ended.
_LIMITS = (None, Limit.LABELS, Limit.TIME, Limit.INTERRUPTED)


class _Compiled:
    """A prepared knapsack of the extension module."""

    def __init__(self, module: ModuleType, weights: IntArray, losses: IntArray, offsets: IntArray):
        self._knapsack = module.Knapsack(weights, losses, offsets)
        self._groups = len(offsets) - 1
        self.base_loss: int = self._knapsack.base_loss
        self.spread: Callable[[int], int] = self._knapsack.spread

    def search(self, capacity: int, options: SearchOptions = SearchOptions()) -> Result:
        choice = np.empty(self._groups, np.int64)
        dives = (steps.DIVE_AT, steps.DIVE_GROWTH, steps.DIVE_SHARE, steps.NEARNESS)
        parts = (steps.LARGE_CORE, steps.FIRST_PART, steps.NEXT_PART, steps.FIRST_WIDTH)
        tuning = (*dives, steps.POLL_AT, *parts, PASSES)
        found = self._knapsack.search(capacity, choice, *options, tuning)
        if found is None:
            return Result(None, 0, 0, None)
        loss, bound, stopped = found
        return Result(choice, loss, bound, _LIMITS[stopped])

    def front(self, options: FrontOptions = FrontOptions()) -> FrontPoints:
        limit, progress = options.label_limit, options.progress or _ignore
        found, stopped = self._knapsack.front(
            options.epsilon,
            options.base_loss,
            limit or FASTER * front_module.LABEL_LIMIT,
            front_module.STEP_LIMIT,
            options.deadline,
            lambda done, segments: progress(done / segments),
        )
        points = np.frombuffer(found, _POINT)
        weights, losses, excess = (np.ascontiguousarray(points[name]) for name in _NAMES)
        unproven = bool((excess > options.epsilon).any())
        return FrontPoints(weights, losses, excess, _LIMITS[stopped] if unproven else None)


def _ignore(part: float) -> None:
    """Nobody wants to hear of the progress."""


class CompiledKernel:
    """The C files of the folder ``native``."""

    name = "compiled"

    def __init__(self) -> None:
        from mpsolve.formulations.native import _native

        self._module = _native

    def fixed_point(
        self, values: NumberArray, offsets: IntArray, bits: int, round_up: bool
    ) -> FixedPoint:
        """In two passes over the numbers."""
        integers = np.empty(len(values), np.int64)
        exponent, exact = self._module.fixed_point(values, offsets, bits, round_up, integers)
        return FixedPoint(integers, exponent, exact)

    def prepare(self, weights: IntArray, losses: IntArray, offsets: IntArray) -> Prepared:
        """As flat rows that the extension owns."""
        return _Compiled(self._module, weights, losses, offsets)


@cache
def kernel_named(name: str) -> Kernel:
    """The kernel of this name.

    Raises
    ------
    InputError
        If there is no such kernel.
    UnsupportedError
        If it is ``compiled`` and was not built.
    """
    if name == "numpy":
        return NumpyKernel()
    if name != "compiled":
        raise InputError(f"There is no kernel {name!r}; there are {' and '.join(NAMES)}.")
    try:
        return CompiledKernel()
    except ImportError:
        raise UnsupportedError(
            "The compiled kernel was not built; install mpsolve where there is a C compiler."
        ) from None


@cache
def default_kernel() -> Kernel:
    """The kernel that ``MPSOLVE_KERNEL`` names, else the compiled one where it was built."""
    if chosen := os.environ.get("MPSOLVE_KERNEL"):
        return kernel_named(chosen)
    try:
        return kernel_named("compiled")
    except UnsupportedError:
        return kernel_named("numpy")
