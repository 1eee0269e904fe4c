"""What a choice costs and which constraints it breaks, computed from the original numbers.

No answer is believed before it has passed through here: integers are summed exactly, floats with
`math.fsum`, and every constraint is checked by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.problem import Problem
    from mpsolve.typing import FloatArray, IntArray, Number, NumberArray

#: Half an ulp per term on either side: a budget equal to a float sum is kept by that sum.
FLOAT_SLACK = 2.0**-52

#: So many floats are summed faster by array operations.
MANY = 1000


@dataclass(frozen=True)
class Evaluation:
    """The loss and the costs of a choice, and one sentence per constraint that it breaks."""

    loss: Number
    costs: Mapping[str, Number]
    violations: tuple[str, ...]

    @property
    def feasible(self) -> bool:
        """Whether every constraint is kept."""
        return not self.violations


def total(values: NumberArray) -> Number:
    """The sum of int64 values, exactly, or of float64 values, correctly rounded."""
    if values.dtype.kind == "i":
        largest = max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))))
        exact = largest * values.size < 2**63
        return int(values.sum()) if exact else sum(values.tolist())
    return math.fsum(values) if len(values) < MANY else _float_sum(values)


def _float_sum(values: FloatArray) -> float:
    """What `math.fsum` gives, in a few array operations.

    Values are added in pairs with their rounding errors (Ogita, Rump and Oishi 2005, "Accurate
    sum and dot product"); where the sum of the errors might decide the last bit, `math.fsum` does.
    """
    sums, errors = values, []
    while len(sums) > 1:
        half = len(sums) // 2
        a, b, odd = sums[:half], sums[half : 2 * half], sums[2 * half :]
        added = a + b
        virtual = added - a
        errors.append((a - (added - virtual)) + (b - virtual))
        sums = np.concatenate((added, odd))
    lost = np.concatenate(errors)
    error = float(lost.sum())
    doubt = len(lost) * 2.0**-52 * float(np.abs(lost).sum())
    low, high = (math.fsum((sums[0], error, side)) for side in (-doubt, doubt))
    return low if low == high else math.fsum(values)


def keeps(value: Number, limit: Number, terms: int) -> bool:
    """Whether a sum of so many terms keeps an upper limit; integers are compared exactly."""
    return value <= (limit if isinstance(value, int) else slackened(limit, terms))


def slackened(limit: Number, terms: int) -> float:
    """The largest sum of so many floats that keeps an upper limit.

    That is ``terms * 2^-52`` of the limit above it, since the limit may itself be the rounded sum
    of the same numbers.
    """
    return limit + terms * FLOAT_SLACK * abs(limit)


def evaluate(problem: Problem, choice: IntArray) -> Evaluation:
    """Loss, costs and violated constraints of a choice.

    Parameters
    ----------
    problem
        The problem.
    choice
        ``(N,)`` int64, the position of each layer's candidate among its own.

    Raises
    ------
    InputError
        If the choice names a candidate that a layer does not have.
    """
    flat = problem.flat(choice)
    costs = {name: _summed(problem, name, choice, flat) for name in problem.costs}
    violations = [
        f"{name} is {costs[name]:,} and its budget {limit:,}"
        for name, limit in problem.budgets.items()
        if not keeps(costs[name], limit, problem.terms_of(name))
    ]
    chosen = [problem.precisions[j] for j in flat]
    violations += [
        f"{tie} is broken"
        for tie in problem.ties
        if len({tie.key(chosen[problem.index_of(layer)]) for layer in tie.layers}) > 1
    ]
    for constraint in problem.constraints:
        where = [problem.index_of(layer) for layer in constraint.terms]
        value = math.fsum(
            float(c[choice[i]]) for i, c in zip(where, constraint.terms.values(), strict=True)
        )
        if not keeps(value, constraint.limit, len(where)):
            value, limit = (int(v) if v.is_integer() else v for v in (value, constraint.limit))
            violations.append(f"{constraint} is {value:,} and its limit {limit:,}")
    violations += [
        f"{restriction} is broken by {chosen[problem.index_of(restriction.layer)]}"
        for restriction in problem.restrictions
        if not restriction.allows(chosen[problem.index_of(restriction.layer)])
    ]
    return Evaluation(_summed(problem, None, choice, flat), costs, tuple(violations))


def loss_of(problem: Problem, choice: IntArray) -> Number:
    """The loss of a choice that is known to be one of the problem."""
    return _summed(problem, None, choice, problem.offsets[:-1] + choice)


def _summed(problem: Problem, cost: str | None, choice: IntArray, flat: IntArray) -> Number:
    """The loss, or a cost, of a choice, with what its layers add in pairs."""
    values = problem.loss if cost is None else problem.costs[cost]
    together = [term.value(problem, choice) for term in problem.pairwise_on(cost)]
    return total(np.append(values[flat], together) if together else values[flat])


def smallest(values: NumberArray, offsets: IntArray) -> Number:
    """The least sum that one value per group can give; groups are ``offsets[i]:offsets[i+1]``."""
    return total(np.minimum.reduceat(values, offsets[:-1]))
