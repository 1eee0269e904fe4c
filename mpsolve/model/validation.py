"""What the parts of a problem must be like, one sentence for each way in which they are not."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.pairwise import PairwiseTerm
from mpsolve.model.precision import Precision
from mpsolve.model.ragged import INTEGER_SUM, checked_array, checked_limit, magnitude, numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from mpsolve.model.constraints import LinearConstraint, Restriction, Tie
    from mpsolve.model.layers import Layers
    from mpsolve.typing import FloatArray, IntArray, Number, NumberArray


def check_layers(layers: tuple[str, ...]) -> None:
    """Layers are named by text, each by its own."""
    if not layers:
        raise InputError("A problem needs at least one layer.")
    for layer in layers:
        if not isinstance(layer, str):
            raise InputError(f"Layer {layer!r}: a layer is named by text.")
    if len(set(layers)) != len(layers):
        twice = next(name for name in layers if layers.count(name) > 1)
        raise InputError(f"Layer {twice} occurs twice; every layer needs a name of its own.")


def checked_offsets(
    offsets: IntArray, layers: tuple[str, ...], precisions: tuple[Precision, ...]
) -> IntArray:
    """Read-only int64 offsets that give every layer a candidate, and every candidate a layer."""
    offsets = np.array(offsets)
    if offsets.shape != (len(layers) + 1,):
        raise InputError(
            f"{len(layers)} layers are named, but {max(offsets.size - 1, 0)} have numbers."
        )
    if offsets.dtype.kind not in "iu" or offsets[0] != 0:
        raise InputError("offsets must be integers that begin at 0.")
    offsets = offsets.astype(np.int64)
    if (np.diff(offsets) < 1).any():
        layer = layers[int(np.argmax(np.diff(offsets) < 1))]
        raise InputError(f"Layer {layer} has no candidate; every layer needs at least one.")
    if len(precisions) != offsets[-1]:
        raise InputError(f"{len(precisions)} precisions for {offsets[-1]} candidates.")
    if strangers := {*map(type, precisions)} - {Precision}:
        names = " and ".join(sorted(stranger.__name__ for stranger in strangers))
        raise InputError(f"Candidates are of type Precision, not {names}; see Precision.parse.")
    offsets.setflags(write=False)
    return offsets


def checked_numbers(
    what: str,
    values: NumberArray,
    layers: tuple[str, ...],
    offsets: IntArray,
    precisions: tuple[Precision, ...],
) -> NumberArray:
    """A read-only copy as int64 or float64: one finite number for each candidate."""
    array = checked_array(what, values)
    if array.shape != (len(precisions),) or array.dtype.kind not in "iuf":
        raise InputError(f"{what} needs one number for each of {len(precisions)} candidates.")
    array = np.array(numbers(array))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array)))
        layer = int(np.searchsorted(offsets, row, "right")) - 1
        raise InputError(
            f"{what} of layer {layers[layer]} at {precisions[row]} is {array[row]}; "
            "it must be a finite number."
        )
    if array.dtype.kind == "f" and not magnitude(array) < math.inf:
        raise InputError(f"The sums of {what} exceed every float; give it in a larger unit.")
    array.setflags(write=False)
    return array


def checked_deviations(
    name: str,
    values: NumberArray,
    costs: Collection[str],
    layers: tuple[str, ...],
    offsets: IntArray,
    precisions: tuple[Precision, ...],
) -> FloatArray:
    """Standard deviations of one of the costs, or of the loss: float64 of at least 0."""
    if name not in costs and name != "loss":
        raise InputError(
            f"There is no cost {name} that could deviate; there are {', '.join([*costs, 'loss'])}."
        )
    what = f"The standard deviation of {name}"
    array = checked_numbers(what, values, layers, offsets, precisions).astype(np.float64)
    if (array < 0).any():
        row = int(np.argmax(array < 0))
        layer = int(np.searchsorted(offsets, row, "right")) - 1
        raise InputError(
            f"{what} of layer {layers[layer]} at {precisions[row]} is {array[row]}; "
            "it must be at least 0."
        )
    array.setflags(write=False)
    return array


def checked_pairwise(
    terms: tuple[PairwiseTerm, ...], costs: Mapping[str, NumberArray]
) -> tuple[PairwiseTerm, ...]:
    """The terms, each of which adds to the loss or to one of the costs."""
    for term in terms:
        if not isinstance(term, PairwiseTerm):
            raise InputError(f"pairwise holds terms of type PairwiseTerm, not {term!r}.")
        if term.cost is not None and term.cost not in costs:
            known = ", ".join(costs) or "none"
            raise InputError(f"The {term} adds to no cost; the costs are: {known}.")
    return terms


def same_kind(
    what: str, cost: str | None, values: NumberArray, terms: tuple[PairwiseTerm, ...]
) -> tuple[NumberArray, tuple[PairwiseTerm, ...]]:
    """The numbers of one sum, all as integers that can be summed so, or all as floats."""
    parts = [values, *(term.values for term in terms if term.cost == cost)]
    most = math.fsum(map(magnitude, parts)) if len(parts) > 1 else 0.0
    if len(parts) == 1 or (all(p.dtype.kind == "i" for p in parts) and most < INTEGER_SUM):
        return values, terms
    if not most < math.inf:
        raise InputError(f"The sums of {what} exceed every float; give it in a larger unit.")
    values = values.astype(np.float64)
    values.setflags(write=False)
    return values, tuple(
        replace(term, values=term.values.astype(np.float64)) if term.cost == cost else term
        for term in terms
    )


def checked_budget(name: str, budget: Number, costs: Mapping[str, NumberArray]) -> Number:
    """A budget on one of the costs, as an integer where the cost is one."""
    if name not in costs:
        known = ", ".join(costs) or "none"
        raise InputError(f"There is no cost {name} to put a budget on; the costs are: {known}.")
    budget = checked_limit(f"The budget on {name}", budget)
    if costs[name].dtype.kind == "i":
        return math.floor(budget)
    try:
        return float(budget)
    except OverflowError:
        raise InputError(f"The budget on {name} exceeds every float; leave it out.") from None


def check_names(
    problem: Layers,
    ties: Iterable[Tie],
    restrictions: Iterable[Restriction],
    constraints: Iterable[LinearConstraint],
    pairwise: Iterable[PairwiseTerm],
) -> None:
    """Every part speaks of layers of the problem, with one number per candidate or pair."""
    for tie in ties:
        for layer in tie.layers:
            problem.index_of(layer, str(tie))
    for restriction in restrictions:
        problem.index_of(restriction.layer, str(restriction))
    for constraint in constraints:
        for layer, coefficients in constraint.terms.items():
            i = problem.index_of(layer, str(constraint))
            if len(coefficients) != len(problem.candidates(i)):
                raise InputError(
                    f"{constraint}: layer {layer} needs one coefficient per candidate."
                )
    for term in pairwise:
        ends = [problem.index_of(layer, str(term)) for layer in (term.first, term.second)]
        shape = tuple(len(problem.candidates(i)) for i in ends)
        if term.values.shape != shape:
            raise InputError(
                f"The {term} needs a matrix of {shape[0]} x {shape[1]} numbers, one per pair "
                f"of candidates, not of {' x '.join(map(str, term.values.shape))}."
            )
