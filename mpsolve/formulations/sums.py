"""Sums over layers and pairs of layers as integers over the candidates of choice groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.presolve.fixed_point import SUM_BITS, FixedPoint, fixed_point
from mpsolve.presolve.fixing import SAFETY

if TYPE_CHECKING:
    from mpsolve.model.pairwise import PairwiseTerm
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import BoolArray, IntArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class Total:
    """What is summed: the loss, a cost, or the coefficients of a constraint.

    Attributes
    ----------
    values
        ``(M,)`` the number of each candidate.
    pairwise
        The pairwise terms of the sum.
    terms
        How many numbers are added up for a choice.
    """

    values: NumberArray
    pairwise: tuple[PairwiseTerm, ...]
    terms: int

    @classmethod
    def of(cls, problem: Problem, cost: str | None) -> Total:
        """A cost of a problem, or its loss."""
        values = problem.loss if cost is None else problem.costs[cost]
        return cls(values, problem.pairwise_on(cost), problem.terms_of(cost))


@dataclass(frozen=True, eq=False)
class IntegerSum:
    """A sum in integers: numbers of joint candidates, and matrices where pairs need them.

    Attributes
    ----------
    singles
        ``(J,)`` int64 of the joint candidates.
    matrices
        Pair of groups, the earlier one first -> int64, one number per pair of joint candidates.
    scale
        What the integers mean.
    """

    singles: IntArray
    matrices: dict[tuple[int, int], IntArray]
    scale: FixedPoint

    def over(self, pairs: IntArray, offsets: IntArray) -> IntArray:
        """The numbers of all variables: joint candidates, then every pair by rows."""
        values = np.zeros(offsets[-1], np.int64)
        values[: len(self.singles)] = self.singles
        begins = offsets[len(offsets) - 1 - len(pairs) :]
        for p, pair in enumerate(map(tuple, pairs.tolist())):
            if pair in self.matrices:
                values[begins[p] : begins[p + 1]] = self.matrices[pair].ravel()
        return values


def integer_sum(
    problem: Problem,
    groups: ChoiceGroups,
    keep: BoolArray,
    total: Total,
    limit: Number | None = None,
) -> IntegerSum:
    """Bring a sum to integers.

    A pairwise term inside one group, or one that is a sum of a number per row and one per column,
    goes into the numbers of the joint candidates.

    Parameters
    ----------
    problem
        The problem.
    groups
        Its choice groups, of the kept candidates.
    keep
        ``(M,)`` the kept candidates; the others must not coarsen the scale.
    total
        The sum.
    limit
        What the sum must not exceed, if it is limited. Numbers are then rounded up, and all of
        them together fit into int64, as solvers want it, not only one of each group.
    """
    first, values = problem.offsets, np.where(keep, total.values, 0)
    if not total.pairwise:
        offsets = first if limit is None else np.arange(len(values) + 1)
        scale = fixed_point(values, offsets, round_up=limit is not None)
        return IntegerSum(groups.merged(scale.integers), {}, scale)
    blocks = [_kept_pairs(problem, keep, term) for term in total.pairwise]
    if limit is not None:
        blocks = _affordable_pairs(np.where(keep, values, np.inf), first, blocks, limit)
    ends = np.cumsum([len(values), *(block.size for block in blocks)])
    numbers = np.concatenate([values, *(block.ravel() for block in blocks)])
    offsets = np.append(first, ends[1:])
    bits = SUM_BITS - 2  # numbers that move to joint candidates grow to four times as much
    if limit is not None:
        # One number of each group sums to less than 2^bits, all of them above the least as well.
        least = np.repeat(np.minimum.reduceat(numbers, offsets[:-1]), np.diff(offsets))
        most = np.maximum.reduceat(np.abs(numbers), offsets[:-1])
        bits = min(bits, bits + _exponent(most) - _exponent(numbers - least))
    scale = fixed_point(numbers, offsets, bits=bits, round_up=limit is not None)
    singles = groups.merged(scale.integers[: len(values)])
    matrices: dict[tuple[int, int], IntArray] = {}
    for term, block, begin in zip(total.pairwise, blocks, ends, strict=False):
        integers = scale.integers[begin : begin + block.size].reshape(block.shape)
        layers = problem.index_of(term.first), problem.index_of(term.second)
        _add(groups, layers, integers, singles, matrices)
    return IntegerSum(singles, matrices, scale)


def _exponent(values: NumberArray) -> int:
    """Binary exponent of a sum."""
    return math.frexp(float(values.sum()))[1]


def _kept_pairs(problem: Problem, keep: BoolArray, term: PairwiseTerm) -> NumberArray:
    """The matrix of a term, with nothing special where a candidate is not kept."""
    ends = [problem.index_of(layer) for layer in (term.first, term.second)]
    rows, columns = (keep[problem.offsets[i] : problem.offsets[i + 1]] for i in ends)
    kept = rows[:, None] & columns
    least = term.values.min(where=kept, initial=term.values.max())
    return np.where(kept, term.values, least)


def _affordable_pairs(
    values: NumberArray, offsets: IntArray, blocks: list[NumberArray], limit: Number
) -> list[NumberArray]:
    """Matrices in which a pair that exceeds a limit alone exceeds it by little.

    Otherwise one enormous number that no choice can contain would coarsen the scale.
    """
    if all(block.dtype.kind == "i" for block in blocks):
        return blocks
    least = [*np.minimum.reduceat(values, offsets[:-1]).tolist(), *(float(b.min()) for b in blocks)]
    room = (
        float(limit) - math.fsum(least) + SAFETY * (abs(float(limit)) + math.fsum(map(abs, least)))
    )
    return [np.minimum(b, b.min() + 2 * room) for b in blocks] if room > 0 else blocks


def _add(
    groups: ChoiceGroups,
    layers: tuple[int, int],
    values: IntArray,
    singles: IntArray,
    matrices: dict[tuple[int, int], IntArray],
) -> None:
    """Add the matrix of two layers to what there is for their groups."""
    (g, rows), (h, columns) = (groups.of_layer(layer) for layer in layers)
    own, other = slice(*groups.offsets[g : g + 2]), slice(*groups.offsets[h : h + 2])
    if g == h:
        singles[own] += values[rows, columns]
        return
    joint = values[rows][:, columns]
    if g > h:
        g, h, own, other, joint = h, g, other, own, joint.T
    base = joint[:, :1] + joint[:1] - joint[0, 0]
    if (joint == base).all():
        singles[own] += joint[:, 0]
        singles[other] += joint[0] - joint[0, 0]
    else:
        matrices[g, h] = matrices.get((g, h), 0) + joint
