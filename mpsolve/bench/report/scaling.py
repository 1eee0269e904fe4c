"""Time over the number of layers and over the number of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.bench.contender import CONTENDERS
from mpsolve.bench.report.frame import methods_in
from mpsolve.bench.report.style import figure, line
from mpsolve.bench.result import OVER

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

#: Family -> column of sizes, and its name.
FAMILIES = {"layers": "layers", "candidates": "candidates per layer"}


def families_in(frame: pd.DataFrame) -> list[str]:
    """The families of growing instances of which there are several."""
    return [f for f in FAMILIES if frame.loc[frame["family"] == f, "instance"].nunique() > 1]


def draw_scaling(frame: pd.DataFrame, path: Path) -> None:
    """Median milliseconds on logarithmic axes; a line breaks off where a method does not finish."""
    families = families_in(frame)
    with figure(path, columns=len(families), height=4.8) as axes:
        for plot, family in zip(axes[0], families, strict=True):
            of = frame[frame["family"] == family]
            size = of["candidates"] / of["layers"] if family == "candidates" else of["layers"]
            ended = of["seconds"] < OVER * of["time_limit"]
            of = of.assign(size=size, milliseconds=of["seconds"].where(ended) * 1e3)
            methods = [m for m in methods_in(of) if not CONTENDERS[m].random]
            for method in methods:
                mine = of[of["method"] == method]
                times = mine.groupby("size")["milliseconds"].agg(["median", "count", "size"])
                finished = times["median"].where(times["count"] == times["size"])
                plot.plot(times.index, finished, **line(method, methods))
            sizes = sorted(of["size"].unique())
            plot.set(xscale="log", yscale="log", xlabel=FAMILIES[family])
            plot.set_xticks(sizes, [f"{size:g}" for size in sizes], minor=False)
            plot.set_xticks([], minor=True)
        axes[0, 0].set_ylabel("median milliseconds")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        axes[0, 0].figure.legend(
            handles, labels, frameon=False, loc="outside lower center", ncols=6, fontsize=8
        )
