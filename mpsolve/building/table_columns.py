"""Which columns of a table become costs, and which of its labels become ties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.constraints import Tie

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mpsolve.model.constraints import Relation
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import FloatArray, NumberArray

#: Costs that are reported with every answer where the table has them.
USUAL_COSTS = ("latency", "weight_bits_total", "bops", "energy")
#: The peak of the activations, which is no sum over the layers; see `mpsolve.building.ram`.
RAM = "ram"
#: What a cost may also be called: the read-only memory holds the weights.
ALIASES = {"rom": "weight_bits_total"}


def table_costs(
    table: LatencyTable, wanted: Iterable[str]
) -> tuple[dict[str, NumberArray], dict[str, str]]:
    """The costs of a table and their units.

    Parameters
    ----------
    table
        The table.
    wanted
        Columns beside `USUAL_COSTS`. ``rom`` stands for ``weight_bits_total`` and ``bops`` is
        computed as b_in * b_wt * macs where the table has no such column.
    """
    costs = {name: table.columns[name] for name in USUAL_COSTS if name in table.columns}
    for name in wanted:
        costs[name] = _cost(table, name)
    units = {name: _unit(table, name) for name in costs}
    return costs, {name: unit for name, unit in units.items() if unit}


def table_deviations(table: LatencyTable, loss: str, costs: Iterable[str]) -> dict[str, FloatArray]:
    """The standard deviations of the costs, and under ``"loss"`` those of the loss.

    Parameters
    ----------
    table
        The table.
    loss
        The column that is minimised; a proxy has no deviations.
    costs
        The costs, as `table_costs` names them.
    """
    known = {name: table.deviations.get(_column(table, name)) for name in costs}
    known["loss"] = table.deviations.get(loss)
    return {name: values for name, values in known.items() if values is not None}


def table_ties(table: LatencyTable) -> tuple[Tie, ...]:
    """One tie per tie group, and one per group of equal b_in, that has two layers or more."""
    return (
        *_ties(table, table.tie_groups, "precision"),
        *_ties(table, table.b_in_groups, "b_in"),
    )


def _ties(table: LatencyTable, labels: tuple[str, ...], equal: Relation) -> Iterator[Tie]:
    groups: dict[str, list[str]] = {}
    for layer, label in zip(table.layers, labels, strict=True):
        groups.setdefault(label, []).append(layer)
    for label, members in groups.items():
        if label and len(members) > 1:
            yield Tie(tuple(members), equal, label)


def _cost(table: LatencyTable, name: str) -> NumberArray:
    column = _column(table, name)
    if column in table.columns:
        return table.columns[column]
    if name == "bops" and "macs" in table.columns:
        return np.array([p.b_in * p.b_wt for p in table.precisions]) * table.columns["macs"]
    if name == RAM:
        raise InputError(
            "ram is the peak over the nodes of a network, not a sum over the layers of a table: "
            "limit it with --budget ram=LIMIT --network NETWORK (in Python network=...)."
        )
    hint = " (its latency column is empty)" if name == "latency" else ""
    raise InputError(
        f"{table.source} has no cost {name!r}{hint}; its columns are {', '.join(table.columns)}."
    )


def _column(table: LatencyTable, name: str) -> str:
    """The column that a cost is read from."""
    return name if name in table.columns else ALIASES.get(name, name)


def _unit(table: LatencyTable, name: str) -> str:
    column = _column(table, name)
    if column in table.units:
        return table.units[column]
    if column.endswith(("_bits", "_bits_total")):
        return "bit"
    return "byte" if column.endswith("_bytes") else ""
