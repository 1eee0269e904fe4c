"""Box plots of time and of gap, one box per method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.report.frame import exact_in, methods_in
from mpsolve.bench.report.style import colour, figure, legend_of_kinds

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from mpsolve.typing import FloatArray

#: Gaps below this are drawn as 0.
LEAST_GAP = 1e-4


def draw_times(frame: pd.DataFrame, path: Path) -> None:
    """Milliseconds of every run that ended by itself, per method, from fast to slow."""
    values = {m: _values(frame, m, "seconds") * 1e3 for m in methods_in(frame)}
    values = {m: v for m, v in values.items() if len(v)}
    ordered = sorted(values, key=lambda m: -np.median(values[m]))
    with figure(path, height=1.4 + 0.23 * len(ordered)) as axes:
        plot = axes[0, 0]
        _boxes(plot, {m: values[m] for m in ordered})
        plot.set_xscale("log")
        plot.set_xlabel("milliseconds")
        exact = exact_in(frame)
        for position, method in enumerate(ordered, 1):
            of = frame[frame["method"] == method]
            missed = int((~of["solved"]).sum())
            if method in exact and missed:
                text = f"  {missed} of {len(of)} without a right proof"
                plot.text(values[method].max(), position, text, va="center", fontsize=7)
        legend_of_kinds(plot, ordered)


def draw_gaps(frame: pd.DataFrame, path: Path) -> None:
    """Gap to the optimum per method, in per cent, of the answers that keep their budgets."""
    gaps = {m: np.maximum(_values(frame, m, "gap") * 100, 0.0) for m in methods_in(frame)}
    inexact = {m: g for m, g in gaps.items() if g.max(initial=0.0) >= LEAST_GAP}
    ordered = sorted(inexact, key=lambda m: (-np.median(inexact[m]), -inexact[m].max()))
    with figure(path, height=1.4 + 0.26 * max(len(ordered), 2)) as axes:
        plot = axes[0, 0]
        _boxes(plot, {m: inexact[m] for m in ordered})
        plot.set_xscale("symlog", linthresh=LEAST_GAP, linscale=0.6)
        plot.set_xlim(left=-LEAST_GAP / 2)
        plot.set_xlabel("gap to the optimum, per cent")
        legend_of_kinds(plot, ordered)


def _values(frame: pd.DataFrame, method: str, column: str) -> FloatArray:
    return frame.loc[frame["method"] == method, column].dropna().to_numpy(np.float64)


def _boxes(plot: Axes, values: dict[str, FloatArray]) -> None:
    """Horizontal boxes from the bottom to the top; whiskers from the 5th to the 95th per cent."""
    if not values:
        return
    drawn = plot.boxplot(
        list(values.values()),
        orientation="horizontal",
        whis=(5, 95),
        widths=0.6,
        patch_artist=True,
        medianprops={"color": "black"},
        flierprops={"marker": ".", "markersize": 2.5, "markeredgecolor": "#999999"},
        tick_labels=list(values),
    )
    for box, method in zip(drawn["boxes"], values, strict=True):
        box.set(facecolor=colour(method), alpha=0.75, linewidth=0.6)
    plot.grid(axis="y", visible=False)
