"""The results as a table and as sentences, for the terminal and for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.report.page import Table

if TYPE_CHECKING:
    from bench.cpu_table.result import Result, Row

HEADERS = (
    "configuration",
    "float32 / int8 / few bits",
    "conversions",
    "loss",
    "layers [us]",
    "conversions [us]",
    "predicted [us]",
    "measured [us]",
    "measured / predicted",
    "predicted / float32",
    "measured / float32",
)
NOTES = (
    "0.75x: the least loss, proven, whose predicted latency is at most 0.75 times that of the "
    "float32 network. fastest: the least predicted latency. random: layers draw float32 or int8.",
    "layers alone: the solver did not know what conversions cost; the prediction does.",
    "loss: the proxy noise-macs, 4^-b_in + 4^-b_wt of every layer weighted by its MACs, which "
    "takes float32 for exact. It knows nothing of the network's accuracy.",
    "layers: the sum of kernels that were measured one by one. conversions: of tensors between "
    "layers of different precision, measured by themselves. measured: the whole network in one "
    "model, median and standard error.",
    "Adders and pools are in no prediction. Activation functions are left out everywhere.",
)


def cells(row: Row, reference: Row) -> tuple[str, ...]:
    """A row in the columns of `HEADERS`."""
    return (
        row.name,
        f"{row.float32} / {row.int8} / {row.few_bits}",
        f"{row.conversions}",
        f"{row.loss:,.0f}",
        f"{row.layers_us:,.0f}",
        f"{row.conversions_us:,.0f}",
        f"{row.predicted_us:,.0f}",
        f"{row.measured_us:,.0f} +- {row.error_us:,.0f}",
        f"{ratio(row.measured_us, row.predicted_us):.3f}",
        f"{ratio(row.predicted_us, reference.predicted_us):.3f}",
        f"{ratio(row.measured_us, reference.measured_us):.3f}",
    )


def ratio(latency: float, other: float) -> float:
    """Infinite where the other is 0: layers that take less than the noise of a busy machine."""
    return latency / other if other > 0 else float("inf")


def table(result: Result) -> Table:
    """All rows; the first is the reference."""
    return Table(HEADERS, tuple(cells(row, result.rows[0]) for row in result.rows))


def ratios(result: Result) -> str:
    """How well latencies add up, with and without conversions, in one sentence."""
    with_, without = (
        np.array([ratio(row.measured_us, p) for row, p in zip(result.rows, parts, strict=True)])
        for parts in (
            [row.predicted_us for row in result.rows],
            [row.layers_us for row in result.rows],
        )
    )
    return (
        f"Over all {len(with_)} configurations, the whole network takes {with_.min():.2f} to "
        f"{with_.max():.2f} times the sum of its layers and conversions (median "
        f"{np.median(with_):.2f}), and {without.min():.2f} to {without.max():.2f} times the sum of "
        "its layers alone."
    )


def kept(result: Result) -> str:
    """Which budgets the measured networks keep, relative to the measured float32 network."""
    reference = result.rows[0].measured_us
    parts = []
    for aware in (True, False):
        solved = [row for row in result.rows if row.budget is not None and row.aware is aware]
        inside = [r for r in solved if r.measured_us <= (r.budget or 0) * reference]
        who = "with conversions" if aware else "from layers alone"
        if solved:
            parts.append(f"{len(inside)} of {len(solved)} solved {who}")
    if not parts:
        return ""
    return (
        f"Measured against the measured float32 network, budgets are kept by {' and '.join(parts)}."
    )


def slower(result: Result) -> str:
    """Layer types that lose by int8, in one sentence."""
    if not result.slower:
        return "No layer type is slower in int8 than in float32."
    shown = ", ".join(f"{name} ({f:.0f} and {i:.0f} us)" for name, f, i in result.slower[:6])
    return (
        f"{len(result.slower)} layer types are slower in int8 than in float32; those that lose "
        f"most, with both latencies: {shown}."
    )


def load(result: Result) -> str:
    """How busy the machine was."""
    before, after = result.load
    return (
        f"The machine is shared: on average {before:.2f} processes wanted a core in the minute "
        f"before and {after:.2f} in the last minute, this measurement among the latter. All was "
        "measured in turn, in several passes; the values are medians."
    )


def sentences(result: Result) -> list[str]:
    """What the columns mean, and what the rows say."""
    return [*NOTES, *filter(None, (ratios(result), kept(result), slower(result)))]


def page(result: Result, command: str, picture: str = "") -> str:
    """The whole page, with the picture of this name beside it."""
    parts = [
        f"# {result.network} on a CPU: layers measured, networks measured",
        "Every layer type was measured in every precision that ONNX Runtime really computes here, "
        "the network was solved at several budgets, and the answers were built and run as whole "
        "networks.",
        f"Made by `{command}` on {result.record}. {load(result)}",
        table(result).markdown(),
        *([f"![Predicted and measured latency]({picture})"] if picture else []),
        "\n".join(f"- {note}" for note in NOTES),
        *filter(None, (ratios(result), kept(result), slower(result))),
    ]
    return "\n\n".join(parts) + "\n"
