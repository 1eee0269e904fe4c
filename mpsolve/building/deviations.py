"""How far numbers may lie from what a table says, as people write it: ``5%`` or ``20``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.problem import Problem
    from mpsolve.typing import FloatArray, Number, NumberArray


def with_deviations(
    problem: Problem, deviations: Mapping[str, Number | str | FloatArray]
) -> Problem:
    """A variant with these standard deviations beside those it has; values as in `widths`."""
    resolved = {name: widths(problem, name, value) for name, value in deviations.items()}
    return problem.replace(deviations={**problem.deviations, **resolved})


def widths(problem: Problem, name: str, value: Number | str | FloatArray) -> NumberArray:
    """A width for every candidate.

    Parameters
    ----------
    problem
        The problem.
    name
        One of its costs, or ``"loss"``.
    value
        ``(M,)`` numbers, one number in the unit of the cost, or text: a number, or a percentage
        of every candidate's own absolute value.

    Returns
    -------
    ``(M,)`` of at least 0; integers where one integer is given.

    Raises
    ------
    InputError
        If there is no such cost, or the width is not a finite number of at least 0.
    """
    if name not in problem.costs and name != "loss":
        known = ", ".join([*problem.costs, "loss"])
        raise InputError(f"There is no cost {name} that could deviate; there are {known}.")
    own = problem.loss if name == "loss" else problem.costs[name]
    if isinstance(value, str):
        number, percent, rest = value.strip().partition("%")
        width = _number(name, value, value if rest else number)
        value = np.abs(own) * (width / 100) if percent else width
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.shape not in ((), own.shape):
        raise InputError(
            f"The width of {name} must be one number, a percentage such as 5%, or a number for "
            f"each of {len(own)} candidates."
        )
    if not (np.isfinite(array) & (array >= 0)).all():
        raise InputError(f"The width of {name} must be finite and at least 0.")
    return np.broadcast_to(array, own.shape).copy()


def _number(name: str, value: str, text: str) -> Number:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    raise InputError(
        f"{name}={value} is not a width: write a number in the unit of {name}, or a percentage "
        "of every candidate's own value, such as 5%."
    )
