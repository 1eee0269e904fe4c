"""Networks on microcontrollers, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.mcu.fitting import rule_fits
from mpsolve.model.solution import Status
from mpsolve.report.tables.text import column, new_table, number, percentage, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mpsolve.mcu import Device, Fit, Surface

NONE = "-"


def device_list(devices: Sequence[Device]) -> Table:
    """One row per microcontroller."""
    table = new_table()
    table.add_column("device", no_wrap=True)
    table.add_column("chip", no_wrap=True)
    for header in ("ROM [byte]", "RAM [byte]"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    for device in devices:
        rom = "external" if device.rom is None else number(device.rom)
        table.add_row(device.name, device.chip, rom, number(device.ram), device.source)
    return table


def fit_table(fits: Sequence[Fit]) -> Table:
    """One row per network: whether it fits, with what loss and memory, and what the rule does."""
    table = new_table()
    table.add_column("network", no_wrap=True)
    table.add_column("fits", no_wrap=True)
    headers = ("loss", "rule", "ROM [byte]", "RAM [byte]", "weights [bit]", "activations [bit]")
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("tightest node", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    seconds = column([round(fit.seconds, 3) for fit in fits])
    for fit, took in zip(fits, seconds, strict=True):
        used = fit.usage or fit.least
        loss = fit.solution.loss
        cells = (
            fit.network.name,
            verdict(fit),
            NONE if loss is None else number(loss),
            rule_text(fit),
            number(used.rom),
            number(used.ram),
            f"{used.weight_bits:.2f}",
            f"{used.activation_bits:.2f}",
            used.node,
            took,
        )
        table.add_row(*map(plain, cells))
    return table


def verdict(fit: Fit) -> str:
    """Whether a network fits, and if not, which memory is too small."""
    if fit.fits:
        return "yes"
    small = [
        name
        for name, least, limit in (
            ("ROM", fit.least.rom, fit.rom),
            ("RAM", fit.least.ram, fit.ram),
        )
        if limit is not None and least > limit
    ]
    if small:
        return f"no ({' and '.join(small)})"
    return "no" if fit.solution.status is Status.INFEASIBLE else "not found"


def rule_text(fit: Fit) -> str:
    """The gap of the memory-driven rule, or that it does not fit."""
    if not rule_fits(fit.rule):
        return "does not fit"
    gap = fit.gap_of_rule
    return "fits" if gap is None else f"{'+' if gap else ''}{percentage(gap)}"


def surface_table(found: Surface) -> Table:
    """The losses: a row per limit on RAM, the largest first, a column per limit on ROM."""
    table = new_table()
    table.add_column("RAM \\ ROM [byte]", justify="right", no_wrap=True)
    for rom in found.rom.tolist():
        table.add_column(number(rom), justify="right", no_wrap=True)
    for j in reversed(range(len(found.ram))):
        cells = [
            NONE if found.configurations[i][j] is None else number(float(found.loss[i, j]), 4)
            for i in range(len(found.rom))
        ]
        table.add_row(number(int(found.ram[j])), *cells)
    return table
