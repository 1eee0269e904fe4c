"""Colours, line styles and sizes that all plots share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mpsolve.bench.contender import CONTENDERS, Kind
from mpsolve.report.plots import save_figure
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Per kind, the shades of its methods in turn.
SHADES = {
    Kind.OURS: ("#08306b", "#2f7fc1"),
    Kind.GENERAL: ("#1d91c0", "#41b6c4", "#7fcdbb", "#5e7fd6"),
    Kind.HEURISTIC: ("#d94801", "#f79646", "#8c2d04", "#e0b000"),
    Kind.BASELINE: ("#238b45", "#00441b", "#7cc46a", "#5f9e8f", "#a6b84a"),
    Kind.RAW: ("#252525", "#636363", "#8f8f8f", "#b5b5b5"),
    Kind.PEER: ("#7a0177", "#c51b8a", "#f768a1", "#a05a8c"),
}
#: Methods of one kind differ by these.
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKERS = "osD^vPX"
#: Inches.
WIDTH = 9.0


def colour(method: str) -> str:
    """The colour of the kind that a method belongs to."""
    return SHADES[CONTENDERS[method].kind][0]


def line(method: str, methods: Iterable[str]) -> dict[str, Any]:
    """Colour, dashes and marker of a method among those that are drawn."""
    kind = CONTENDERS[method].kind
    position = [m for m in methods if CONTENDERS[m].kind is kind].index(method)
    return {
        "color": SHADES[kind][position % len(SHADES[kind])],
        "linestyle": DASHES[position % len(DASHES)],
        "marker": MARKERS[position % len(MARKERS)],
        "markersize": 3.5,
        "linewidth": 1.4,
        "label": method,
    }


def legend_of_kinds(axes: Axes, methods: Iterable[str]) -> None:
    """A legend below the axes with one patch per kind."""
    from matplotlib.patches import Patch

    kinds = dict.fromkeys(CONTENDERS[m].kind for m in methods)
    patches = [Patch(color=SHADES[kind][0], label=kind.value) for kind in Kind if kind in kinds]
    axes.figure.legend(handles=patches, frameon=False, loc="outside lower center", ncols=3)


@contextmanager
def figure(path: Path, rows: int = 1, columns: int = 1, height: float = 4.0) -> Iterator[Any]:
    """A picture with ``rows`` x ``columns`` axes, which the body draws.

    Raises
    ------
    InputError
        If the file cannot be written, or its suffix means nothing.
    MissingDependencyError
        If matplotlib is not installed.
    """
    require("matplotlib", "bench", "The report")
    import matplotlib as mpl

    settings: Any = {
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e4e4e4",
        "axes.axisbelow": True,
        "svg.hashsalt": "mpsolve",
        "svg.fonttype": "none",
    }
    with mpl.rc_context(settings):
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure as Canvas

        drawn: Figure = Canvas(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(drawn)
        yield drawn.subplots(rows, columns, squeeze=False)
        save_figure(drawn, path)
