"""A file that takes up the points of a front one by one, so that a killed run can go on.

JSON lines: the first identifies the problem by a fingerprint, each further one holds a point.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.formulations.epsilon_constraint import Point

if TYPE_CHECKING:
    from os import PathLike

    from mpsolve.problem import Problem


class Checkpoint:
    """The points of one front, in the file and in memory."""

    def __init__(self, path: str | PathLike[str], problem: Problem, x: str, epsilon: float) -> None:
        """Open the file, or begin it.

        Raises
        ------
        InputError
            If the file cannot be used: it is none of ours, or that of another front.
        """
        self._path = Path(path)
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
        self._write({"x": point.x, "y": point.y, "choice": point.choice.tolist()})

    def _read(self, problem: Problem) -> list[Point]:
        try:
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
            complete, _, torn = text.rpartition("\n")
            if torn:  # a line that a killed run could not finish
                self._path.write_text(complete + "\n" if complete else "", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise InputError(f"{self._path}: cannot read the checkpoint: {reason}.") from None
        if not complete:
            self._write(self._header)
            return []
        header, *lines = complete.split("\n")
        if self._decoded(header) != self._header:
            raise InputError(
                f"{self._path} belongs to the front of another problem; name another file."
            )
        return [self._point(line, problem) for line in lines]

    def _point(self, line: str, problem: Problem) -> Point:
        data = self._decoded(line)
        try:
            choice = np.array(data["choice"], np.int64)
            problem.flat(choice)
            return Point(data["x"], data["y"], choice)
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{self._path} holds a line that is no point: {line[:60]}") from None

    def _decoded(self, line: str) -> Any:
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            raise InputError(f"{self._path} is not the checkpoint of a front.") from None

    def _write(self, data: dict[str, Any]) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(data) + "\n")
        except OSError as error:
            raise InputError(f"{self._path} cannot be written: {error.strerror}.") from None


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
