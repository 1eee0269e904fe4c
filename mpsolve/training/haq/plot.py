"""A search as a picture, after figure 3 of ITEM 2020."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.report.plots import new_figure, save_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mpsolve.training.haq.episodes import Episode, HaqResult
    from mpsolve.typing import IntArray

WIDTH, ROW_HEIGHT = 9.0, 3.2
OPERANDS = {"b_wt": "weights", "b_in": "input activations"}


def plot_haq(result: HaqResult, path: str | PathLike[str] | None = None) -> Figure:
    """Draw the bits of every layer by episode, of the present and of the best configuration.

    Below them stands the memory by episode, with its limits. Of two searches one follows the other.

    Parameters
    ----------
    result
        What `search_haq` returned.
    path
        Where to save the picture; its suffix tells the format.

    Raises
    ------
    InputError
        If there is no episode to draw, or the file cannot be written.
    """
    episodes = result.episodes
    if not episodes:
        raise InputError("There is no complete episode to draw.")
    best = [episodes[i] for i in best_so_far(episodes)]
    searched = {operand for stage in result.searched for operand in stage}
    shown = [
        b for b, operand in (("b_wt", "weight"), ("b_in", "activation")) if operand in searched
    ]
    figure = new_figure(WIDTH)
    figure.set_figheight(ROW_HEIGHT * (len(shown) + 1))
    axes = figure.subplots(len(shown) + 1, 2, squeeze=False)
    for row, bits in zip(axes, shown, strict=False):
        for ax, own, whose in zip(row, (episodes, best), ("present", "best"), strict=True):
            _bits(ax, own, bits, f"{OPERANDS[bits]}, {whose} configuration")
    for ax, memory, limit in zip(axes[-1], ("rom", "ram"), (result.rom, result.ram), strict=True):
        _memory(ax, episodes, best, memory, limit)
    if path is not None:
        save_figure(figure, path)
    return figure


def best_so_far(episodes: Sequence[Episode]) -> IntArray:
    """For every episode, the place of the best one of its search until then: ``(E,)``."""
    places: list[int] = []
    for i, episode in enumerate(episodes):
        before = places[-1] if places and episodes[i - 1].stage == episode.stage else i
        places.append(i if episode.reward > episodes[before].reward else before)
    return np.array(places, np.int64)


def _bits(ax: Axes, episodes: Sequence[Episode], bits: str, title: str) -> None:
    from matplotlib.colors import BoundaryNorm

    table = np.array(
        [[getattr(p, bits) for p in episode.configuration.values()] for episode in episodes]
    )
    widths = sorted(set(np.unique(table)) | {2, 4, 8})
    edges = [widths[0] - 1, *((a + b) / 2 for a, b in pairwise(widths))]
    norm = BoundaryNorm([*edges, widths[-1] + 1], 256)
    image = ax.imshow(table, cmap="viridis", norm=norm, aspect="auto", interpolation="nearest")
    figure = ax.get_figure(root=True)
    assert figure is not None  # axes of a figure
    bar = figure.colorbar(image, ax=ax, ticks=widths)
    bar.set_ticklabels([f"{width:g}" for width in widths])
    ax.set_title(title, fontsize="medium")
    ax.set_xlabel("layer")
    ax.set_ylabel("episode")


def _memory(
    ax: Axes,
    episodes: Sequence[Episode],
    best: Sequence[Episode],
    memory: str,
    limit: int | None,
) -> None:
    for own, label in ((episodes, "present"), (best, "best")):
        used = [getattr(episode, memory) / 1000 for episode in own]
        ax.plot(range(1, len(used) + 1), used, linewidth=1, label=label)
    if limit is not None:
        ax.axhline(limit / 1000, color="black", linestyle="--", linewidth=1, label="limit")
    ax.set_title(f"{memory.upper()}{' (peak)' if memory == 'ram' else ''}", fontsize="medium")
    ax.set_xlabel("episode")
    ax.set_ylabel("kB")
    ax.legend(fontsize="small")
