"""A file that takes up the points of a front one by one, so that a killed run can go on.

JSON lines: the first identifies the problem by a fingerprint, each further one holds a point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.fronts.epsilon_constraint import Point
from mpsolve.storage.digest import digest
from mpsolve.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from mpsolve.model.problem import Problem


class Checkpoint:
    """The points of one front, in memory and, if there is one, in a file."""

    def __init__(
        self, path: str | PathLike[str] | None, problem: Problem, x: str, epsilon: float
    ) -> None:
        """Open the file, or begin it.

        Raises
        ------
        InputError
            If the file cannot be used: it is none of ours, that of another front, or being
            written.
        """
        self.points: list[Point] = []
        self._path, self._problem = path, problem
        self._header = {
            "mpsolve": "front",
            "fingerprint": fingerprint(problem, x, epsilon),
            "x": x,
            "y": problem.loss_name,
            "epsilon": epsilon,
            "source": problem.source,
        }
        self._journal = Journal(
            path,
            "the checkpoint of a front",
            self._header,
            self._take,
            check=self._check,
            key=lambda entry: entry["x"],
        )

    def close(self) -> None:
        """Let other runs use the file."""
        self._journal.close()

    def append(self, point: Point) -> None:
        """Write a point."""
        self._journal.append({"x": point.x, "y": point.y, "choice": point.choice.tolist()})
        self.points.append(point)

    def _check(self, theirs: Mapping[str, Any]) -> None:
        if theirs != self._header:
            raise InputError(
                f"{self._path} belongs to the front of another problem; name another file."
            )

    def _take(self, entry: Any) -> None:
        choice = np.array(entry["choice"], np.int64)
        self._problem.flat(choice)
        self.points.append(Point(entry["x"], entry["y"], choice))


def fingerprint(problem: Problem, x: str, epsilon: float) -> str:
    """A digest of everything that the points of a front depend on."""
    texts = [
        problem.layers,
        [str(p) for p in problem.precisions],
        sorted(problem.budgets.items()),
        sorted(map(str, problem.ties)),
        [(tie.layers, tie.equal) for tie in problem.ties],
        [str(restriction) for restriction in problem.restrictions],
        [
            (c.name, c.limit, [(k, v.tolist()) for k, v in c.terms.items()])
            for c in problem.constraints
        ],
        (x, epsilon),
    ]
    used = {x: problem.costs[x]} | {name: problem.costs[name] for name in problem.budgets}
    columns = (
        f"{name} {values.dtype}".encode() + values.tobytes()
        for name, values in (("", problem.loss), *sorted(used.items()))
    )
    return digest(repr(texts), *columns, problem.offsets.tobytes())
