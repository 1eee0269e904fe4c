"""The front of every heuristic against the front of proven optima."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.contender import CONTENDERS, Kind
from mpsolve.bench.report.frame import methods_in
from mpsolve.bench.report.style import figure, line

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

#: Budgets below which a curve would say little.
FEWEST = 8
SHOWN = (Kind.HEURISTIC, Kind.BASELINE)


def instances_with_fronts(frame: pd.DataFrame) -> list[str]:
    """The instances whose optimum is known at many budgets."""
    levels = frame.dropna(subset=["optimum"]).groupby("instance", sort=False)["level"].nunique()
    return [str(name) for name in levels[levels >= FEWEST].index]


def draw_front(frame: pd.DataFrame, instance: str, path: Path) -> None:
    """Loss over the budget, and below it the gap to the optimum; only answers that keep it."""
    of = frame[frame["instance"] == instance]
    methods = [m for m in methods_in(of) if CONTENDERS[m].kind in SHOWN]
    optimum = of.dropna(subset=["optimum"]).groupby("level")["optimum"].first()
    with figure(path, columns=2, height=4.6) as axes:
        losses, gaps = axes[0]
        for method in methods:
            kept = of[(of["method"] == method) & of["gap"].notna()]
            best = kept.groupby("level")[["loss", "gap"]].min().reindex(optimum.index)
            style = line(method, methods) | {"markevery": (methods.index(method) % 4, 4)}
            losses.plot(best.index, best["loss"], **style)
            gaps.plot(best.index, best["gap"] * 100, **style)
        losses.plot(optimum.index, optimum, color="black", linewidth=2, label="optimum", zorder=5)
        losses.set(yscale="log", ylabel="loss")
        gaps.set_yscale("symlog", linthresh=0.01, linscale=0.5)
        gaps.set_ylim(bottom=0)
        gaps.set_ylabel("gap to the optimum, per cent")
        for plot in axes[0]:
            _budgets(plot, of)
        handles, labels = losses.get_legend_handles_labels()
        losses.figure.legend(
            handles, labels, frameon=False, loc="outside lower center", ncols=5, fontsize=8
        )


def _budgets(plot: Axes, of: pd.DataFrame) -> None:
    cost = str(of["limits"].iloc[0]).partition(" <= ")[0]
    provenance = str(of["provenance"].iloc[0])
    plot.set_xlim(0, 100)
    plot.set_xticks(np.arange(0, 101, 20))
    plot.set_xlabel(f"budget on {cost} ({provenance}), per cent of its range")
