"""Pictures of results, drawn by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import InputError, MissingDependencyError
from mpsolve.profiles.table import labelled

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes

    from mpsolve.front import Front
    from mpsolve.profiles.table import Provenance

#: Single points are marked as long as there are few.
MARKED = 100
#: From this ratio between the largest and the least value on, an axis is logarithmic.
DECADES = 100


def plot_front(
    front: Front, path: str | PathLike[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a front; the parameters are those of `mpsolve.Front.plot`."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingDependencyError("matplotlib", "plot", "A plot") from error
    if ax is None:
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
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


def _axis(name: str, unit: str, provenance: Provenance) -> str:
    name = labelled(name, provenance)
    return f"{name} [{unit}]" if unit else name


def _save(ax: Axes, path: str | PathLike[str]) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None  # axes that were drawn on belong to one
    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:  # matplotlib lists the suffixes that it knows
        raise InputError(f"{path}: {error}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
