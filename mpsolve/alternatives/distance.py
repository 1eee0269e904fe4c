"""How many layers two assignments differ in, as a number and as a constraint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.constraints import LinearConstraint

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


def distance(one: IntArray, other: IntArray) -> int:
    """The Hamming distance: the number of layers with another candidate."""
    return int((one != other).sum())


def at_least(problem: Problem, choice: IntArray, layers: int) -> LinearConstraint:
    """The constraint that at least so many layers take another candidate than in a choice.

    The candidates of the choice count 1 each, and at most N - layers of them may be taken.
    """
    terms = {}
    for i, layer in enumerate(problem.layers):
        coefficients = np.zeros(problem.offsets[i + 1] - problem.offsets[i])
        coefficients[choice[i]] = 1.0
        terms[layer] = coefficients
    return LinearConstraint(f"distance of {layers}", terms, float(len(terms) - layers))
