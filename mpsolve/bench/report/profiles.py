"""Performance profiles, of time and of gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.bench.report.frame import CASE, exact_in, methods_in
from mpsolve.bench.report.style import figure, line

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from mpsolve.typing import FloatArray


def draw_profiles(frame: pd.DataFrame, path: Path) -> None:
    """Two profiles (Dolan and Moré 2002, "Benchmarking optimization software", section 2).

    On the left, the share of the cases that an exact method proves optimal within so many times
    the time of the fastest; a case without a right proof counts as never. On the right, the share
    of the cases in which an answer keeps its budgets and lies within a gap to the optimum.
    """
    with figure(path, columns=2, height=4.6) as axes:
        times, gaps = axes[0]
        exact = exact_in(frame)
        ratios = time_ratios(frame, exact)
        finite = np.concatenate([[1.0], *(r[np.isfinite(r)] for r in ratios.values())])
        for method, values in ratios.items():
            _step(times, values, float(finite.max()), line(method, exact))
        times.set(xscale="log", xlabel="times the seconds of the fastest method")
        times.set_ylabel("share of cases proven optimal")
        shown = [m for m in methods_in(frame) if m not in exact]
        for method in shown:
            gap = frame.loc[frame["method"] == method, "gap"].fillna(np.inf).to_numpy()
            _step(gaps, np.maximum(gap * 100, 1e-3), 1e3, line(method, shown))
        gaps.set(xscale="log", xlabel="gap to the optimum, per cent", xlim=(1e-3, 1e3))
        gaps.set_ylabel("share of cases within the gap")
        for plot in axes[0]:
            plot.set_ylim(0, 1.02)
            if not plot.lines:
                continue
            plot.legend(
                frameon=False,
                fontsize=7.5,
                loc="upper center",
                ncols=3,
                bbox_to_anchor=(0.5, -0.13),
            )


def time_ratios(frame: pd.DataFrame, methods: list[str]) -> dict[str, FloatArray]:
    """Per method and case, its seconds over the least of all.

    Without a right proof it is inf, and nan where the method was not run. Cases that no method
    proves are left out.
    """
    right = frame[frame["method"].isin(methods)]
    seconds = right["seconds"].where(right["solved"], np.inf).fillna(np.inf)
    one = right.assign(seconds=seconds).groupby([*CASE, "method"])["seconds"].median()
    table = one.unstack("method")
    table = table[table.min(axis=1) < np.inf]
    ratio = table.div(table.min(axis=1), axis=0)
    return {m: ratio[m].to_numpy(np.float64) for m in methods if m in ratio}


def _step(plot: Axes, values: FloatArray, end: float, style: dict[str, Any]) -> None:
    values = values[~np.isnan(values)]
    x = np.sort(values[np.isfinite(values)])
    x = np.concatenate([x[:1], x, [end]])
    share = np.arange(len(x)) / max(len(values), 1)
    share[-1] = share[-2] if len(x) > 1 else 0.0
    plot.step(x, share, where="post", **(style | {"marker": ""}))
