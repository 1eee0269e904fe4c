"""The budget on RAM: the activations that are in memory at any node (M2 of HAQ for MCUs).

It is no limit on a sum over all layers but one row per node, so it enters a problem as
constraints. The table and the network name the same layers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mpsolve.building.budgets import RELATIVE, reference_choice, split_limit, unit_factor
from mpsolve.building.ram_rows import check_layers, ram_constraints
from mpsolve.errors import InputError
from mpsolve.model.ragged import checked_limit
from mpsolve.profiles.memory.ram import peak_ram
from mpsolve.profiles.networks.tensor_groups import Rules, tensor_groups

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.profiles.memory.ram import Peak
    from mpsolve.profiles.networks.network import Network
    from mpsolve.typing import Number


@dataclass(frozen=True, eq=False)
class RamBudget:
    """A limit on the peak of the activations of a network.

    Attributes
    ----------
    network
        The network.
    limit
        Bytes; None if the peak is only to be reported.
    rules
        What the graph asks of activations. Inputs are shared only if the problem's ties say so.
    order, in_place
        How the nodes are executed, as in `mpsolve.profiles.memory.live_tensors`.
    """

    network: Network
    limit: int | None
    rules: Rules
    order: tuple[str, ...] | None = None
    in_place: tuple[str, ...] = ()

    def on(self, problem: Problem) -> Problem:
        """A variant of the problem that keeps the limit at every node."""
        if self.limit is None:
            return problem
        rows = ram_constraints(
            self.network,
            problem.layers,
            problem.offsets,
            problem.precisions,
            self.limit,
            self.rules,
            order=self.order,
            in_place=self.in_place,
        )
        return problem.replace(constraints=(*problem.constraints, *rows))

    def peak(self, configuration: Mapping[str, Precision]) -> Peak:
        """The peak of a configuration, the node that has it, and what is in memory then."""
        return peak_ram(
            self.network, configuration, self.rules, order=self.order, in_place=self.in_place
        )

    def sentence(self, configuration: Mapping[str, Precision]) -> str:
        """The peak of a configuration for people."""
        peak = self.peak(configuration)
        of = "" if self.limit is None else f" of {self.limit:,}"
        return f"ram (peak): {peak.bytes:,}{of} byte at {peak.node}"

    def to_json(self, configuration: Mapping[str, Precision]) -> dict[str, Any]:
        """The peak of a configuration as plain data."""
        peak = self.peak(configuration)
        return {
            "peak": peak.bytes,
            "unit": "byte",
            "budget": self.limit,
            "node": peak.node,
            "tensors": list(peak.tensors),
        }


def ram_budget(
    problem: Problem,
    network: Network,
    limit: Number | str | None = None,
    *,
    reference: Configuration | str | None = None,
    rules: Rules | None = None,
    order: Sequence[str] | None = None,
    in_place: Collection[str] = (),
) -> RamBudget:
    """The budget on the RAM of a problem's network.

    Parameters
    ----------
    problem
        The problem, whose layers are those of the network.
    network
        The network.
    limit
        Bytes, or text as `mpsolve.building.budgets` reads it: ``"512kB"``, or ``"0.7x"`` of the
        peak of the reference. None reports the peak and limits nothing.
    reference
        The configuration that a relative limit refers to; by default ``8b/8b``.
    rules
        What the graph asks of activations.
    order, in_place
        How the nodes are executed, as in `mpsolve.profiles.memory.live_tensors`.

    Raises
    ------
    InputError
        If the limit cannot be understood, or the network has a layer that the problem lacks.
    """
    check_layers(network, problem.layers)
    rules = rules or Rules()
    if rules.share_inputs and not _shares_inputs(problem, network, rules):
        rules = replace(rules, share_inputs=False)
    executed = None if order is None else tuple(order)
    whole = RamBudget(network, None, rules, executed, tuple(in_place))
    if isinstance(limit, str):
        limit = _resolved(problem, whole, limit, reference)
    if limit is None:
        return whole
    return replace(whole, limit=int(checked_limit("The budget on ram", limit) // 1))


def _resolved(
    problem: Problem, whole: RamBudget, text: str, reference: Configuration | str | None
) -> int:
    value, unit = split_limit("ram", text)
    if unit == "%":
        raise InputError(
            f"The budget ram={text} is part of a range of sums, and ram is a peak; write a size "
            "such as 512kB, or a part of the reference such as 0.7x."
        )
    if unit in RELATIVE:
        choice = reference_choice(problem, reference, f"ram={text}")
        value *= whole.peak(problem.configuration(choice)).bytes
    else:
        value *= unit_factor("ram", text, unit, "byte")
    return value.numerator // value.denominator


def _shares_inputs(problem: Problem, network: Network, rules: Rules) -> bool:
    """Whether ties give one b_in to all layers of every group that they read."""
    label = {layer: layer for layer in problem.layers}
    for tie in problem.ties:
        if tie.equal != "b_wt":
            joined = {label[layer] for layer in tie.layers}
            label = {n: min(joined) if own in joined else own for n, own in label.items()}
    groups = tensor_groups(network, rules)
    return all(len({label[layer] for layer in group.layers}) <= 1 for group in groups)
