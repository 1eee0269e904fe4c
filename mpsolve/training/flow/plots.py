"""The figures of a flow, drawn by matplotlib: those of Free Bits, with exact optima."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from mpsolve.model.provenance import labelled
from mpsolve.report.plots import new_figure, save_figure
from mpsolve.training.flow.fronts import at_budgets, budgets_of, families, front
from mpsolve.training.flow.points import AS_FOUND, FREE_BITS, HOMOGENEOUS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from mpsolve.training.flow.outcome import FlowResult, Row

#: Kind of a start -> colour, and name.
COLOURS = {
    HOMOGENEOUS: "0.35",
    "bayesian-bits": "C0",
    "bayesian-bits-locked": "C1",
    "edmips": "C2",
}
NAMES = {
    HOMOGENEOUS: HOMOGENEOUS,
    "bayesian-bits": "Bayesian Bits",
    "bayesian-bits-locked": "locked Bayesian Bits",
    "edmips": "EdMIPS",
}
FAMILY_STYLES = {
    "homogeneous": ("0.6", "s"),
    "search alone": ("C4", "x"),
    "Free Bits": ("C0", "o"),
    "greedy increase": ("C2", "^"),
    "greedy decrease": ("C1", "v"),
    "no search": ("C5", "d"),
}
EXACT_STYLES = (("C3", "*"), ("C6", "P"), ("C8", "X"), ("C9", "p"))


def plot_flow(result: FlowResult, folder: Path) -> list[Path]:
    """Draw all figures.

    Returns
    -------
    ``free-bits.svg``: every configuration that a search found, before and after Free Bits (Free
    Bits, figures 2a and 3). ``fronts.svg``: what every method delivers for a latency (figure 2b).
    ``modifications.svg``: what Free Bits changes, layer by layer (figure 4b).

    Raises
    ------
    MissingDependencyError
        Without matplotlib.
    """
    drawn = []
    for name, draw in (
        ("free-bits", _free_bits),
        ("fronts", _fronts),
        ("modifications", _modifications),
    ):
        targets = result.settings.targets
        figure = new_figure(6.4 * len(targets))
        for i, target in enumerate(targets):
            draw(result, target, figure.add_subplot(1, len(targets), i + 1))
        save_figure(figure, folder / f"{name}.svg")
        drawn.append(folder / f"{name}.svg")
    return drawn


def _free_bits(result: FlowResult, target: str, ax: Axes) -> None:
    """Figure 2a: arrows from a configuration to what Free Bits makes of it."""
    seed = result.settings.seeds[0]
    rows = [row for row in result.of(target, seed) if row.tuned]
    after = {row.point.source: row for row in rows if row.point.method == FREE_BITS}
    seen: set[str] = set()
    for row in rows:
        if row.point.method != AS_FOUND or row.tuned is None:
            continue
        kind, better = row.point.kind, after.get(row.point.source)
        colour = COLOURS[kind]
        here = (row.relative, 100 * row.tuned.test_accuracy)
        label = "" if kind in seen else NAMES[kind]
        seen.add(kind)
        ax.plot(*here, "o", mfc="white", mec=colour, label=label and f"{label}, as found")
        if better and better.tuned:
            there = (better.relative, 100 * better.tuned.test_accuracy)
            ax.plot(*there, "o", color=colour, label=label and f"{label}, Free Bits")
            if there != here:
                arrow = {"arrowstyle": "->", "color": "0.7", "shrinkA": 3, "shrinkB": 3}
                ax.annotate("", there, here, arrowprops=arrow)
        if kind == HOMOGENEOUS:
            ax.annotate(row.point.source, here, (4, 4), textcoords="offset points", fontsize=8)
    best = front([row for row in rows if row.point.method in (AS_FOUND, FREE_BITS)])
    xs = [row.relative for row in best]
    ys = [100 * row.tuned.test_accuracy for row in best if row.tuned]
    ax.plot(xs, ys, "-", color="0.85", zorder=0, label="front by validation accuracy")
    _full_precision(result, ax, [seed])
    _label(result, target, ax, f"{result.settings.name} on {target}, seed {seed}")


def _fronts(result: FlowResult, target: str, ax: Axes) -> None:
    """Figure 2b: what every method delivers for a latency, over the seeds."""
    reference = result.of(target)[0].reference
    xs = [latency / reference for latency in budgets_of(result, target).values()]
    exact = iter(EXACT_STYLES * len(families(result)))
    for i, name in enumerate(families(result)):
        colour, marker = FAMILY_STYLES.get(name) or next(exact)
        spreads = list(at_budgets(result, target, name).values())
        shift = 0.0006 * (i - 3) * (len(result.settings.seeds) > 1)  # so that bars stay apart
        known = [(x + shift, s) for x, s in zip(xs, spreads, strict=True) if s]
        strong = name.startswith("exact")
        ax.errorbar(
            [x for x, _ in known],
            [100 * s.mean for _, s in known],
            [100 * (s.deviation or 0) for _, s in known],
            color=colour,
            marker=marker,
            markersize=10 if strong else 5,
            linewidth=2 if strong else 1,
            elinewidth=0.6,
            capsize=2 if len(result.settings.seeds) > 1 else 0,
            zorder=3 if strong else 2,
            label=name,
        )
    _full_precision(result, ax, result.settings.seeds)
    count = len(result.settings.seeds)
    title = f"{result.settings.name} on {target}, {count} seed{'s' * (count > 1)}"
    _label(result, target, ax, title)


def _modifications(result: FlowResult, target: str, ax: Axes) -> None:
    """Figure 4b: bits of every layer of the configuration that Free Bits changes most."""
    rows = result.of(target, result.settings.seeds[0])
    after = {row.point.source: row for row in rows if row.point.method == FREE_BITS}
    starts = [row for row in rows if row.point.method == AS_FOUND]
    found = [row for row in starts if not row.homogeneous] or starts
    before = max(found, key=lambda row: _changes(row, after[row.point.source]))
    better = after[before.point.source]
    layers = list(before.point.configuration)
    for name, colour, shift in (("b_in", "C0", -0.12), ("b_wt", "C1", 0.12)):
        label = "input activations" if name == "b_in" else "weights"
        xs = [i + shift for i in range(len(layers))]
        old = [getattr(before.point.configuration[layer], name) for layer in layers]
        new = [getattr(better.point.configuration[layer], name) for layer in layers]
        for x, low, high in zip(xs, old, new, strict=True):
            if low != high:
                arrow = {"arrowstyle": "->", "color": colour}
                ax.annotate("", (x, high), (x, low), arrowprops=arrow)
        ax.plot(xs, old, "o", mfc="white", mec=colour, label=f"{label}, as found")
        ax.plot(xs, new, "o", color=colour, markersize=4, label=f"{label}, after Free Bits")
    ax.set_yscale("log", base=2)
    ax.set_yticks([2, 4, 8], ["2", "4", "8"])
    ax.set_ylim(1.7, 13)
    ax.set_ylabel("bits")
    ax.set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
    ax.set_title(f"{before.point.source} on {target}", fontsize="medium")
    ax.legend(fontsize="x-small", ncols=2, loc="upper center")


def _changes(before: Row, after: Row) -> int:
    """In how many layers two configurations differ."""
    new = after.point.configuration
    return sum(new[layer] != precision for layer, precision in before.point.configuration.items())


def _full_precision(result: FlowResult, ax: Axes, seeds: Sequence[int]) -> None:
    mean = fmean(result.floats[seed]["test_accuracy"] for seed in seeds)
    ax.axhline(100 * mean, color="0.8", linestyle=":", zorder=0, label="full precision")


def _label(result: FlowResult, target: str, ax: Axes, title: str) -> None:
    latency = labelled("latency", result.tables[target].provenance)
    ax.set_xlabel(f"{latency}, relative to 8b/8b")
    ax.set_ylabel("test accuracy [%]")
    ax.set_title(title, fontsize="medium")
    ax.legend(fontsize="x-small")
