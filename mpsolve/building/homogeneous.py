"""Homogeneous choices: the same precision everywhere, as far as the layers have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.presolve.choice_groups import layer_groups

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import IntArray


def homogeneous_choice(
    problem: Problem, precision: Precision | str, groups: ChoiceGroups | None = None
) -> tuple[IntArray, tuple[str, ...]]:
    """The choice that gives every layer the same precision.

    A layer that lacks the precision takes the nearest higher one that it has: the one with the
    fewest bits more, and among equals the one with fewer input bits. A named format with as many
    bits will do, unless the precision is itself a named format. Tied layers move together.

    Parameters
    ----------
    problem
        The problem.
    precision
        The precision to give, or its text; a named format of the problem needs only its name.
    groups
        The groups to choose from; by default every layer by itself, without any restriction.

    Returns
    -------
    choice, notes
        ``(N,)`` int64, and one sentence per precision that layers took instead.

    Raises
    ------
    InputError
        If a layer has neither the precision nor a higher one.
    """
    if not isinstance(precision, Precision):
        precision = Precision.among(precision, problem.precisions)
    groups = groups or layer_groups(problem.offsets)
    joint = np.zeros(len(groups.members), np.int64)
    for g, members in enumerate(groups.members):
        rows = [groups.precisions(problem, j) for j in range(*groups.offsets[g : g + 2])]
        fitting = [k for k, row in enumerate(rows) if all(_fits(p, precision) for p in row)]
        if not fitting:
            offered = ", ".join(dict.fromkeys(str(row[0]) for row in rows))
            raise InputError(
                f"Layer {problem.layers[members[0]]} has no precision at or above {precision}; "
                f"it can take {offered}."
            )
        joint[g] = min((sum(p.bits for p in rows[k]), rows[k], k) for k in fitting)[-1]
    choice = groups.lift(joint)
    return choice, _substitutions(problem, precision, choice)


def _fits(candidate: Precision, precision: Precision) -> bool:
    return candidate == precision or (
        not precision.name and candidate.is_higher_or_equal(precision)
    )


def _substitutions(problem: Problem, precision: Precision, choice: IntArray) -> tuple[str, ...]:
    instead: dict[Precision, list[str]] = {}
    for layer, taken in problem.configuration(choice).items():
        if taken != precision:
            instead.setdefault(taken, []).append(layer)
    return tuple(
        f"{_names(layers)} {'takes' if len(layers) == 1 else 'take'} {taken}, the nearest "
        f"precision above {precision}."
        for taken, layers in instead.items()
    )


def _names(layers: list[str]) -> str:
    if len(layers) <= 3:
        return ("Layer " if len(layers) == 1 else "Layers ") + ", ".join(layers)
    return f"Layers {', '.join(layers[:2])} and {len(layers) - 2} more"
