"""The precision of one layer, and the order that the Free Bits heuristic puts on precisions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBER = r"\d+(?:\.\d+)?"
_PAIR = re.compile(rf"({_NUMBER})b?/({_NUMBER})b?", re.IGNORECASE)
_WEIGHTS_FIRST = re.compile(rf"w({_NUMBER})a({_NUMBER})", re.IGNORECASE)
_ACTIVATIONS_FIRST = re.compile(rf"a({_NUMBER})w({_NUMBER})", re.IGNORECASE)
_NAMED = re.compile(rf"([^\s:/]+):(?:({_NUMBER})/)?({_NUMBER})", re.IGNORECASE)

#: Activations of a weight-only format stay in half precision unless the format says otherwise.
WEIGHT_ONLY_B_IN = 16


@dataclass(frozen=True, slots=True, order=True)
class Precision:
    """Bit-widths of a layer's input activations and weights, or a named format.

    Precisions sort by ``(b_in, b_wt, name)``, a total order for display and dictionaries. The
    partial order of the papers is `is_higher_or_equal`.

    Attributes
    ----------
    b_in
        Bits of an input activation.
    b_wt
        Bits of a weight; a fraction for formats that share scales among weights (``4.5``).
    name
        Name of a format that the two numbers do not determine, such as ``"q4_k"``; else empty.

    Examples
    --------
    >>> Precision(8, 4)
    Precision('8b/4b')
    >>> Precision.parse("w4a8") == Precision.parse("8b/4b")
    True
    >>> Precision.parse("q4_k:4.5")
    Precision('q4_k:16/4.5')
    """

    b_in: float
    b_wt: float
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("b_in", "b_wt"):
            bits = getattr(self, field)
            number = isinstance(bits, Real) and not isinstance(bits, bool)
            if not (number and 0 <= bits < float("inf")):
                raise InputError(f"{field} must be a number of bits, at least 0, not {bits!r}.")
            if bits == int(bits):  # 8.0 and 8 are one precision and print as one
                object.__setattr__(self, field, int(bits))
            else:
                object.__setattr__(self, field, float(bits))

    @classmethod
    def parse(cls, text: str) -> Precision:
        """Read ``8b/4b`` or ``8/4``, ``w4a8``, ``a8w4``, ``q4_k:4.5`` or ``q4_k:16/4.5``.

        A named format gives its bits per weight after the colon; its activations have 16 bits
        unless ``b_in/`` stands before them.

        Raises
        ------
        InputError
            If the text is none of these.
        """
        stripped = str(text).strip()
        if match := _PAIR.fullmatch(stripped):
            return cls(float(match[1]), float(match[2]))
        if match := _WEIGHTS_FIRST.fullmatch(stripped):
            return cls(float(match[2]), float(match[1]))
        if match := _ACTIVATIONS_FIRST.fullmatch(stripped):
            return cls(float(match[1]), float(match[2]))
        if match := _NAMED.fullmatch(stripped):
            return cls(float(match[2] or WEIGHT_ONLY_B_IN), float(match[3]), match[1])
        raise InputError(
            f"{text!r} is not a precision: write 8b/4b (input/weight bits), w4a8, "
            "or name:bits for a named format such as q4_k:4.5."
        )

    @classmethod
    def among(cls, text: str, candidates: Iterable[Precision]) -> Precision:
        """The precision that a text means where some are known: named formats need their name."""
        named = (p for p in candidates if p.name and p.name == text)
        return next(named, None) or cls.parse(text)

    def is_higher_or_equal(self, other: Precision) -> bool:
        """HIGHER of Algorithm 1 (Free Bits, section 3.2): at least as many bits in both."""
        return self.b_in >= other.b_in and self.b_wt >= other.b_wt

    def is_higher(self, other: Precision) -> bool:
        """HIGHER of Algorithm 3 (Free Bits, appendix A.2): more bits in one, no fewer in both."""
        return self.is_higher_or_equal(other) and (self.b_in, self.b_wt) != (other.b_in, other.b_wt)

    @property
    def bits(self) -> float:
        """b_in + b_wt, which ranks incomparable precisions where a single one must be named."""
        return self.b_in + self.b_wt

    def __str__(self) -> str:
        return self.name or f"{self.b_in}b/{self.b_wt}b"

    def __repr__(self) -> str:
        text = f"{self.name}:{self.b_in}/{self.b_wt}" if self.name else str(self)
        return f"Precision({text!r})"
