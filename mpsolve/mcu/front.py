"""Every non-dominated pair of ROM and loss, with the RAM limit kept.

Where only weights take ROM, only activations take RAM and the loss of a layer is a sum of a part
of its b_in and a part of its b_wt, the two choices have nothing to do with each other: the
activations of the best configuration without a limit on ROM are the best for every limit. With
these fixed, a single knapsack over the weights gives all points at once (MobileNetV1 within 512 kB:
2,782 points in some milliseconds instead of 21 seconds one by one).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InfeasibleError, UnsupportedError
from mpsolve.fronts.pareto_front import pareto_front
from mpsolve.model.constraints import Restriction
from mpsolve.model.solution import Status
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from mpsolve.fronts.front import Front
    from mpsolve.model.problem import Problem
    from mpsolve.typing import NumberArray

#: Losses are taken for sums of two parts if they differ from one by no more than this part of the
#: largest: the rounding of a few additions.
ROUNDING = 2.0**-48

NOTE = (
    "weights and activations were chosen apart: the loss of every layer is a sum of a part of each"
)


def rom_front(
    problem: Problem,
    *,
    epsilon: float = 0.0,
    method: str = "auto",
    time_limit: float | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Front:
    """The front of ROM and loss of a problem that `mcu_problem` posed.

    Parameters
    ----------
    problem
        The problem, with the RAM limit and without one on ROM, or with one that ends the front.
    epsilon, method, time_limit, checkpoint, progress
        As in `mpsolve.pareto_front`. Where all points are found at once, they play no part.

    Raises
    ------
    UnsupportedError
        If the tables of the scheme depend on two layers (``folding-icn``).
    InfeasibleError
        If the RAM limit, or both limits, cannot be kept.
    """
    began = time.perf_counter()
    if problem.pairwise:
        raise UnsupportedError(
            "A front needs a ROM that is a sum over the layers, and the tables of this scheme also "
            "depend on the next layer's input; take another scheme, such as icn, or a surface."
        )
    apart = separates(problem)
    if apart:
        problem = _with_activations(problem, method, time_limit)
    found = pareto_front(
        problem,
        "rom",
        epsilon=epsilon,
        method=method,
        time_limit=time_limit,
        checkpoint=None if apart else checkpoint,
        progress=progress,
    )
    notes = (*found.notes, NOTE) if apart else found.notes
    return replace(found, notes=notes, seconds=time.perf_counter() - began)


def separates(problem: Problem) -> bool:
    """Whether weights and activations can be chosen apart."""
    if problem.pairwise or problem.restrictions or any(t.equal != "b_in" for t in problem.ties):
        return False
    rows = [(c.terms, c.name) for c in problem.constraints]
    for i, layer in enumerate(problem.layers):
        a, b = int(problem.offsets[i]), int(problem.offsets[i + 1])
        if not _parts(problem, i, problem.loss[a:b]):
            return False
        if not _depends_on(problem, i, problem.costs["rom"][a:b], "b_wt"):
            return False
        for terms, _ in rows:
            if layer in terms and not _depends_on(problem, i, terms[layer], "b_in"):
                return False
    return True


def _parts(problem: Problem, i: int, loss: NumberArray) -> bool:
    """Whether the losses of a layer form a full table that is the sum of a row and a column."""
    precisions = problem.candidates(i)
    rows = {b: k for k, b in enumerate(dict.fromkeys(p.b_in for p in precisions))}
    columns = {b: k for k, b in enumerate(dict.fromkeys(p.b_wt for p in precisions))}
    if len(rows) * len(columns) != len(precisions):
        return False
    table = np.empty((len(rows), len(columns)))
    for precision, value in zip(precisions, loss, strict=True):
        table[rows[precision.b_in], columns[precision.b_wt]] = value
    rest = table - table[:1] - table[:, :1] + table[0, 0]
    return bool(np.abs(rest).max() <= ROUNDING * np.abs(table).max())


def _depends_on(problem: Problem, i: int, values: NumberArray, what: str) -> bool:
    """Whether the values of a layer's candidates depend on one of their bit-widths alone."""
    known: dict[float, float] = {}
    pairs = zip(problem.candidates(i), values.tolist(), strict=True)
    return all(known.setdefault(getattr(p, what), value) == value for p, value in pairs)


def _with_activations(problem: Problem, method: str, time_limit: float | None) -> Problem:
    """The problem with the best activations fixed, whose RAM rows then hold by themselves."""
    best = solve(problem.replace(budgets={}), method, time_limit=time_limit)
    if best.conflict is not None:
        raise InfeasibleError(best.conflict)
    if best.status is not Status.OPTIMAL or best.configuration is None:
        return problem  # out of time: point by point is slower still, but says so itself
    chosen = best.configuration
    others = tuple(
        Restriction(layer, "forbidden", precision)
        for i, layer in enumerate(problem.layers)
        for precision in problem.candidates(i)
        if precision.b_in != chosen[layer].b_in
    )
    return problem.replace(constraints=(), restrictions=others)
