"""Numbers and candidates as they are given, made flat: one after the other, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.typing import IntArray, Number, NumberArray

#: Integers whose sums may reach this become floats, so that no int64 sum can overflow.
INTEGER_SUM = 2.0**59
#: Signed and unsigned integers and floats.
_KINDS = "iuf"


def flatten(what: str, values: Any) -> tuple[NumberArray, IntArray]:
    """Flat numbers and offsets of an ``(N, K)`` array or of N rows of different lengths."""
    try:
        array = None if _ragged(values) else np.asarray(values)
    except ValueError:  # rows of different lengths
        array = None
    if array is None:
        rows = [checked_array(what, row) for row in values]
        filled = [row for row in rows if row.size]
        if not filled or any(row.ndim != 1 or row.dtype.kind not in _KINDS for row in filled):
            raise _misshapen(what)
        offsets = np.cumsum([0, *(row.size for row in rows)])
        return numbers(np.concatenate(filled)), offsets
    if array.ndim != 2 or array.dtype.kind not in _KINDS or not array.size:
        raise _misshapen(what)
    return numbers(array.ravel()), np.arange(len(array) + 1) * array.shape[1]


def flatten_like(offsets: IntArray, what: str, values: Any) -> NumberArray:
    """Flat numbers in the shape of a loss, whose layers begin and end at the offsets."""
    flat, own = flatten(what, values)
    if not np.array_equal(own, offsets):
        raise InputError(f"{what} has another shape than the loss.")
    return flat


def _ragged(values: Any) -> bool:
    """Whether the values surely are rows of different lengths, which NumPy would try to stack."""
    if not isinstance(values, list | tuple) or not values:
        return False
    arrays = all(isinstance(row, np.ndarray) and row.ndim == 1 for row in values)
    return arrays and len({len(row) for row in values}) > 1


def magnitude(array: NumberArray) -> float:
    """The sum of the absolute values, infinite where it exceeds every float."""
    with np.errstate(over="ignore"):
        return float(np.abs(array.astype(np.float64)).sum())


def _misshapen(what: str) -> InputError:
    return InputError(
        f"{what} must be an (N, K) array or N rows of numbers, integers of 64 bits or floats."
    )


def checked_array(what: str, values: Any) -> NumberArray:
    """The array that some numbers form; rows of different lengths form none."""
    try:
        return np.asarray(values)
    except ValueError:  # rows of different lengths
        raise _misshapen(what) from None


def numbers(array: NumberArray) -> NumberArray:
    """The same numbers as int64 if they are integers that can be summed so, else as float64."""
    exact = array.dtype.kind in "iu" and magnitude(array) < INTEGER_SUM
    return array.astype(np.int64 if exact else np.float64, copy=False)


def checked_limit(what: str, limit: object) -> Number:
    """An upper limit as an exact integer or a float; anything but a finite number is refused."""
    if isinstance(limit, np.ndarray | np.generic) and limit.ndim == 0:
        limit = limit.item()
    if isinstance(limit, int) and not isinstance(limit, bool):
        return limit
    if not isinstance(limit, float) or not math.isfinite(limit):
        raise InputError(f"{what} must be a finite number, not {limit!r}.")
    return limit


def numbered_layers(count: int) -> tuple[str, ...]:
    """``layer0``, ``layer1`` and so on."""
    return tuple(f"layer{i}" for i in range(count))


def candidates(
    precisions: Sequence[Any] | None, offsets: IntArray, layers: Sequence[str]
) -> tuple[Precision, ...]:
    """The candidates of all layers.

    Parameters
    ----------
    precisions
        K candidates for all layers, or a row for each, as `Precision` or text; by default they
        are called ``#0``, ``#1``, ...
    offsets
        ``(N + 1,)`` where the candidates of each layer begin and end.
    layers
        Names of the N layers, for messages.
    """
    lengths = np.diff(offsets)
    if precisions is None:
        shared = tuple(Precision(0, 0, f"#{k}") for k in range(lengths.max(initial=0)))
        return tuple(p for length in lengths for p in shared[:length])
    given = list(precisions)
    if all(isinstance(p, Precision | str) for p in given):
        given = [given] * len(lengths)
    if not all(isinstance(row, Iterable) for row in given):
        raise InputError("precisions must be K candidates, or one row of candidates per layer.")
    rows = [[p if isinstance(p, Precision) else Precision.parse(p) for p in r] for r in given]
    if [len(row) for row in rows] != list(lengths):
        raise InputError("precisions must give every layer as many candidates as the loss does.")
    for layer, row in zip(layers, rows, strict=False):
        if len(set(row)) != len(row):
            twice = next(p for p in row if row.count(p) > 1)
            raise InputError(f"precisions: layer {layer} has the candidate {twice} twice.")
    return tuple(p for row in rows for p in row)
