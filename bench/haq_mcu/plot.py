"""The results as a picture: compression beside the paper's, and how far the rule is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.haq_mcu.setting import LOSSES
from mpsolve.bench.report.style import figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.haq_mcu.result import Result

COLOURS = {"optimum": "#08306b", "rule": "#d94801", "paper": "#8f8f8f"}
SHADES = ("#d94801", "#f79646")


def plot(results: Sequence[Result], path: Path) -> None:
    """Draw results under one pair of limits, to a file whose suffix says how."""
    shown = [result for result in results if result.loss == LOSSES[0]]
    names = [result.case.name.replace(" ", "\n") for result in shown]
    with figure(path, rows=3, height=7.5) as axes:
        weights, activations, gaps = axes[:, 0]
        _compression(weights, shown, "weights")
        _compression(activations, shown, "activations")
        _gaps(gaps, results)
        for ax in (weights, activations, gaps):
            ax.set_xticks(range(len(names)), names if ax is gaps else (), fontsize="small")


def _compression(ax: Axes, results: Sequence[Result], what: str) -> None:
    """Three bars per network: optimum, rule, paper."""
    for k, (who, colour) in enumerate(COLOURS.items()):
        values = []
        for result in results:
            answer = {"optimum": result.optimum, "rule": result.rule, "paper": result.case}[who]
            values.append(getattr(answer, what) if answer else float("nan"))
        label = f"optimum ({LOSSES[0]})" if who == "optimum" else who
        bars = ax.bar([i + (k - 1) * 0.27 for i in range(len(values))], values, 0.25, label=label)
        for bar in bars:
            bar.set_color(colour)
        ax.bar_label(bars, fmt="%.1f", fontsize="x-small")
    ax.set_ylabel(f"{what} [x]")
    ax.set_ylim(0, 1.15 * ax.get_ylim()[1])
    ax.legend(fontsize="small", ncols=3, loc="upper right")


def _gaps(ax: Axes, results: Sequence[Result]) -> None:
    """How far the rule lies above the optimum, for both proxies."""
    for k, loss in enumerate(LOSSES):
        own = [result for result in results if result.loss == loss]
        gaps = [float("nan") if r.gap is None else 100 * r.gap for r in own]
        bars = ax.bar([i + (k - 0.5) * 0.36 for i in range(len(gaps))], gaps, 0.34, label=loss)
        for bar in bars:
            bar.set_color(SHADES[k])
        ax.bar_label(bars, fmt="%.0f", fontsize="x-small")
    ax.set_yscale("log")
    ax.set_ylim(top=3 * ax.get_ylim()[1])
    ax.set_ylabel("rule above optimum [%]")
    ax.legend(fontsize="small", ncols=2, loc="upper left")
