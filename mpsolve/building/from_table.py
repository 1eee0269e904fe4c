"""From what is asked of a latency table to the problem that it poses.

The one place where problems of tables are posed: for `mpsolve.Problem.from_table`, for every
command and for microcontrollers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mpsolve.building.pairs_file import read_pairs
from mpsolve.building.proxies import table_loss
from mpsolve.building.ram import ram_budget
from mpsolve.building.rom import rom_terms
from mpsolve.building.table_columns import RAM, table_costs, table_deviations, table_ties
from mpsolve.model.problem import Problem
from mpsolve.profiles.merge import with_sensitivity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from os import PathLike

    from mpsolve.building.ram import RamBudget
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.constraints import LinearConstraint, Restriction, Tie
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import Number


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked of a table.

    Attributes
    ----------
    table
        The profiled costs; its groups of equal precision and of equal b_in become ties.
    loss
        A column of the table, or a proxy of `mpsolve.building.proxies`; by default the column
        ``sensitivity``, else the noise proxy that the table's columns allow.
    budgets
        Cost -> limit: a number, or text such as ``"0.7x"`` and ``"2MB"``; see
        `mpsolve.building.budgets`.
    reference
        The configuration that relative budgets refer to; by default ``8b/8b``.
    costs
        Further columns to report beside the latency, the budgets and the usual costs.
    ties, constraints, restrictions
        What an assignment must respect beside the table's own groups.
    sensitivities
        A table of sensitivities of the same layers, or the file in which it was written.
    pairs
        A file of what two layers add together; see `mpsolve.building.pairs_file`.
    network
        The network of the table. With it, a budget on ``ram`` limits the activations that are in
        memory at any node, by constraints of the problem; see `mpsolve.building.ram`.
    rules, order, in_place
        What the graph of the network asks of activations, by default all of
        `mpsolve.profiles.networks.tensor_groups.Rules`; and how its nodes are executed, as in
        `mpsolve.profiles.memory.live_tensors`.
    scheme
        What the column ``rom`` of the table holds beside weights, where it must be exact; see
        `mpsolve.building.rom`.
    """

    table: LatencyTable
    loss: str | None = None
    budgets: Mapping[str, Number | str] = field(default_factory=dict)
    reference: Configuration | str | None = None
    costs: Iterable[str] = ()
    ties: Iterable[Tie] = ()
    constraints: Iterable[LinearConstraint] = ()
    restrictions: Iterable[Restriction] = ()
    sensitivities: LatencyTable | str | PathLike[str] | None = None
    pairs: str | PathLike[str] | None = None
    network: Network | None = None
    rules: Rules | None = None
    order: Sequence[str] | None = None
    in_place: Collection[str] = ()
    scheme: str | None = None


def posed(request: Request) -> tuple[Problem, RamBudget | None]:
    """The problem that is asked for, and the budget on the RAM of its network, if one is given.

    Budgets come last, since relative ones refer to everything else that the problem contains.

    Raises
    ------
    InputError
        If a part is not understood, or does not fit the table or the network.
    """
    budgets = dict(request.budgets)
    limit = budgets.pop(RAM, None) if request.network is not None else None
    problem = _unlimited(request, [*budgets, *request.costs])
    ram = None
    if request.network is not None:
        ram = ram_budget(
            problem,
            request.network,
            limit,
            reference=request.reference,
            rules=request.rules,
            order=request.order,
            in_place=request.in_place,
        )
        problem = ram.on(problem)
    return problem.with_budgets(budgets, reference=request.reference), ram


def _unlimited(request: Request, wanted: Iterable[str]) -> Problem:
    """The problem without its budgets."""
    table = request.table
    if request.sensitivities is not None:
        table = with_sensitivity(table, request.sensitivities)
    loss_name, loss = table_loss(table, request.loss)
    costs, units = table_costs(table, wanted)
    problem = Problem(
        layers=table.layers,
        offsets=table.offsets,
        precisions=table.precisions,
        loss=loss,
        costs=costs,
        ties=(*table_ties(table), *request.ties),
        constraints=tuple(request.constraints),
        restrictions=tuple(request.restrictions),
        pairwise=() if request.pairs is None else read_pairs(request.pairs, table),
        loss_name=loss_name,
        units=units,
        provenance=table.provenance,
        source=table.source,
        deviations=table_deviations(table, loss_name, costs),
    )
    if request.network is None or request.scheme is None:
        return problem
    terms = rom_terms(problem, request.network, request.scheme, rules=request.rules)
    return problem.replace(pairwise=(*problem.pairwise, *terms)) if terms else problem
