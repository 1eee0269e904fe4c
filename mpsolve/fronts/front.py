"""The front: every non-dominated pair of two sums, and the configuration behind any of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.building.budgets import resolve_budgets
from mpsolve.solving.session import Session
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd
    from matplotlib.axes import Axes

    from mpsolve.model.problem import Problem
    from mpsolve.model.provenance import Provenance
    from mpsolve.model.solution import Limit, Solution
    from mpsolve.typing import FloatArray, IntArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class Front:
    """Points by increasing x and decreasing y, none of which is dominated by another.

    The points are sums, without their configurations: ``front[i]`` and ``front.at(budget)`` solve
    for these when they are asked for, and evaluate them like every other answer.

    Attributes
    ----------
    problem
        What ``at`` solves: y is its loss, x one of its costs.
    x_name
        The cost along x.
    x, y
        ``(P,)`` int64 where the numbers of the problem are integers, otherwise float64.
    excess
        ``(P,)`` float64. For every budget from ``x[i]`` up to ``x[i + 1]``, ``y[i]`` exceeds the
        optimum by at most this part of it; 0 is exact. Where nothing is proven it is inf: the
        optimum may be negative or zero.
    epsilon
        The part that was asked for; 0 for all points.
    limit
        What ended the computation early, if anything.
    complete_from
        None if every budget is covered. Otherwise the computation was stopped and the front
        speaks of budgets from here on.
    x_resolution, y_resolution
        How far x and y may lie from the exact sums or optima, 0 for integers. Points that differ
        by less may have been taken for one.
    method
        The exact method that ``at`` uses.
    choices
        ``(P, N)`` the choices behind the points, where the points were found one by one; or None.
    seconds
        Wall time of the computation.
    notes
        Remarks.
    """

    problem: Problem
    x_name: str
    x: NumberArray
    y: NumberArray
    excess: FloatArray
    epsilon: float = 0.0
    limit: Limit | None = None
    complete_from: Number | None = None
    x_resolution: float = 0.0
    y_resolution: float = 0.0
    method: str = "auto"
    choices: IntArray | None = field(default=None, repr=False)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("x", "y", "excess"):
            getattr(self, name).setflags(write=False)

    @property
    def y_name(self) -> str:
        """What is minimised along y."""
        return self.problem.loss_name

    @property
    def x_unit(self) -> str:
        """The unit of x, empty where it is unknown."""
        return self.problem.units.get(self.x_name, "")

    @property
    def y_unit(self) -> str:
        """The unit of y, empty where it is unknown, as it is for a loss."""
        return self.problem.units.get(self.y_name, "")

    @property
    def provenance(self) -> Provenance:
        """Where the latencies come from."""
        return self.problem.provenance

    @property
    def source(self) -> str:
        """The table that the problem was read from."""
        return self.problem.source

    @property
    def guarantee(self) -> float:
        """The largest `excess`: 0 for an exact front, inf where nothing is proven somewhere."""
        return float(self.excess.max(initial=0.0))

    @property
    def exact(self) -> bool:
        """Whether these are all non-dominated points, up to the resolution."""
        return self.guarantee == 0 and self.complete_from is None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> Solution:
        """The configuration of point ``i``: the exact answer for the budget ``x[i]``.

        Where x was rounded, the budget is widened by the resolution, so that it admits the point.
        """
        x = self.x[i].item()
        if self.choices is not None:
            return self._solved(x, self.choices[i])
        return self._solved(x + self.x_resolution if isinstance(x, float) else x)

    def at(self, budget: Number | str) -> Solution:
        """The exact answer for a budget on x, in addition to the budgets of the problem.

        It is solved for anew and does not depend on how complete the points are.

        Parameters
        ----------
        budget
            A number, or text as `mpsolve.building.budgets` reads it, such as ``"0.7x"``.
        """
        return self._solved(resolve_budgets(self.problem, {self.x_name: budget})[self.x_name])

    def _solved(self, limit: Number, start: IntArray | None = None) -> Solution:
        limit = min(limit, self.problem.budgets.get(self.x_name, limit))
        budgets = {**self.problem.budgets, self.x_name: limit}
        return self._session.solve(budgets, self.method, warm_start=start)

    @cached_property
    def _session(self) -> Session:
        """The problem, prepared once for all budgets on x."""
        return Session(self.problem)

    def knee_index(self) -> int:
        """The index of the knee.

        The point that lies farthest below the chord between the first and the last point when
        both axes are normalised to [0, 1], which is the knee in the sense of Satopaa, Albrecht,
        Irwin and Raghavan (2011), "Finding a 'Kneedle' in a haystack", for a decreasing convex
        curve, without their smoothing. Of one or two points, and where no point lies below the
        chord, it is the first. Of a front that was stopped early it is the knee of the known part.
        """
        if len(self) < 3:
            return 0
        x, y = self.x.astype(np.float64), self.y.astype(np.float64)
        below = 1 - (x - x[0]) / (x[-1] - x[0]) - (y - y[-1]) / (y[0] - y[-1])
        return int(np.argmax(np.where(below > 2.0**-40, below, 0)))

    def knee(self) -> Solution:
        """The configuration at the knee; see `knee_index`."""
        return self[self.knee_index()]

    def spread(self, count: int) -> IntArray:
        """Indices of at most ``count`` points, about evenly spread along x, with both ends."""
        if len(self) <= count:
            return np.arange(len(self))
        wanted = np.linspace(float(self.x[0]), float(self.x[-1]), count)
        return np.unique(np.searchsorted(self.x, wanted).clip(0, len(self) - 1))

    def to_pandas(self) -> pd.DataFrame:
        """A data frame with one row per point: x and y under their names, and ``excess``."""
        with importing("pandas", "tables", "A data frame"):
            import pandas as pd
        return pd.DataFrame(self.columns())

    def columns(self) -> dict[str, NumberArray]:
        """The points as named columns: x, y and ``excess``."""
        y_name = self.y_name if self.y_name != self.x_name else f"{self.y_name} (minimised)"
        return {self.x_name: self.x, y_name: self.y, "excess": self.excess}

    def to_json(self) -> dict[str, Any]:
        """Plain data: all points and everything that is known about them."""
        finite = math.isfinite(self.guarantee)
        return {
            "x_name": self.x_name,
            "y_name": self.y_name,
            "x_unit": self.x_unit,
            "y_unit": self.y_unit,
            "points": len(self),
            "exact": self.exact,
            "epsilon": self.epsilon,
            "guarantee": self.guarantee if finite else None,
            "limit": self.limit.value if self.limit else None,
            "complete_from": self.complete_from,
            "x_resolution": self.x_resolution,
            "y_resolution": self.y_resolution,
            "budgets": dict(self.problem.budgets),
            "provenance": self.provenance.value,
            "source": self.source,
            "seconds": self.seconds,
            "notes": list(self.notes),
            "knee": self.knee_index() if self.complete_from is None else None,
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "excess": [e if math.isfinite(e) else None for e in self.excess.tolist()],
        }

    def plot(self, path: str | PathLike[str] | None = None, ax: Axes | None = None) -> Axes:
        """Draw the staircase of the least y for every budget on x, with the knee.

        Parameters
        ----------
        path
            A file to write, in the format of its suffix; nothing is written without one.
        ax
            Matplotlib axes to draw on; new ones by default.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        InputError
            If the file cannot be written.
        """
        from mpsolve.report.plots import plot_front

        return plot_front(self, path, ax)

    def summary(self) -> str:
        """One sentence: how many points, and what is proven about them."""
        points = f"{len(self):,} point{'' if len(self) == 1 else 's'}"
        if self.exact:
            return f"{points}, exact: every non-dominated one"
        if self.guarantee == 0:
            proven = "exact"
        elif math.isfinite(self.guarantee):
            proven = f"at most {100 * self.guarantee:.3g} % above the optimum for every budget"
        else:
            share = np.isfinite(self.excess).mean()
            proven = f"with a proven ratio to the optimum for {share:.0%} of them"
        covered = "" if self.complete_from is None else f" from {self.complete_from:,} on"
        stopped = f" (stopped: {self.limit})" if self.limit else ""
        return f"{points}, {proven}{covered}{stopped}"

    def __repr__(self) -> str:
        return f"<Front {self.y_name} over {self.x_name}: {self.summary()}>"
