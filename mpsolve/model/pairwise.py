"""What two layers cost together: conversions between precisions, cross terms of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.ragged import magnitude, numbers
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.model.layers import Layers
    from mpsolve.model.precision import Precision
    from mpsolve.typing import IntArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class PairwiseTerm(Picklable):
    """A number for every pair of candidates of two layers, added to the loss or to a cost.

    Attributes
    ----------
    first, second
        Two different layers.
    values
        ``(K_first, K_second)`` int64 or float64, in the unit of what they are added to.
    cost
        The cost that the term adds to; None for the loss.
    label
        A short name for messages, such as ``"requantisation"``.

    Raises
    ------
    InputError
        If the layers are one, or the values are not a matrix of finite numbers.
    """

    first: str
    second: str
    values: NumberArray
    cost: str | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise InputError(f"{self} joins two different layers, not {self.first} twice.")
        try:
            array = np.array(self.values)
            fits = array.ndim == 2 and array.dtype.kind in "iuf" and array.size > 0
        except ValueError:  # rows of different lengths
            fits = False
        if not fits or not magnitude(array) < np.inf:
            raise InputError(
                f"{self} needs a matrix of finite numbers, one row per candidate of {self.first} "
                f"and one column per candidate of {self.second}."
            )
        array = numbers(array)
        array.setflags(write=False)
        object.__setattr__(self, "values", array)

    @classmethod
    def from_rule(
        cls,
        problem: Layers,
        first: str,
        second: str,
        rule: Callable[[Precision, Precision], Number],
        cost: str | None = None,
        label: str = "",
    ) -> PairwiseTerm:
        """The term that a rule gives for the candidates of two layers of a problem.

        Parameters
        ----------
        problem
            The problem whose candidates are meant.
        first, second
            Two of its layers.
        rule
            What the precisions of the first and of the second layer cost together.
        cost, label
            As in `PairwiseTerm`.

        Examples
        --------
        A conversion of 500 cycles wherever two neighbours differ in their inputs:

        >>> from mpsolve import PairwiseTerm, Problem
        >>> problem = Problem.from_arrays(
        ...     [[0, 1], [0, 1]], {"latency": [[9, 8], [7, 6]]}, precisions=["8b/8b", "4b/8b"]
        ... )
        >>> term = PairwiseTerm.from_rule(
        ...     problem, "layer0", "layer1", lambda p, q: 500 * (p.b_in != q.b_in), "latency"
        ... )
        >>> term.values.tolist()
        [[0, 500], [500, 0]]
        >>> problem = problem.replace(pairwise=[term])
        """
        rows = problem.candidates(problem.index_of(first))
        columns = problem.candidates(problem.index_of(second))
        values = np.array([[rule(p, q) for q in columns] for p in rows])
        return cls(first, second, values, cost, label)

    def value(self, problem: Layers, choice: IntArray) -> Number:
        """What the term adds for a choice."""
        i, j = problem.index_of(self.first), problem.index_of(self.second)
        return self.values[choice[i], choice[j]].item()

    def __str__(self) -> str:
        label = f"{self.label} " if self.label else ""
        target = "the loss" if self.cost is None else self.cost
        return f"pairwise term {label}(of {self.first} and {self.second} on {target})"
