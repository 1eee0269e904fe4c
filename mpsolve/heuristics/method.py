"""What a heuristic is, and the registry of those that exist.

A heuristic is one class in one file, and one entry in `HEURISTICS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


class Heuristic(Protocol):
    """A heuristic: from a start to another assignment, without a proof."""

    default_start: str

    def run(
        self, problem: Problem, start: Configuration | str | None, strict: bool
    ) -> tuple[IntArray, tuple[str, ...]]:
        """Return a choice and what is to be said about it."""


HEURISTICS: dict[str, tuple[str, str]] = {
    "free-bits": ("mpsolve.heuristics.free_bits", "FreeBits"),
    "greedy-decrease": ("mpsolve.heuristics.greedy_decrease", "GreedyDecrease"),
    "greedy-increase": ("mpsolve.heuristics.greedy_increase", "GreedyIncrease"),
    "homogeneous": ("mpsolve.heuristics.homogeneous", "Homogeneous"),
}


def heuristic_named(name: str) -> Heuristic:
    """The heuristic of this name."""
    if name not in HEURISTICS:
        raise InputError(f"There is no heuristic {name!r}; there are {', '.join(HEURISTICS)}.")
    module, attribute = HEURISTICS[name]
    heuristic: Heuristic = getattr(import_module(module), attribute)()
    return heuristic
