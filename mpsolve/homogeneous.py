"""Homogeneous choices: the same precision everywhere, as far as the layers have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.precision import Precision
    from mpsolve.problem import Problem
    from mpsolve.typing import BoolArray, IntArray


def homogeneous_choice(
    problem: Problem, precision: Precision, usable: BoolArray | None = None
) -> tuple[IntArray, tuple[str, ...]]:
    """The choice that gives every layer the same precision.

    A layer that lacks the precision takes the nearest higher one that it has: the one with the
    fewest bits more, and among equals the one with fewer input bits.

    Parameters
    ----------
    problem
        The problem.
    precision
        The precision to give.
    usable
        ``(M,)`` the candidates to choose from; all by default.

    Returns
    -------
    choice, notes
        ``(N,)`` int64, and one sentence if layers took another precision.

    Raises
    ------
    InputError
        If a layer has neither the precision nor a higher one.
    """
    choice = np.zeros(len(problem.layers), np.int64)
    substituted: dict[Precision, list[str]] = {}
    for i, layer in enumerate(problem.layers):
        candidates = problem.candidates(i)
        open_ = [
            k
            for k, candidate in enumerate(candidates)
            if (usable is None or usable[problem.offsets[i] + k])
            and (candidate == precision or (not precision.name and candidate.is_higher(precision)))
        ]
        if not open_:
            raise InputError(
                f"Layer {layer} has no precision at or above {precision}; it has "
                f"{', '.join(map(str, candidates))}."
            )
        choice[i] = min(open_, key=lambda k: (candidates[k].bits, candidates[k]))
        if candidates[choice[i]] != precision:
            substituted.setdefault(candidates[choice[i]], []).append(layer)
    notes = tuple(
        f"{_names(layers)} {'lacks' if len(layers) == 1 else 'lack'} {precision} and "
        f"{'takes' if len(layers) == 1 else 'take'} {taken}, the nearest higher precision."
        for taken, layers in substituted.items()
    )
    return choice, notes


def _names(layers: list[str]) -> str:
    if len(layers) <= 3:
        return ("Layer " if len(layers) == 1 else "Layers ") + ", ".join(layers)
    return f"Layers {', '.join(layers[:2])} and {len(layers) - 2} more"
