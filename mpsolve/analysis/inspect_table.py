"""What a latency table says before anything is solved: gaps, doubts and free bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.building.homogeneous import homogeneous_choice
from mpsolve.errors import InputError
from mpsolve.heuristics.free_bits import FreeBits
from mpsolve.model.precision import Precision
from mpsolve.model.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.model.configuration import Configuration
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import BoolArray, FloatArray, Number

#: Two layers of one type should cost the same; measurements of them may differ by this part.
SAME_TYPE = 0.05


@dataclass(frozen=True, slots=True)
class Inversion:
    """A precision that is higher than another one and yet faster.

    Attributes
    ----------
    layer
        The layer.
    lower, higher
        The two precisions.
    latencies
        Their latencies, in the unit of the table; the second is smaller.
    """

    layer: str
    lower: Precision
    higher: Precision
    latencies: tuple[Number, Number]


@dataclass(frozen=True, slots=True)
class Throughput:
    """MACs per unit of latency of all layers that have a precision (Free Bits, figure 1).

    Attributes
    ----------
    precision
        The precision.
    layers
        How many layers have it.
    least, mean, greatest, deviation
        Over these layers.
    """

    precision: Precision
    layers: int
    least: float
    mean: float
    greatest: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Inspection:
    """What `inspect_table` finds.

    Attributes
    ----------
    table
        The table.
    missing
        Layer -> precisions that other layers have and it lacks.
    contradictions
        Layer types whose layers have latencies that differ by more than `SAME_TYPE`.
    inversions
        All pairs of precisions of a layer of which the higher one is strictly faster.
    useful
        Layer -> precisions that no higher precision of the layer matches in latency. The others
        are never worth their loss.
    start
        The homogeneous precision that Free Bits (Algorithm 1) begins with.
    before
        What each layer has of it; None if some layer has nothing as high.
    raised
        Layer -> the faster precision that Free Bits raises it to.
    saved
        The part of the start's latency that raising saves.
    throughput
        One entry per precision; nothing without a column ``macs``.
    """

    table: LatencyTable
    missing: dict[str, tuple[Precision, ...]]
    contradictions: tuple[str, ...]
    inversions: tuple[Inversion, ...]
    useful: dict[str, tuple[Precision, ...]]
    start: str
    before: Configuration | None
    raised: dict[str, Precision]
    saved: float
    throughput: tuple[Throughput, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "table": self.table.source,
            "provenance": self.table.provenance.value,
            "missing": {layer: list(map(str, p)) for layer, p in self.missing.items()},
            "contradictions": list(self.contradictions),
            "inversions": [
                {
                    "layer": i.layer,
                    "lower": str(i.lower),
                    "higher": str(i.higher),
                    "latencies": list(i.latencies),
                }
                for i in self.inversions
            ],
            "useful": {layer: list(map(str, p)) for layer, p in self.useful.items()},
            "start": self.start,
            "raised": {layer: str(p) for layer, p in self.raised.items()},
            "saved": self.saved,
            "throughput": [
                {
                    "precision": str(t.precision),
                    "layers": t.layers,
                    "least": t.least,
                    "mean": t.mean,
                    "greatest": t.greatest,
                    "deviation": t.deviation,
                }
                for t in self.throughput
            ],
        }


def inspect_table(table: LatencyTable, start: str = FreeBits.default_start) -> Inspection:
    """Look at a latency table.

    Parameters
    ----------
    table
        The table; it needs latencies.
    start
        The homogeneous precision that Free Bits begins with.

    Raises
    ------
    InputError
        If the table has no latencies.
    """
    if "latency" not in table.columns:
        raise InputError(f"{table.source} has no latencies to inspect.")
    before, raised, saved = _free_bits(table, start)
    useful = {}
    inversions: list[Inversion] = []
    for layer, precisions, latency in _layers(table):
        higher = _higher(precisions)
        matched = (higher & (latency <= latency[:, None])).any(axis=1)
        useful[layer] = tuple(precisions[k] for k in np.flatnonzero(matched == 0))
        inversions += [
            Inversion(layer, precisions[i], precisions[j], (latency[i].item(), latency[j].item()))
            for i, j in np.argwhere(higher & (latency < latency[:, None]))
        ]
    return Inspection(
        table=table,
        missing=_missing(table),
        contradictions=_contradictions(table),
        inversions=tuple(inversions),
        useful=useful,
        start=start,
        before=before,
        raised=raised,
        saved=saved,
        throughput=throughput(table),
    )


def throughput(table: LatencyTable) -> tuple[Throughput, ...]:
    """MACs per unit of latency by precision; nothing if the table does not count MACs."""
    if "macs" not in table.columns:
        return ()
    latency = table.columns["latency"]
    timed = latency > 0
    rate: FloatArray = np.divide(
        table.columns["macs"], latency, out=np.zeros(len(latency)), where=timed
    )
    found = []
    for precision in sorted(set(table.precisions)):
        own = np.array([p == precision for p in table.precisions]) & timed
        if own.any():
            rates = rate[own]
            found.append(
                Throughput(
                    precision,
                    len(rates),
                    float(rates.min()),
                    float(rates.mean()),
                    float(rates.max()),
                    float(rates.std()),
                )
            )
    return tuple(found)


def _layers(table: LatencyTable) -> Iterator[tuple[str, tuple[Precision, ...], FloatArray]]:
    for i, layer in enumerate(table.layers):
        own = slice(table.offsets[i], table.offsets[i + 1])
        yield layer, table.precisions[own], table.columns["latency"][own]


def _higher(precisions: tuple[Precision, ...]) -> BoolArray:
    """``(K, K)``: whether the precision of the column is higher than that of the row."""
    bits = np.array([(p.b_in, p.b_wt) for p in precisions], np.float64)
    at_least = (bits[None] >= bits[:, None]).all(axis=2)
    return at_least & (bits[None] != bits[:, None]).any(axis=2)


def _missing(table: LatencyTable) -> dict[str, tuple[Precision, ...]]:
    every = sorted(set(table.precisions))
    gaps = {
        layer: tuple(p for p in every if p not in precisions)
        for layer, precisions, _ in _layers(table)
    }
    return {layer: lacking for layer, lacking in gaps.items() if lacking}


def _contradictions(table: LatencyTable) -> tuple[str, ...]:
    """Layer types that cost more in one layer than in another; a bare kind is no layer type."""
    ranges: dict[tuple[str, Precision], tuple[float, float]] = {}
    for (_, precisions, latency), layer_type in zip(_layers(table), table.layer_types, strict=True):
        if not any(c.isdigit() for c in layer_type):
            continue
        for precision, value in zip(precisions, latency.tolist(), strict=True):
            low, high = ranges.get((layer_type, precision), (value, value))
            ranges[layer_type, precision] = min(low, value), max(high, value)
    differing = (key[0] for key, (low, high) in ranges.items() if high > low * (1 + SAME_TYPE))
    return tuple(dict.fromkeys(differing))


def _free_bits(
    table: LatencyTable, start: str
) -> tuple[Configuration | None, dict[str, Precision], float]:
    """The homogeneous start, the layers that Free Bits raises, and the part it saves."""
    problem = Problem.from_table(table)
    begin_with = Precision.among(start, table.precisions)
    try:
        begin, _ = homogeneous_choice(problem, begin_with)
    except InputError:  # some layer has nothing as high
        return None, {}, 0.0
    before = problem.configuration(begin)
    choice, _ = FreeBits().run(problem, before, strict=True)
    after = problem.configuration(choice)
    latency = problem.costs["latency"]
    total = float(latency[problem.flat(begin)].sum())
    saved = 1 - float(latency[problem.flat(choice)].sum()) / total if total else 0.0
    return before, {name: p for name, p in after.items() if p != before[name]}, saved
