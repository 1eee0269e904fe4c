"""Sums over layers and pairs of layers as integers over the candidates of choice groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.fixed_point import SUM_BITS, FixedPoint, fixed_point

if TYPE_CHECKING:
    from mpsolve.groups import ChoiceGroups
    from mpsolve.pairwise import PairwiseTerm
    from mpsolve.problem import Problem
    from mpsolve.typing import BoolArray, IntArray, NumberArray


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
    *,
    over_all: bool = False,
    round_up: bool = False,
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
    over_all
        Whether the sum over all candidates, not over one per layer, must fit.
    round_up
        As in `fixed_point`.
    """
    first = problem.offsets
    blocks = []
    for term in total.pairwise:
        i, j = problem.index_of(term.first), problem.index_of(term.second)
        kept = keep[first[i] : first[i + 1], None] & keep[first[j] : first[j + 1]]
        blocks.append(np.where(kept, term.values, 0))
    values = np.where(keep, total.values, 0)
    if not blocks:
        offsets = np.arange(len(values) + 1) if over_all else first
        scale = fixed_point(values, offsets, round_up=round_up)
        return IntegerSum(groups.merged(scale.integers), {}, scale)
    ends = np.cumsum([len(values), *(block.size for block in blocks)])
    numbers = np.concatenate([values, *(block.ravel() for block in blocks)])
    offsets = np.arange(len(numbers) + 1) if over_all else np.append(first, ends[1:])
    # Numbers that move to joint candidates are up to four times as large.
    scale = fixed_point(numbers, offsets, bits=SUM_BITS - 2, round_up=round_up)
    singles = groups.merged(scale.integers[: len(values)])
    matrices: dict[tuple[int, int], IntArray] = {}
    for term, block, begin in zip(total.pairwise, blocks, ends, strict=False):
        integers = scale.integers[begin : begin + block.size].reshape(block.shape)
        _add(
            groups,
            problem.index_of(term.first),
            problem.index_of(term.second),
            integers,
            singles,
            matrices,
        )
    return IntegerSum(singles, matrices, scale)


def _add(
    groups: ChoiceGroups,
    i: int,
    j: int,
    values: IntArray,
    singles: IntArray,
    matrices: dict[tuple[int, int], IntArray],
) -> None:
    """Add the matrix of two layers to what there is for their groups."""
    (g, rows), (h, columns) = groups.of_layer(i), groups.of_layer(j)
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
