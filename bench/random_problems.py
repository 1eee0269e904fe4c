"""Small random problems of the kind that breaks solvers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from mpsolve import LinearConstraint, PairwiseTerm, Precision, Problem, Restriction, Tie
from mpsolve.model.constraints import KINDS, RELATIONS

if TYPE_CHECKING:
    from mpsolve.typing import IntArray, NumberArray

PRECISIONS = tuple(Precision(b_in, b_wt) for b_in in (2, 4, 8) for b_wt in (2, 4, 8))


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
