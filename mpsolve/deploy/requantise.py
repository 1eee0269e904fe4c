"""From real scales to integer requantisation: ``y = S acc + B`` becomes ``(k acc + l) >> d``.

Batch normalisation is folded here, not into the weights: ``S`` and ``B`` hold it per channel, so
that gamma may be negative or zero. Forms that divide by gamma, as the integer channel
normalisation of Rusci et al. (2019) does, cannot express a channel that it switches off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.deploy.requant import Requant, magnitude
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.deploy.requant import AccumulatorRange
    from mpsolve.typing import FloatArray, IntArray

#: The largest shift that is tried: 2^-32 of a step is lost in every unit of the accumulator.
MAX_SHIFT = 31


@dataclass(frozen=True, eq=False)
class Affine:
    """``y = slope acc + offset`` in real numbers, y counted in steps of the output.

    Attributes
    ----------
    slope
        ``(C,)`` S, or ``()`` for all channels.
    offset
        ``(C,)`` B, of the same shape.
    """

    slope: FloatArray
    offset: FloatArray

    def __post_init__(self) -> None:
        slope, offset = (
            np.array(array)
            for array in np.broadcast_arrays(
                np.asarray(self.slope, np.float64), np.asarray(self.offset, np.float64)
            )
        )
        if slope.ndim > 1 or not (np.isfinite(slope).all() and np.isfinite(offset).all()):
            raise InputError(
                "A requantisation needs one finite slope and offset per channel; is a scale, a "
                "variance or an epsilon zero?"
            )
        for name, array in (("slope", slope), ("offset", offset)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)


def rescale(input_scale: FloatArray | float, output_scale: float) -> Affine:
    """Of codes of one scale to those of another: adders, and pools with 1 / area in the scale.

    Parameters
    ----------
    input_scale
        What one step of the accumulator is worth, ``(C,)`` or one number.
    output_scale
        What one step of the output is worth.
    """
    return Affine(np.asarray(input_scale) / output_scale, np.zeros(np.shape(input_scale)))


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """Batch normalisation with the statistics that it has learnt.

    Attributes
    ----------
    gamma, beta, mean, variance
        ``(C,)``.
    epsilon
        What is added to the variance.
    """

    gamma: FloatArray
    beta: FloatArray
    mean: FloatArray
    variance: FloatArray
    epsilon: float = 1e-5

    @property
    def factor(self) -> FloatArray:
        """``(C,)`` what channels are multiplied with."""
        variance = np.asarray(self.variance, np.float64)
        return np.asarray(self.gamma, np.float64) / np.sqrt(variance + self.epsilon)

    def shift(self, bias: FloatArray | float = 0.0) -> FloatArray:
        """``(C,)`` what is added to them then, if they had a bias before."""
        mean = np.asarray(self.mean, np.float64) - np.asarray(bias, np.float64)
        return np.asarray(self.beta, np.float64) - mean * self.factor


def fold_batch_norm(
    norm: BatchNorm,
    *,
    input_scale: float,
    weight_scale: FloatArray | float,
    output_scale: float,
    bias: FloatArray | None = None,
) -> Affine:
    """A layer followed by batch normalisation, in steps of its output.

    S = gamma / sqrt(variance + epsilon) s_x s_w / s_y, and
    B = (beta + (bias - mean) gamma / sqrt(variance + epsilon)) / s_y.

    Parameters
    ----------
    norm
        The batch normalisation.
    input_scale, output_scale
        What one step of the input and of the output is worth.
    weight_scale
        What one step of the weights is worth, ``(C,)`` per output channel or one number.
    bias
        ``(C,)`` of the layer itself, in real numbers.
    """
    return Affine(
        norm.factor * input_scale * np.asarray(weight_scale, np.float64) / output_scale,
        norm.shift(0.0 if bias is None else bias) / output_scale,
    )


def fold_bias(
    *,
    input_scale: float,
    weight_scale: FloatArray,
    output_scale: float,
    bias: FloatArray | None = None,
) -> Affine:
    """A layer without batch normalisation, in steps of its output; see `fold_batch_norm`."""
    slope = input_scale * np.asarray(weight_scale, np.float64) / output_scale
    return Affine(slope, 0.0 * slope if bias is None else np.asarray(bias) / output_scale)


def integer_bias(bias: FloatArray, input_scale: float, weight_scale: FloatArray) -> IntArray:
    """``(C,)`` the bias of a final layer, in steps of its accumulators."""
    return np.rint(np.asarray(bias) / (input_scale * np.asarray(weight_scale))).astype(np.int64)


def requantise(
    affine: Affine,
    accumulators: AccumulatorRange,
    *,
    bits: int,
    signed: bool = False,
    width: int = 32,
    shift: int | None = None,
    layer: str = "",
) -> Requant:
    """The most precise integers that provably do not overflow.

    k = round(S 2^d) and l = floor(B 2^d + 2^(d-1)) for the largest shift d with which
    ``|k acc|`` and ``|k acc + l|`` stay below 2^(width-1) in every channel.

    Parameters
    ----------
    affine
        What to compute.
    accumulators
        Between which numbers the accumulators lie; the proof is about these.
    bits, signed
        The codes to which the result is clipped.
    width
        In how many bits kernels compute ``k acc + l``: 32 or 64.
    shift
        The shift, where something else decides it; by default the largest, up to `MAX_SHIFT`.
    layer
        Its name, for error messages.

    Raises
    ------
    InputError
        If even the least shift overflows, or the given one.
    """
    if affine.slope.shape != accumulators.low.shape:
        raise InputError(
            f"Layer {layer}: {affine.slope.shape} slopes for the ranges of "
            f"{accumulators.low.shape} accumulators."
        )
    if shift is not None and not 0 <= shift < width:
        raise InputError(f"Layer {layer}: the shift must lie between 0 and {width - 1}: {shift}.")
    largest = max(np.abs(affine.slope).max(), np.abs(affine.offset).max())
    for d in range(MAX_SHIFT, -1, -1) if shift is None else (shift,):
        if largest >= 2.0 ** (61 - d):  # beyond int64
            continue
        k = np.rint(np.ldexp(affine.slope, d)).astype(np.int64)
        # floor(B 2^d + 2^d / 2), without rounding the sum
        addend = (np.floor(np.ldexp(affine.offset, d + 1)).astype(np.int64) + (1 << d)) // 2
        if magnitude(k, addend, accumulators).max() < 1 << width - 1:
            return Requant(k, addend, d, bits, signed, accumulators, width)
    advice = "." if width == 64 else "; compute in 64 bits, or look for a channel that is off."
    raise InputError(
        f"Layer {layer}: k acc + l does not fit into {width} bits with "
        f"{'any shift' if shift is None else f'the shift {shift}'}: slopes reach "
        f"{np.abs(affine.slope).max():.3g}, offsets {np.abs(affine.offset).max():.3g} and "
        f"accumulators {max(-accumulators.low.min(), accumulators.high.max())}{advice}"
    )
