"""What can go wrong, one class per thing that a caller may want to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field


class MpsolveError(Exception):
    """Base of every error that this library raises on purpose; its text is one clear sentence."""


class InputError(MpsolveError, ValueError):
    """The input contradicts itself or the documentation; the message says where and what to do."""


class TableError(InputError):
    """A latency table cannot be read; the message names the file, the line and the column."""


class UnsupportedError(MpsolveError):
    """The chosen method cannot express a part of the problem, which the message names."""


class NoSolutionError(MpsolveError):
    """A limit ended the search before it found any assignment."""


class MissingDependencyError(MpsolveError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed: pip install 'mpsolve[{extra}]'."
        )


@dataclass(frozen=True)
class Conflict:
    """Why no assignment exists.

    Attributes
    ----------
    message
        One sentence for people.
    constraints
        The names of a smallest set of constraints that cannot be kept together: dropping any one
        of them makes the rest satisfiable.
    cost, budget, least
        For a single budget: its name, its limit and the least value that can be achieved.
    layers
        The layers that dominate the least value or that carry the conflict.
    """

    message: str
    constraints: tuple[str, ...] = ()
    cost: str | None = None
    budget: float | None = None
    least: float | None = None
    layers: tuple[str, ...] = field(default=())


class InfeasibleError(MpsolveError, ValueError):
    """No assignment keeps every constraint; ``conflict`` says which of them cannot be met.

    Attributes
    ----------
    conflict
        The cause, see `Conflict`; its fields ``least``, ``budget``, ``cost`` and ``layers`` are
        also readable on the error itself.
    """

    def __init__(self, conflict: Conflict) -> None:
        super().__init__(conflict.message)
        self.conflict = conflict
        self.cost = conflict.cost
        self.budget = conflict.budget
        self.least = conflict.least
        self.layers = conflict.layers

    def __reduce__(self) -> tuple[type[InfeasibleError], tuple[Conflict]]:
        return InfeasibleError, (self.conflict,)
