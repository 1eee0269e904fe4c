"""The integer grids: which codes a bit-width has, and how far apart they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T", float, "Tensor")

#: float32 divides by a scale exactly enough to tell codes of so many bits apart.
MOST_BITS = 16


@dataclass(frozen=True, slots=True)
class Grid:
    """The codes of one bit-width; code 0 stands for the value 0, so that padding is exact.

    Values are rounded to the nearest code, halves to the even one.

    Attributes
    ----------
    bits
        Bit-width, from 1 (signed: 2) to 16.
    signed
        Two's complement if true, else all codes are at least 0.
    odd
        A signed grid without its lowest code, thus with an odd number of levels that span the
        range evenly: the grid that Bayesian Bits decomposes into residuals.

    Examples
    --------
    >>> Grid(4, signed=True).lowest, Grid(4, signed=True).highest
    (-8, 7)
    >>> Grid(2, signed=False).scale(6.0)
    2.0
    """

    bits: int
    signed: bool
    odd: bool = False

    def __post_init__(self) -> None:
        whole = isinstance(self.bits, int) and not isinstance(self.bits, bool)
        if not (whole and 1 + self.signed <= self.bits <= MOST_BITS):
            kind = "a signed" if self.signed else "an unsigned"
            raise InputError(
                f"{kind.capitalize()} grid has {1 + self.signed} to {MOST_BITS} bits, "
                f"not {self.bits!r}."
            )
        if self.odd and not self.signed:
            raise InputError("Only a signed grid can have an odd number of levels.")

    @property
    def lowest(self) -> int:
        """The least code."""
        return -(2 ** (self.bits - 1)) + self.odd if self.signed else 0

    @property
    def highest(self) -> int:
        """The greatest code."""
        return 2 ** (self.bits - 1) - 1 if self.signed else 2**self.bits - 1

    @property
    def divisor(self) -> float:
        """How many scales make a threshold."""
        if not self.signed:
            return 2**self.bits - 1
        return (2**self.bits - self.odd) / 2

    def scale(self, threshold: T) -> T:
        """The distance of neighbouring values for a threshold, which is greater than 0.

        The threshold is the value of the highest code of an unsigned grid, minus the value of the
        lowest code of a signed one, and half a scale above the highest of an odd one.
        """
        return threshold / self.divisor
