"""Pictures of results, drawn by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.analysis.inspect_table import throughput
from mpsolve.errors import InputError
from mpsolve.model.provenance import labelled
from mpsolve.storage.atomic import writing
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mpsolve.fronts.front import Front
    from mpsolve.model.provenance import Provenance
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import FloatArray

#: Single points are marked as long as there are few.
MARKED = 100
#: From this ratio between the largest and the least value on, an axis is logarithmic.
DECADES = 100


def plot_front(
    front: Front, path: str | PathLike[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a front; the parameters are those of `mpsolve.Front.plot`."""
    ax = ax or _new_axes()
    marker = "." if len(front) <= MARKED else ""
    ax.plot(front.x, front.y, drawstyle="steps-post", marker=marker, label=front.summary())
    if front.complete_from is None:
        knee = front.knee_index()
        ax.plot(front.x[knee], front.y[knee], "o", label="knee")
    ax.set_xlabel(_axis(front.x_name, front.x_unit, front.provenance))
    ax.set_ylabel(_axis(front.y_name, front.y_unit, front.provenance))
    if front.y[-1] > 0 and front.y[0] > DECADES * front.y[-1]:
        ax.set_yscale("log")
    ax.set_title(front.source, fontsize="medium")
    ax.legend(fontsize="small")
    if path is not None:
        _save(ax, path)
    return ax


def plot_throughput(
    tables: Sequence[LatencyTable], path: str | PathLike[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the throughput of all layers by precision, as figure 1 of Free Bits does.

    Parameters
    ----------
    tables
        Tables with a column ``macs``; each gets a colour.
    path
        Where to save the picture; its suffix tells the format.
    ax
        Axes to draw on; by default new ones.

    Raises
    ------
    InputError
        If a table does not count MACs, or the file cannot be written.
    """
    rates = [throughput(table) for table in tables]
    for table, own in zip(tables, rates, strict=True):
        if not own:
            raise InputError(f"{table.source} has no column macs, so no throughput to draw.")
    precisions = sorted({t.precision for own in rates for t in own})
    place = {precision: x for x, precision in enumerate(precisions)}
    ax = ax or _new_axes(max(6.4, 1.5 + 0.3 * len(precisions) * len(tables)))
    width = 0.8 / len(tables)
    for i, (table, own) in enumerate(zip(tables, rates, strict=True)):
        xs = [place[t.precision] + (i + 0.5) * width - 0.4 for t in own]
        bottom = [max(t.mean - t.deviation, t.least) for t in own]
        top = [min(t.mean + t.deviation, t.greatest) for t in own]
        colour = f"C{i}"
        ax.vlines(xs, [t.least for t in own], [t.greatest for t in own], color=colour)
        heights = [high - low for low, high in zip(bottom, top, strict=True)]
        ax.bar(xs, heights, width * 0.8, bottom, color=colour, label=table.source)
        ax.plot(xs, [t.mean for t in own], "_", color="white", markersize=width * 12)
    ax.set_xticks(range(len(precisions)), list(map(str, precisions)))
    ax.set_xlabel("precision (input bits / weight bits)")
    ax.set_ylabel(_throughput_label(tables))
    if min(t.least for own in rates for t in own) > 0:
        ax.set_yscale("log")
    ax.set_title("All layers: range, mean, one standard deviation", fontsize="medium")
    ax.legend(fontsize="small")
    if path is not None:
        _save(ax, path)
    return ax


def plot_prediction(
    predicted: FloatArray,
    measured: FloatArray,
    label: str,
    path: str | PathLike[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw measured over predicted losses ``(C,)``.

    Parameters
    ----------
    predicted, measured
        The losses.
    label
        What the legend says.
    path, ax
        As in `plot_throughput`.
    """
    ax = ax or _new_axes()
    ax.plot(predicted, measured, ".", label=label)
    for values, scale in ((predicted, ax.set_xscale), (measured, ax.set_yscale)):
        if values.min() > 0 and values.max() > DECADES * values.min():
            scale("log")
    ax.set_xlabel("predicted: sum of sensitivities")
    ax.set_ylabel("measured: mean loss of the quantised network")
    ax.set_title(f"{len(predicted)} configurations", fontsize="medium")
    ax.legend(fontsize="small")
    if path is not None:
        _save(ax, path)
    return ax


def _throughput_label(tables: Sequence[LatencyTable]) -> str:
    units = {table.units.get("latency", "unit of latency") for table in tables}
    if len(units) > 1:
        raise InputError(f"The latencies have different units ({', '.join(sorted(units))}).")
    provenances = dict.fromkeys(str(table.provenance) for table in tables)
    return f"throughput [MACs per {units.pop()}] ({', '.join(provenances)})"


def new_figure(width: float = 6.4) -> Figure:
    """An empty figure that needs no display."""
    with importing("matplotlib", "plot", "A plot"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    figure = Figure(figsize=(width, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure; the suffix of the file tells the format."""
    undated = {"Date": None} if Path(path).suffix == ".svg" else None
    with writing(path):
        try:
            figure.savefig(path, dpi=150, metadata=undated)
        except ValueError as error:  # matplotlib lists the suffixes that it knows
            raise InputError(f"{path}: {error}.") from None


def _new_axes(width: float = 6.4) -> Axes:
    return new_figure(width).add_subplot()


def _axis(name: str, unit: str, provenance: Provenance) -> str:
    name = labelled(name, provenance)
    return f"{name} [{unit}]" if unit else name


def _save(ax: Axes, path: str | PathLike[str]) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None  # axes that were drawn on belong to one
    save_figure(figure, path)
