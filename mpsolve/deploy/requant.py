"""Requantisation of accumulators, and for which accumulators it cannot overflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.deploy.tensor import ACTIVATION_BITS, Tensor, limits
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.typing import IntArray

#: In how many bits kernels compute ``k acc + l`` (PULP-NN has a tree for each).
WIDTHS = (32, 64)


def integers(what: str, values: Any) -> IntArray:
    """A read-only int64 copy; anything but integers is refused."""
    array = np.array(values)
    if array.dtype.kind not in "iu":
        raise InputError(f"{what} must be integers, not {array.dtype}.")
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class AccumulatorRange:
    """Between which numbers the accumulators of a layer lie.

    Attributes
    ----------
    low, high
        ``(C,)`` for every output channel, or ``()`` for all of them.
    proven
        Whether they hold for every input, as those of `worst_case` do. Otherwise they were
        measured on some inputs, and only the interpreter notices an input that breaks them.
    """

    low: IntArray
    high: IntArray
    proven: bool = True

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, integers("Accumulators", getattr(self, name)))
        if self.low.shape != self.high.shape or self.low.ndim > 1 or (self.low > self.high).any():
            raise InputError("A range of accumulators needs low <= high for every channel.")

    @classmethod
    def between(cls, low: int, high: int) -> AccumulatorRange:
        """One proven range for all channels."""
        return cls(np.array(low), np.array(high))

    @classmethod
    def worst_case(
        cls, weights: IntArray, tensor: Tensor, bias: IntArray | None = None
    ) -> AccumulatorRange:
        """All sums of products that codes of a tensor can give, for weights ``(O, ...)``.

        A channel is largest where every positive weight meets the greatest code and every
        negative one the least. Partial sums, in whatever order, lie in the same range, since the
        codes include 0.

        Parameters
        ----------
        weights
            ``(O, ...)`` weights of every output channel.
        tensor
            What they are multiplied with.
        bias
            ``(O,)`` what the sums begin with.
        """
        rows = weights.reshape(len(weights), -1)
        positive, negative = np.maximum(rows, 0).sum(1), np.minimum(rows, 0).sum(1)
        start = np.zeros(len(rows), np.int64) if bias is None else bias
        return cls(
            start + positive * tensor.low + negative * tensor.high,
            start + positive * tensor.high + negative * tensor.low,
        )

    @classmethod
    def measured(cls, accumulators: IntArray) -> AccumulatorRange:
        """Those of ``(N, C, ...)`` accumulators that some inputs gave: a claim, no proof."""
        others = tuple(axis for axis in range(accumulators.ndim) if axis != 1)
        return cls(accumulators.min(others), accumulators.max(others), proven=False)

    def contains(self, other: AccumulatorRange) -> bool:
        """Whether another range, of every channel, lies within this one."""
        return bool((self.low <= other.low).all() and (other.high <= self.high).all())


@dataclass(frozen=True, eq=False)
class Requant:
    """``y = clip((k acc + l) >> d)``: what PULP-NN computes and DORY stores.

    The shift rounds down, and the rounding half is already part of the addend, once: a kernel
    that adds it again is off by one in a quarter to a half of all outputs.

    Attributes
    ----------
    multiplier
        ``(C,)`` k for every channel, or ``()`` for all of them; any sign, also 0.
    addend
        l, of the same shape, with 2^(d-1) in it.
    shift
        d, one for the layer.
    bits, signed
        The codes to which the result is clipped.
    accumulators
        For which accumulators ``k acc + l`` stays within ``width`` bits: the proof.
    width
        In how many bits it is computed: 32 or 64.
    clip
        The least and the greatest result, where they are fewer than all codes: a rectifier before
        codes with a sign. Kernels of PULP-NN do not know that, nor does DORY.

    Raises
    ------
    InputError
        If the numbers overflow, or do not fit together.

    References
    ----------
    pulp-nn-mixed, ``XpulpV2/32bit/include/pulp_nn_utils.h``, ``pulp_nn_bn_quant_*``.
    """

    multiplier: IntArray
    addend: IntArray
    shift: int
    bits: int
    signed: bool
    accumulators: AccumulatorRange
    width: int = 32
    clip: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("multiplier", "addend"):
            object.__setattr__(self, name, integers(f"The {name}", getattr(self, name)))
        shapes = {self.multiplier.shape, self.addend.shape, self.accumulators.low.shape}
        if len(shapes) > 1 or self.multiplier.ndim > 1:
            raise InputError(
                "Multiplier, addend and accumulators need one number per channel, or one each; "
                f"they have {self.multiplier.shape}, {self.addend.shape} and "
                f"{self.accumulators.low.shape}."
            )
        if self.width not in WIDTHS:
            raise InputError(f"Kernels compute in 32 or 64 bits, not in {self.width}.")
        if not 0 <= self.shift < self.width:
            raise InputError(f"The shift must lie between 0 and {self.width - 1}: {self.shift}.")
        if self.bits not in ACTIVATION_BITS:
            raise InputError(f"Requantisation yields 1 to 8 bits, not {self.bits}.")
        codes = limits(self.bits, self.signed)
        if not codes[0] <= self.low <= self.high <= codes[1]:
            raise InputError(
                f"Results are clipped to {self.low} to {self.high}, which are not all among the "
                f"codes {codes[0]} to {codes[1]}."
            )
        worst = magnitude(self.multiplier, self.addend, self.accumulators)
        channel = int(np.argmax(worst))
        if worst[channel] >= self.limit:
            raise InputError(
                f"k acc + l reaches {worst[channel]} in channel {channel}, which {self.width} "
                "bits do not hold; lower the shift, or compute in 64 bits."
            )

    @property
    def limit(self) -> int:
        """What ``|k acc|`` and ``|k acc + l|`` stay below."""
        return 1 << self.width - 1

    @property
    def _clip(self) -> tuple[int, int]:
        return limits(self.bits, self.signed) if self.clip is None else self.clip

    @property
    def narrow(self) -> bool:
        """Whether some codes are never results."""
        return self._clip != limits(self.bits, self.signed)

    @property
    def low(self) -> int:
        """The least result."""
        return self._clip[0]

    @property
    def high(self) -> int:
        """The greatest result."""
        return self._clip[1]

    @property
    def largest(self) -> int:
        """The largest magnitude that occurs on the way to a result."""
        return int(magnitude(self.multiplier, self.addend, self.accumulators).max())


def magnitude(
    multiplier: IntArray, addend: IntArray, accumulators: AccumulatorRange
) -> np.ndarray[Any, np.dtype[np.object_]]:
    """``(C,)`` Python integers: the largest of ``|k|, |l|, |k acc|, |k acc + l|``, exactly.

    All are convex in the accumulator, so that the ends of its range suffice.
    """
    k, addend_, low, high = (
        np.atleast_1d(array).astype(object)
        for array in (multiplier, addend, accumulators.low, accumulators.high)
    )
    terms = (k, addend_, k * low, k * high, k * low + addend_, k * high + addend_)
    return np.max(np.abs(np.stack(terms)), axis=0)
