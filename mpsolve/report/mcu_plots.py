"""Pictures: what is in RAM node by node, and the least loss over both limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.mcu.devices import DEVICES
from mpsolve.mcu.steps import ROLES
from mpsolve.report.plots import DECADES, new_figure, save_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from matplotlib.axes import Axes

    from mpsolve.mcu.steps import Step
    from mpsolve.mcu.surfaces import Surface

KIB = 1024
#: So that text is read over lines and colours.
_BEHIND_TEXT = {"boxstyle": "round,pad=0.15", "fc": "white", "alpha": 0.75, "lw": 0}
_COLOURS = {"input": "#6baed6", "output": "#08519c", "skip": "#fd8d3c"}
_LABELS = {"input": "input", "output": "output", "skip": "kept for later (skip)"}
#: Inches per node, and how wide a picture becomes at most.
_BAR, _WIDEST = 0.16, 24.0


def plot_memory_map(
    steps: Sequence[Step],
    limit: int | None = None,
    title: str = "",
    path: str | PathLike[str] | None = None,
) -> Axes:
    """Draw one bar per node against the limit.

    Parameters
    ----------
    steps
        What `mpsolve.mcu.memory_map` found.
    limit
        Bytes of RAM.
    title
        Above the picture.
    path
        The file to write.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    InputError
        If the file cannot be written.
    """
    figure = new_figure(min(max(6.4, 1.5 + _BAR * len(steps)), _WIDEST))
    ax = figure.add_subplot()
    bottom = np.zeros(len(steps))
    for role in ROLES:
        sizes = np.array([step.of(role) for step in steps]) / KIB
        if sizes.any():
            ax.bar(range(len(steps)), sizes, 0.8, bottom, color=_COLOURS[role], label=_LABELS[role])
        bottom += sizes
    peak = int(np.argmax(bottom))
    ax.annotate(
        f"{steps[peak].bytes:,} byte",
        (peak, bottom[peak]),
        (0, 3),
        textcoords="offset points",
        ha="center",
        fontsize="x-small",
        bbox=_BEHIND_TEXT,
    )
    if limit is not None:
        ax.axhline(limit / KIB, color="#cb181d", linewidth=1, label=f"limit {limit:,} byte")
    ax.set_ylim(0, 1.12 * max(bottom.max(), (limit or 0) / KIB))
    ax.set_xticks(range(len(steps)), [step.node for step in steps], rotation=90, fontsize=6)
    ax.set_xlim(-0.8, len(steps) - 0.2)
    ax.set_ylabel("RAM [KiB]")
    ax.set_title(title, fontsize="medium")
    below = 0.87 if limit is not None else 1.0  # the line of the limit stays free
    ax.legend(fontsize="small", loc="upper right", bbox_to_anchor=(1.0, below))
    if path is not None:
        save_figure(figure, path)
    return ax


def plot_surface(
    found: Surface,
    path: str | PathLike[str] | None = None,
    marked: tuple[int, int] | None = None,
) -> Axes:
    """Draw the least loss over both limits, hatched where nothing fits, and devices within.

    A colour holds from its limits up to the next ones. ``marked`` is a pair of limits to point out;
    the other parameters are those of `plot_memory_map`.
    """
    from matplotlib.colors import LogNorm

    figure = new_figure(7.4)
    ax = figure.add_subplot()
    ax.patch.set(facecolor="#f0f0f0", edgecolor="#b0b0b0", hatch="///", linewidth=0)
    edges = [_edges(limits / KIB) for limits in (found.rom, found.ram)]
    loss = np.ma.masked_invalid(found.loss.T)
    finite = found.loss[np.isfinite(found.loss)]
    wide = finite.size and finite.min() > 0 and finite.max() > DECADES * finite.min()
    if finite.size:
        norm = LogNorm() if wide else None
        mesh = ax.pcolormesh(edges[0], edges[1], loss, cmap="viridis_r", norm=norm)
        figure.colorbar(mesh, ax=ax, label=f"least {found.loss_name}")
    if finite.size < found.loss.size:
        ax.fill([], [], facecolor="#f0f0f0", edgecolor="#b0b0b0", hatch="///", label="nothing fits")
    _devices(ax, edges, marked)
    ax.set_xlim(edges[0][0], edges[0][-1])
    ax.set_ylim(edges[1][0], edges[1][-1])
    ax.set_xlabel("ROM [KiB]")
    ax.set_ylabel("RAM [KiB]")
    ax.set_title(f"{found.network.name}: least loss within ROM and RAM", fontsize="medium")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize="small", loc="upper right")
    if path is not None:
        save_figure(figure, path)
    return ax


def _edges(limits: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """The limits, and as much space for the last as the one before has."""
    last = limits[-1] - limits[-2] if len(limits) > 1 else 0.1 * limits[-1]
    return [*limits.tolist(), float(limits[-1] + last)]


def _devices(ax: Axes, edges: list[list[float]], marked: tuple[int, int] | None) -> None:
    """Mark the devices, and the pair that was asked for, that lie in the picture."""
    places: dict[tuple[float, float], list[str]] = {}
    for device in DEVICES:
        if device.rom is not None:
            places.setdefault((device.rom / KIB, device.ram / KIB), []).append(device.name)
    if marked:
        places.setdefault((marked[0] / KIB, marked[1] / KIB), []).append("given limits")
    for (rom, ram), names in places.items():
        if edges[0][0] <= rom <= edges[0][-1] and edges[1][0] <= ram <= edges[1][-1]:
            ax.plot(rom, ram, "o", color="white", markeredgecolor="black", markersize=6)
            right = 2 * rom > edges[0][0] + edges[0][-1]  # there the text goes to the left
            ax.annotate(
                ", ".join(names),
                (rom, ram),
                (-7 if right else 7, -11 if "given limits" in names else 4),
                textcoords="offset points",
                ha="right" if right else "left",
                fontsize="x-small",
                bbox=_BEHIND_TEXT,
            )
