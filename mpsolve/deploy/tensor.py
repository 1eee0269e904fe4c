"""Tensors of integer codes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from mpsolve.errors import InputError

#: What an activation may be stored in; kernels of PULP-NN know 2, 4 and 8.
ACTIVATION_BITS = range(1, 9)
#: What a layer without requantisation returns.
ACCUMULATOR_BITS = 32


def limits(bits: int, signed: bool) -> tuple[int, int]:
    """The least and the greatest code: two's complement, or 0 to 2^bits - 1.

    Examples
    --------
    >>> limits(4, True), limits(4, False)
    ((-8, 7), (0, 15))
    """
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One activation tensor of a single image; its zero point is always 0.

    Attributes
    ----------
    name
        Its name, different for every tensor of a graph.
    shape
        ``(C, H, W)``, or ``(C,)`` once flattened.
    bits
        Bits of a code: 1 to 8, or 32 for the accumulators that a final layer returns.
    signed
        Whether codes are two's complement; accumulators are.

    Raises
    ------
    InputError
        If one of them is impossible.
    """

    name: str
    shape: tuple[int, ...]
    bits: int
    signed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if len(self.shape) not in (1, 3) or min(self.shape) < 1:
            raise InputError(
                f"Tensor {self.name}: its shape is (C, H, W) or (C,), not {self.shape}."
            )
        if self.bits not in ACTIVATION_BITS and (self.bits, self.signed) != (
            ACCUMULATOR_BITS,
            True,
        ):
            raise InputError(
                f"Tensor {self.name}: codes have 1 to 8 bits, or 32 bits and a sign, not "
                f"{self.bits}{' signed' if self.signed else ''}."
            )

    @property
    def low(self) -> int:
        """The least code."""
        return limits(self.bits, self.signed)[0]

    @property
    def high(self) -> int:
        """The greatest code."""
        return limits(self.bits, self.signed)[1]

    @property
    def channels(self) -> int:
        """Its channels, or all its elements once flattened."""
        return self.shape[0]

    @property
    def elements(self) -> int:
        """Codes of one image."""
        return prod(self.shape)
