"""What is to be said about a latency table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.report.tables.text import labelled, new_table, number, percentage, plain

if TYPE_CHECKING:
    from rich.table import Table

    from mpsolve.analysis.inspect_table import Inspection

#: So many layers or pairs are named; of the others only their number.
NAMED = 6


def inspection_sentences(inspection: Inspection) -> tuple[str, ...]:
    """One sentence per thing that was looked for, whether it was found or not."""
    table = inspection.table
    latency = labelled("latency", table.provenance)
    return (
        _completeness(inspection),
        *(
            f"Layers of type {name} differ in their {latency}; check their rows."
            for name in inspection.contradictions
        ),
        _inversions(inspection),
        _raised(inspection, latency),
    )


def _completeness(inspection: Inspection) -> str:
    every = len(set(inspection.table.precisions))
    if not inspection.missing:
        return f"Complete: every layer has all {every} precisions."
    lacking: dict[str, list[str]] = {}
    for layer, precisions in inspection.missing.items():
        lacking.setdefault(", ".join(map(str, precisions)), []).append(layer)
    parts = (f"{_some(layers)} without {what}" for what, layers in lacking.items())
    return f"Of {every} precisions some layers lack some: {'; '.join(parts)}."


def _inversions(inspection: Inspection) -> str:
    if not inspection.inversions:
        return "Monotone: no precision is slower than a higher one."
    layers = list(dict.fromkeys(i.layer for i in inspection.inversions))
    worst = max(inspection.inversions, key=lambda i: i.latencies[0] / max(i.latencies[1], 1e-300))
    factor = worst.latencies[0] / worst.latencies[1] if worst.latencies[1] else float("inf")
    return (
        f"Not monotone: in {_some(layers)} some precision is slower than a higher one, at most "
        f"{number(factor, 3)} times as slow ({worst.lower} against {worst.higher} in "
        f"{worst.layer})."
    )


def _raised(inspection: Inspection, latency: str) -> str:
    start, layers = inspection.start, len(inspection.table.layers)
    if inspection.before is None:
        return f"Free Bits has no start: some layer has no precision at or above {start}."
    if not inspection.raised:
        return f"No free bits from {start}: no higher precision is faster."
    return (
        f"Free bits: from {start}, {len(inspection.raised)} of {layers} layers rise to a faster "
        f"precision, which saves {percentage(inspection.saved)} of the {latency}."
    )


def _some(layers: list[str]) -> str:
    if len(layers) <= NAMED:
        return ", ".join(layers)
    return f"{', '.join(layers[: NAMED - 1])} and {len(layers) - NAMED + 1} more"


def inspection_table(inspection: Inspection) -> Table:
    """One row per layer: what is worth having, and what Free Bits makes of it."""
    table = inspection.table
    shown = new_table()
    shown.add_column("layer", overflow="fold")
    typed = any(table.layer_types)
    if typed:
        shown.add_column("type", overflow="fold")
    shown.add_column("candidates", justify="right", no_wrap=True)
    shown.add_column("worth their latency", overflow="fold")
    shown.add_column("free bits", no_wrap=True)
    for i, layer in enumerate(table.layers):
        raised = inspection.raised.get(layer)
        before = inspection.before[layer] if inspection.before is not None else None
        shown.add_row(
            plain(layer),
            *([plain(table.layer_types[i])] if typed else []),
            str(table.offsets[i + 1] - table.offsets[i]),
            plain(", ".join(map(str, inspection.useful[layer]))),
            plain(f"{before} -> {raised}" if raised else ""),
        )
    return shown


def throughput_table(inspection: Inspection) -> Table:
    """One row per precision: MACs per unit of latency over all layers."""
    table = inspection.table
    shown = new_table()
    shown.add_column("precision", no_wrap=True)
    unit = table.units.get("latency", "")
    label = f"MACs per {unit}" if unit else "MACs per unit of latency"
    for header in ("layers", "least", f"{label}\nmean", "greatest", "deviation"):
        shown.add_column(header, justify="right", no_wrap=True)
    for t in inspection.throughput:
        figures = (t.least, t.mean, t.greatest, t.deviation)
        shown.add_row(str(t.precision), str(t.layers), *(number(f, 4) for f in figures))
    return shown
