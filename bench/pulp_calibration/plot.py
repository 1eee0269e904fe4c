"""Published against modelled figures, with what holding out does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.pulp_calibration.fit import PUBLISHED
from bench.pulp_calibration.published import FIGURES
from mpsolve.bench.report.style import figure

if TYPE_CHECKING:
    from pathlib import Path

    from bench.pulp_calibration.results import Results


def plot(results: Results, path: Path) -> None:
    """Draw one line per figure, to a file whose suffix says how."""
    with figure(path, height=4.6) as axes:
        _draw(axes[0, 0], results)


def _draw(axes: Any, results: Results) -> None:
    places = np.arange(len(FIGURES))[::-1]
    if results.pairs is not None:
        held_out = PUBLISHED[:, None] + results.pairs
        low, high = np.nanmin(held_out, 1), np.nanmax(held_out, 1)
        label = "modelled, held out with another: range"
        axes.hlines(places, low, high, color="#9ecae1", linewidth=7, label=label)
    axes.plot(
        results.prior, places, "o", color="#d94801", fillstyle="none", label="modelled, a priori"
    )
    axes.plot(results.calibrated, places, "o", color="#08306b", label="modelled, calibrated")
    axes.plot(PUBLISHED, places, "|", color="black", markersize=15, label="published (Free Bits)")
    axes.axvline(0, color="#636363", linewidth=0.8)
    axes.set_yticks(places, [str(f) for f in FIGURES])
    axes.set_xlabel("change of network latency against 8b/8b in per cent, modelled or published")
    axes.figure.legend(frameon=False, loc="outside lower center", ncols=2)
