"""Brute force and random problems: the oracle that every exact method answers to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import LinearConstraint, PairwiseTerm, Precision, Problem, Restriction, Tie
from mpsolve.formulations.mckp.kernels import NAMES
from mpsolve.model.constraints import KINDS, RELATIONS

if TYPE_CHECKING:
    from mpsolve.typing import IntArray, NumberArray

#: The kernels of the knapsack method, of which a machine without a compiler lacks one.
KERNELS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "compiled" and find_spec("mpsolve.formulations.mckp._kernel") is None,
            reason="the compiled kernel was not built",
        ),
    )
    for name in NAMES
]

PRECISIONS = tuple(Precision(b_in, b_wt) for b_in in (2, 4, 8) for b_wt in (2, 4, 8))


@dataclass(frozen=True)
class Truth:
    """What complete enumeration finds.

    Attributes
    ----------
    least
        The least loss of a feasible assignment, None if there is none.
    tolerance
        What the rounding of a sum of floats may hide; 0 for integers.
    """

    least: float | None
    tolerance: float

    def agrees(self, loss: float | None) -> bool:
        """Whether a reported optimum is the true one."""
        if self.least is None or loss is None:
            return self.least is None and loss is None
        return bool(abs(loss - self.least) <= self.tolerance)


def brute_force(problem: Problem) -> Truth:
    """The least loss of every assignment; sums in extended precision."""
    feasible = feasible_assignments(problem)
    if not len(feasible):
        return Truth(None, 0.0)
    terms = summands(problem, None, feasible)
    if terms.dtype.kind == "i":
        return Truth(int(terms.sum(1).min()), 0.0)
    tolerance = 2.0**-50 * float(np.abs(terms).sum(1).max())
    return Truth(float(terms.astype(np.longdouble).sum(1).min()), tolerance)


def feasible_assignments(problem: Problem) -> IntArray:
    """``(A, N)`` the candidates, among all, of every assignment that keeps the constraints."""
    counts = np.diff(problem.offsets)
    choices = np.indices(tuple(counts)).reshape(len(counts), -1).T
    flat = choices + problem.offsets[:-1]
    feasible = np.ones(len(flat), bool)
    for name, limit in problem.budgets.items():
        feasible &= _kept(summands(problem, name, flat), limit)
    for tie in problem.ties:
        shared = [problem.index_of(layer) for layer in tie.layers]
        codes = {tie.key(p): code for code, p in enumerate(problem.precisions)}
        keys = np.array([codes[tie.key(p)] for p in problem.precisions])[flat[:, shared]]
        feasible &= (keys == keys[:, :1]).all(1)
    for constraint in problem.constraints:
        columns = [
            coefficients[choices[:, problem.index_of(layer)]]
            for layer, coefficients in constraint.terms.items()
        ]
        feasible &= _kept(np.stack(columns, 1), constraint.limit)
    for restriction in problem.restrictions:
        layer = problem.index_of(restriction.layer)
        allowed = np.array([restriction.allows(p) for p in problem.precisions])
        feasible &= allowed[flat[:, layer]]
    assignments: IntArray = flat[feasible]
    return assignments


def summands(problem: Problem, cost: str | None, flat: IntArray) -> NumberArray:
    """All terms of a cost, or of the loss, of assignments ``(A, N)``; pairwise ones last."""
    choices = flat - problem.offsets[:-1]
    pairs = [
        term.values[
            choices[:, problem.index_of(term.first)], choices[:, problem.index_of(term.second)]
        ]
        for term in problem.pairwise
        if term.cost == cost
    ]
    values = problem.loss if cost is None else problem.costs[cost]
    return np.column_stack([values[flat], *pairs])


def _kept(terms: NumberArray, limit: float) -> NumberArray:
    if terms.dtype.kind == "i":
        return terms.sum(1) <= limit
    slack = np.longdouble(limit) + terms.shape[1] * np.longdouble(2) ** -52 * abs(limit)
    return terms.astype(np.longdouble).sum(1) <= slack


def random_problem(
    rng: np.random.Generator,
    *,
    max_layers: int = 6,
    max_assignments: int = 4096,
    budgets: int = 1,
    relations: tuple[str, ...] = (),
    constraints: bool = False,
    restrictions: bool = False,
    pairwise: bool = False,
) -> Problem:
    """A small random problem of the kind that breaks solvers.

    Integers and floats, many equal numbers or none, correlated losses, ragged candidates, budgets
    below, at and above what is achievable, and budgets that equal the float sum of an assignment.

    Parameters
    ----------
    rng
        Source of randomness.
    max_layers, max_assignments
        Size limits.
    budgets
        How many budgets.
    relations
        The kinds of ties to draw from.
    constraints, restrictions
        Whether to add a constraint on some layers, and restrictions.
    pairwise
        Whether to add terms for pairs of layers, to the loss and to the costs.
    """
    counts = _counts(rng, max_layers, max_assignments)
    offsets = np.cumsum([0, *counts])
    precisions = tuple(
        PRECISIONS[k]
        for count in counts
        for k in np.sort(rng.choice(len(PRECISIONS), count, replace=False))
    )
    layers = tuple(f"layer{i}" for i in range(len(counts)))
    costs = {f"cost{m}": _numbers(rng, int(offsets[-1])) for m in range(budgets)}
    loss = _numbers(rng, int(offsets[-1]))
    if budgets and rng.random() < 0.3:  # correlated: what is cheap loses much
        cost = costs["cost0"]
        loss = cost.max() - cost + rng.integers(0, 3, len(cost))
    sums: dict[str | None, NumberArray] = {None: loss}
    sums.update(costs)
    terms = _pairwise(rng, layers, counts, sums) if pairwise else ()
    return Problem(
        layers=layers,
        offsets=offsets,
        precisions=precisions,
        loss=loss,
        costs=costs,
        budgets={
            name: _limit(rng, cost, offsets, [t for t in terms if t.cost == name])
            for name, cost in costs.items()
        },
        ties=_ties(rng, layers, relations),
        constraints=_constraints(rng, layers, counts) if constraints else (),
        restrictions=_restrictions(rng, layers) if restrictions else (),
        pairwise=terms,
    )


def _counts(rng: np.random.Generator, max_layers: int, max_assignments: int) -> list[int]:
    counts: list[int] = []
    for _ in range(rng.integers(1, max_layers + 1)):
        count = int(rng.integers(1, 6))
        if np.prod([*counts, count]) <= max_assignments:
            counts.append(count)
    return counts or [1]


def _numbers(rng: np.random.Generator, count: int) -> NumberArray:
    kind = rng.integers(7)
    if kind == 6:  # of both signs, so that sums cancel
        return rng.normal(size=count) * 10.0 ** rng.uniform(-9, 3, count)
    if kind == 0:
        return rng.integers(0, 4, count)
    if kind == 1:
        return rng.integers(-5, 30, count)
    if kind == 2:
        return rng.integers(0, 10**6, count)
    if kind == 3:
        return rng.random(count)
    if kind == 4:
        return rng.integers(0, 10, count) * 0.1
    return 10.0 ** rng.uniform(-9, 3, count)


def _limit(
    rng: np.random.Generator, cost: NumberArray, offsets: IntArray, terms: list[PairwiseTerm]
) -> float:
    least = np.minimum.reduceat(cost, offsets[:-1]).sum() + sum(t.values.min() for t in terms)
    most = np.maximum.reduceat(cost, offsets[:-1]).sum() + sum(t.values.max() for t in terms)
    kind = rng.integers(8)
    if kind == 0:
        return float(least - 1 - abs(least) / 2)
    if kind == 1:
        return float(most + 1)
    if kind in (2, 3):  # exactly the sum of some assignment, summed as a user would
        picks = [int(rng.integers(a, b)) for a, b in itertools.pairwise(offsets)]
        chosen = {f"layer{i}": j - offsets[i] for i, j in enumerate(picks)}
        together = [t.values[chosen[t.first], chosen[t.second]] for t in terms]
        return float(sum([*(cost[j] for j in picks), *together]))
    return float(least + rng.random() * (most - least))


def _ties(
    rng: np.random.Generator, layers: tuple[str, ...], relations: tuple[str, ...]
) -> tuple[Tie, ...]:
    if len(layers) < 2 or not relations:
        return ()
    return tuple(
        Tie(
            tuple(rng.choice(layers, int(rng.integers(2, min(4, len(layers) + 1))), replace=False)),
            relation,
        )
        for relation in RELATIONS
        if relation in relations and rng.random() < 0.6
    )


def _constraints(
    rng: np.random.Generator, layers: tuple[str, ...], counts: list[int]
) -> tuple[LinearConstraint, ...]:
    size = int(rng.integers(1, len(layers) + 1))
    terms = {
        layers[i]: rng.integers(0, 20, counts[i]).astype(float)
        for i in rng.choice(len(layers), size, replace=False)
    }
    return (LinearConstraint("RAM", terms, float(rng.integers(0, 14 * size))),)


def _restrictions(rng: np.random.Generator, layers: tuple[str, ...]) -> tuple[Restriction, ...]:
    return tuple(
        Restriction(str(rng.choice(layers)), kind, PRECISIONS[int(rng.integers(len(PRECISIONS)))])
        for kind in KINDS
        if rng.random() < 0.15
    )


def _pairwise(
    rng: np.random.Generator,
    layers: tuple[str, ...],
    counts: list[int],
    targets: dict[str | None, NumberArray],
) -> tuple[PairwiseTerm, ...]:
    """Dense, sparse, separable and constant matrices, some on the same pair of layers."""
    if len(layers) < 2:
        return ()
    terms = []
    for _ in range(rng.integers(1, len(layers) + 1)):
        i, j = rng.choice(len(layers), 2, replace=False)
        shape = (counts[i], counts[j])
        kind = rng.integers(5)
        values = _numbers(rng, shape[0] * shape[1]).reshape(shape)
        if kind == 0:
            values = rng.integers(0, 2, shape) * rng.integers(1, 9)
        elif kind == 1:
            values = np.add.outer(rng.integers(0, 9, shape[0]), rng.integers(0, 9, shape[1]))
        elif kind == 2:
            values = np.full(shape, int(rng.integers(0, 9)))
        target = list(targets)[int(rng.integers(len(targets)))]
        terms.append(PairwiseTerm(layers[i], layers[j], values, target))
    return tuple(terms)


def cancels(problem: Problem) -> bool:
    """Whether float losses have both signs: what is left of a sum may be below a resolution."""
    terms = (term.values for term in problem.pairwise_on(None))
    return problem.loss.dtype.kind == "f" and any(
        values.min() < 0 for values in (problem.loss, *terms)
    )
