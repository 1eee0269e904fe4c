"""What a search decides for one tensor: a bit-width among several."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


class Choice(Protocol):
    """A random bit-width, of which the likeliest or the most certain is taken in the end."""

    @property
    def precisions(self) -> tuple[int, ...]:
        """The bit-widths, increasing."""
        ...

    def mean(self, values: Tensor) -> Tensor:
        """The expectation of ``(K, ...)`` values, one for every bit-width: ``(...)``."""
        ...

    def bits(self) -> int:
        """The bit-width that would be taken now."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """A bit-width that nobody searches, such as that of the network's input."""

    width: int

    def __post_init__(self) -> None:
        checked_precisions((self.width,))

    @property
    def precisions(self) -> tuple[int, ...]:
        """The bit-width."""
        return (self.width,)

    def mean(self, values: Tensor) -> Tensor:
        """The only value."""
        return values[0]

    def bits(self) -> int:
        """The bit-width."""
        return self.width


def checked_precisions(precisions: tuple[int, ...]) -> tuple[int, ...]:
    """Increasing bit-widths."""
    precisions = tuple(precisions)
    whole = all(isinstance(bits, int) and not isinstance(bits, bool) for bits in precisions)
    if not (precisions and whole and all(low < high for low, high in pairwise((0, *precisions)))):
        raise InputError(f"Precisions are whole bit-widths in increasing order, not {precisions}.")
    return precisions
