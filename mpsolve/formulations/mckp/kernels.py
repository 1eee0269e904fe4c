"""What a kernel of the knapsack method is, and which there are.

The compiled kernel serves wherever it could be built. The reference kernel gives answers that are
as good and proven in the same way, only slower, and may choose otherwise among equally good ones.
The environment variable ``MPSOLVE_KERNEL`` overrules the choice.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Protocol

from mpsolve.errors import InputError, UnsupportedError
from mpsolve.formulations.mckp.front import FrontOptions, FrontPoints
from mpsolve.formulations.mckp.reference import ReferenceKernel
from mpsolve.formulations.mckp.search import Result, SearchOptions

if TYPE_CHECKING:
    from mpsolve.presolve.fixed_point import FixedPoint
    from mpsolve.typing import IntArray, NumberArray

NAMES = ("compiled", "reference")
#: What the reference kernel is called as well.
ALIAS = "numpy"


class Prepared(Protocol):
    """A knapsack that waits for a capacity."""

    @property
    def base_loss(self) -> int:
        """The least loss of every group, summed."""

    def spread(self, excess: int) -> int:
        """The largest of what each group can lose beyond its least, up to ``excess``, summed."""

    def search(self, capacity: int, options: SearchOptions = SearchOptions()) -> Result:
        """The choice of least loss within a capacity, as far as the options allow."""

    def front(self, options: FrontOptions = FrontOptions()) -> FrontPoints:
        """The non-dominated sums of weight and loss."""


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
        """Get ready for any capacity.

        Parameters
        ----------
        weights, losses
            ``(M,)`` int64 of the candidates; the sums of one per group must stay below 2^62 in
            absolute value.
        offsets
            ``(G + 1,)`` int64; group g has the candidates ``offsets[g]:offsets[g + 1]``, at least
            one.
        """


@cache
def kernel_named(name: str) -> Kernel:
    """The kernel of this name; ``numpy`` is another one for the reference.

    Raises
    ------
    InputError
        If there is no such kernel.
    UnsupportedError
        If it is ``compiled`` and was not built.
    """
    if name in ("reference", ALIAS):
        return ReferenceKernel()
    if name != "compiled":
        raise InputError(f"There is no kernel {name!r}; there are {' and '.join(NAMES)}.")
    try:
        from mpsolve.formulations.mckp.compiled import CompiledKernel
    except ImportError:
        raise UnsupportedError(
            "The compiled kernel was not built; install mpsolve where there is a C compiler."
        ) from None
    return CompiledKernel()


@cache
def default_kernel() -> Kernel:
    """The kernel that ``MPSOLVE_KERNEL`` names, else the compiled one where it was built."""
    if chosen := os.environ.get("MPSOLVE_KERNEL"):
        return kernel_named(chosen)
    try:
        return kernel_named("compiled")
    except UnsupportedError:
        return kernel_named("reference")
