"""The 0-1 model that the general methods share, in exact integers.

One binary variable per joint candidate, exactly one of each group is taken::

    minimise    sum_j loss_j x_j
    subject to  sum_{j in group g} x_j = 1              for every group g
                sum_j a_rj x_j <= upper_r               budgets and linear constraints
                sum_j a_rj x_j  = 0                     ties of b_in or of b_wt

Two groups with a pairwise term that is more than a sum of two numbers get a group of their own,
whose variables y_jk stand for the pairs of their candidates. It is one more group to everything
above; that it follows the two is said by the rows of the local marginal polytope, which no
linearisation with as many variables surpasses::

    sum_k y_jk = x_j    and    sum_j y_jk = x_k

Every loss and every coefficient of a budget has the least one of its group subtracted, so all of
them are at least 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.sums import IntegerSum, Total, integer_sum
from mpsolve.presolve.choice_groups import choice_groups
from mpsolve.presolve.fixed_point import FixedPoint, fixed_capacity
from mpsolve.presolve.fixing import affordable
from mpsolve.presolve.redundancy import binding_budgets, binding_constraints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.model.constraints import Tie
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import BoolArray, IntArray, Number


@dataclass(frozen=True, eq=False)
class Row:
    """One linear row over the variables: sum of coefficients <= upper, or = upper.

    Attributes
    ----------
    columns, coefficients
        ``(L,)`` int64, the variables that occur and what each of them adds.
    upper
        The right-hand side.
    equal
        Whether the sum must meet it.
    """

    columns: IntArray
    coefficients: IntArray
    upper: int
    equal: bool = False

    @classmethod
    def at_most(cls, coefficients: IntArray, upper: int) -> Row:
        """The row for ``(J,)`` coefficients >= 0, which are brought down to what the limit needs.

        A variable that exceeds the limit alone may as well exceed it by less.
        """
        columns = np.flatnonzero(coefficients)
        return cls(columns, np.minimum(coefficients[columns], max(2 * upper + 1, 1)), upper)


@dataclass(frozen=True, eq=False)
class BinaryModel:
    """Losses, groups and rows in integers; losses are in units of ``2^-exponent``.

    Attributes
    ----------
    groups
        The G choice groups.
    pairs
        ``(P, 2)`` int64, the groups of each pair that has a group of its own.
    offsets
        ``(G + P + 1,)`` int64, where the variables of each group, and of each pair by rows, begin
        and end.
    losses
        ``(J,)`` int64 >= 0, 0 for the best variable of every group.
    base
        What was subtracted from the losses of a choice, in the same unit.
    exponent
        The binary exponent of the scale of the losses.
    resolution
        How far the loss of a choice may lie from the original one by rounding, in units of the
        original loss; 0 when the integers are exact.
    indptr, columns, coefficients
        The rows in compressed form: row r has the entries ``indptr[r]:indptr[r + 1]``.
    upper
        ``(R,)`` int64 right-hand sides.
    equal
        ``(R,)`` bool, whether a row is an equation.
    """

    groups: ChoiceGroups
    pairs: IntArray
    offsets: IntArray
    losses: IntArray
    base: int
    exponent: int
    resolution: float
    indptr: IntArray
    columns: IntArray
    coefficients: IntArray
    upper: IntArray
    equal: BoolArray

    def lift(self, choice: IntArray) -> IntArray:
        """The choice of the problem that a choice of the groups, and pairs, stands for."""
        return self.groups.lift(choice[: len(self.groups.members)])

    def lower(self, choice: IntArray) -> IntArray | None:
        """The inverse of `lift`; None where the choice has no joint candidate in some group."""
        lowered = self.groups.lower(choice)
        return None if lowered is None else self.completed(lowered)

    def completed(self, choice: IntArray) -> IntArray:
        """A choice of the groups with the pairs that follow from it."""
        choice = choice[: len(self.groups.members)]
        first, second = self.pairs.T
        return np.append(choice, choice[first] * np.diff(self.offsets)[second] + choice[second])

    def excess(self, choice: IntArray) -> int:
        """Loss of a choice of the groups and pairs beyond `base`, in units."""
        return int(self.losses[self.offsets[:-1] + choice].sum())

    def original(self, excess: float) -> float:
        """The loss that so many units beyond `base` stand for."""
        return math.ldexp(self.base + excess, -self.exponent)

    def activity(self, choice: IntArray) -> IntArray:
        """``(R,)`` the sums that the rows take for a choice of the groups and pairs."""
        taken = np.zeros(len(self.losses), np.int64)
        taken[self.offsets[:-1] + choice] = 1
        sums = np.concatenate(([0], np.cumsum(self.coefficients * taken[self.columns])))
        return sums[self.indptr[1:]] - sums[self.indptr[:-1]]

    def excluding(self, choice: IntArray) -> BinaryModel:
        """The model without a choice of the groups and pairs, which breaks a constraint.

        Where the choice exceeds a row, the row added is a cover: it also excludes every other
        choice that costs at least as much in a smallest part of the groups that exceeds it.
        """
        over = np.flatnonzero(~self.equal & (self.activity(choice) > self.upper))
        row = self._cover(choice, int(over[0])) if len(over) else self._no_good(choice)
        return with_rows(self, [row])

    def _no_good(self, choice: IntArray) -> Row:
        taken = self.offsets[:-1] + choice
        return Row(taken, np.ones(len(taken), np.int64), len(taken) - 1)

    def _cover(self, choice: IntArray, row: int) -> Row:
        entries = slice(self.indptr[row], self.indptr[row + 1])
        weights = np.zeros(len(self.losses), np.int64)
        weights[self.columns[entries]] = self.coefficients[entries]
        taken = weights[self.offsets[:-1] + choice]
        heaviest = np.argsort(-taken, kind="stable")
        needed = int(np.argmax(np.cumsum(taken[heaviest]) > self.upper[row])) + 1
        covered = [
            self.offsets[g] + np.flatnonzero(weights[self.offsets[g] : self.offsets[g + 1]] >= w)
            for g, w in zip(heaviest[:needed], taken[heaviest[:needed]], strict=True)
        ]
        columns = np.concatenate(covered)
        return Row(columns, np.ones(len(columns), np.int64), needed - 1)


def binary_model(problem: Problem, usable: BoolArray | None = None) -> BinaryModel | None:
    """Build the model of a problem.

    Parameters
    ----------
    problem
        The problem.
    usable
        ``(M,)`` the candidates to keep; by default all that are allowed and affordable.

    Returns
    -------
    The model, or None if a group has no candidate left or a row cannot be kept by any choice.
    """
    limits = _limits(problem)
    keep = problem.allowed if usable is None else problem.allowed & usable
    for total, limit in limits:
        least = sum(term.values.min().item() for term in total.pairwise)
        keep = keep & affordable(total.values, problem.offsets, limit - least)
    groups = choice_groups(problem, merge="whole", usable=keep)
    if groups.empty_groups:
        return None
    sums = [integer_sum(problem, groups, keep, total, limit) for total, limit in limits]
    losses = integer_sum(problem, groups, keep, Total.of(problem, None))
    pairs, offsets = _paired(groups, [losses, *sums])
    rows = [
        _row(offsets, one.over(pairs, offsets), one.scale, limit, total.terms)
        for one, (total, limit) in zip(sums, limits, strict=True)
    ]
    if any(row.upper < 0 for row in rows):
        return None
    rows += [row for tie in groups.remaining_ties for row in _tie_rows(problem, groups, tie)]
    scale, terms = losses.scale, problem.terms_of(None)
    excess, base = _above_least(offsets, losses.over(pairs, offsets))
    model = BinaryModel(
        groups=groups,
        pairs=pairs,
        offsets=offsets,
        losses=excess,
        base=base,
        exponent=scale.exponent,
        resolution=0.0 if scale.exact else math.ldexp(terms / 2, -scale.exponent),
        indptr=np.zeros(1, np.int64),
        columns=np.zeros(0, np.int64),
        coefficients=np.zeros(0, np.int64),
        upper=np.zeros(0, np.int64),
        equal=np.zeros(0, np.bool_),
    )
    return with_rows(model, rows)


def with_rows(model: BinaryModel, rows: list[Row]) -> BinaryModel:
    """The model with further rows."""
    ends = model.indptr[-1] + np.cumsum([len(row.columns) for row in rows], dtype=np.int64)
    return replace(
        model,
        indptr=np.concatenate([model.indptr, ends]),
        columns=np.concatenate([model.columns, *(row.columns for row in rows)]),
        coefficients=np.concatenate([model.coefficients, *(row.coefficients for row in rows)]),
        upper=np.concatenate([model.upper, np.array([row.upper for row in rows], np.int64)]),
        equal=np.concatenate([model.equal, np.array([row.equal for row in rows], np.bool_)]),
    )


def linked(model: BinaryModel) -> BinaryModel:
    """The model with the rows by which every pair follows from its two groups."""
    rows = []
    for p, (first, second) in enumerate(model.pairs.tolist(), len(model.groups.members)):
        begin, end = model.offsets[p : p + 2]
        joint = np.arange(begin, end).reshape(-1, model.offsets[second + 1] - model.offsets[second])
        for group, variables in ((first, joint), (second, joint.T)):
            for j, same in enumerate(variables, model.offsets[group]):
                columns = np.concatenate([[j], same])
                coefficients = np.concatenate([[-1], np.ones(len(same), np.int64)])
                rows.append(Row(columns, coefficients, 0, equal=True))
    return with_rows(model, rows)


def _limits(problem: Problem) -> list[tuple[Total, Number]]:
    """What is limited by budgets and constraints that can bind, and the limits."""
    limits: list[tuple[Total, Number]] = [
        (Total.of(problem, name), problem.budgets[name]) for name in binding_budgets(problem)
    ]
    for constraint in binding_constraints(problem):
        values = np.zeros(len(problem.loss))
        for layer, coefficients in constraint.terms.items():
            i = problem.index_of(layer)
            values[problem.offsets[i] : problem.offsets[i + 1]] = coefficients
        limits.append((Total(values, (), len(constraint.terms)), constraint.limit))
    return limits


def _paired(groups: ChoiceGroups, sums: list[IntegerSum]) -> tuple[IntArray, IntArray]:
    """The pairs of groups that some sum has a matrix for, and the offsets with their variables."""
    found = sorted({pair for one in sums for pair in one.matrices})
    pairs = np.array(found, np.int64).reshape(-1, 2)
    sizes = np.diff(groups.offsets)[pairs].prod(1)
    return pairs, np.concatenate([groups.offsets, groups.offsets[-1] + np.cumsum(sizes)])


def _row(offsets: IntArray, values: IntArray, scale: FixedPoint, limit: Number, terms: int) -> Row:
    """A limit in integers: coefficients are rounded up, the right-hand side down."""
    coefficients, least = _above_least(offsets, values)
    upper = fixed_capacity(limit, scale, terms) - least
    divisor = max(int(np.gcd.reduce(coefficients)), 1)
    return Row.at_most(coefficients // divisor, min(upper // divisor, int(coefficients.sum())))


def _above_least(offsets: IntArray, values: IntArray) -> tuple[IntArray, int]:
    """Values above the least one of their group, and the sum of the least ones."""
    least = np.minimum.reduceat(values, offsets[:-1])
    return values - np.repeat(least, np.diff(offsets)), sum(least.tolist())


def _tie_rows(problem: Problem, groups: ChoiceGroups, tie: Tie) -> Iterator[Row]:
    """Two consecutive layers of a tie take every value of the bit-width equally often."""
    joint = np.repeat(np.arange(len(groups.part_offsets) - 1), np.diff(groups.part_offsets))
    layer = problem.layer_index[groups.parts]
    key = [tie.key(problem.precisions[j]) for j in groups.parts]
    for names in pairwise(tie.layers):
        ends = [np.flatnonzero(layer == problem.index_of(name)) for name in names]
        for value in {key[p]: None for end in ends for p in end}:
            row = np.zeros(len(joint), np.int64)
            for end, sign in zip(ends, (1, -1), strict=True):
                np.add.at(row, [joint[p] for p in end if key[p] == value], sign)
            columns = np.flatnonzero(row)
            yield Row(columns, row[columns], 0, equal=True)
