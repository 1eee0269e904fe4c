"""A file that takes up the points of a front one by one, so that a killed run can go on.

JSON lines: the first identifies the problem by a fingerprint, each further one holds a point.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.fronts.epsilon_constraint import Point
from mpsolve.storage.journal import JsonLines

if TYPE_CHECKING:
    from os import PathLike

    from mpsolve.model.problem import Problem


class Checkpoint:
    """The points of one front, in the file and in memory."""

    def __init__(self, path: str | PathLike[str], problem: Problem, x: str, epsilon: float) -> None:
        """Open the file, or begin it.

        Raises
        ------
        InputError
            If the file cannot be used: it is none of ours, or that of another front.
        """
        self._path = path
        self._lines = JsonLines(path, "the checkpoint of a front")
        self._header = {
            "mpsolve": "front",
            "fingerprint": fingerprint(problem, x, epsilon),
            "x": x,
            "y": problem.loss_name,
            "epsilon": epsilon,
            "source": problem.source,
        }
        self.points = self._read(problem)

    def append(self, point: Point) -> None:
        """Write a point."""
        self.points.append(point)
        self._lines.append({"x": point.x, "y": point.y, "choice": point.choice.tolist()})

    def _read(self, problem: Problem) -> list[Point]:
        entries = self._lines.read()
        if not entries:
            self._lines.append(self._header)
            return []
        header, *points = entries
        if header != self._header:
            raise InputError(
                f"{self._path} belongs to the front of another problem; name another file."
            )
        return [self._point(data, problem) for data in points]

    def _point(self, data: Any, problem: Problem) -> Point:
        try:
            choice = np.array(data["choice"], np.int64)
            problem.flat(choice)
            return Point(data["x"], data["y"], choice)
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{self._path} holds a line that is no point: {json.dumps(data)[:60]}"
            ) from None


def fingerprint(problem: Problem, x: str, epsilon: float) -> str:
    """A digest of everything that the points of a front depend on."""
    digest = sha256()
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
    digest.update(repr(texts).encode())
    used = {x: problem.costs[x]} | {name: problem.costs[name] for name in problem.budgets}
    for name, values in (("", problem.loss), *sorted(used.items())):
        digest.update(f"{name} {values.dtype}".encode() + values.tobytes())
    digest.update(problem.offsets.tobytes())
    return digest.hexdigest()
