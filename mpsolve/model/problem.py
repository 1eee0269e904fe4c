"""The problem: one candidate per layer, least total loss, every budget and constraint kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.model.layers import Layers
from mpsolve.model.provenance import Provenance
from mpsolve.model.ragged import candidates, flatten, flatten_like, numbered_layers
from mpsolve.model.validation import (
    check_layers,
    check_names,
    checked_budget,
    checked_deviations,
    checked_numbers,
    checked_offsets,
    checked_pairwise,
    same_kind,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.constraints import LinearConstraint, Restriction, Tie
    from mpsolve.model.pairwise import PairwiseTerm
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import BoolArray, FloatArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class Problem(Layers):
    """A multiple-choice problem over the layers of a network.

    Attributes
    ----------
    layers, offsets, precisions, source
        The N layers and their M candidates; see `mpsolve.model.layers.Layers`.
    loss
        ``(M,)`` int64 or float64, the additive proxy for the accuracy lost; lower is better.
        Integers stay integers unless their absolute values add up to `INTEGER_SUM`.
    costs
        Name -> ``(M,)`` int64 or float64: summed costs, such as latency.
    budgets
        Cost name -> upper limit on its sum, in the unit of the cost.
    ties
        Layers that must share a bit-width.
    constraints
        Limits on sums over some of the layers.
    restrictions
        Fixed, forbidden, minimum and maximum precisions of single layers.
    pairwise
        What two layers add to the loss or to a cost together. The numbers of one sum are all
        integers or all floats: where one of its parts is not an integer, the others become floats.
    loss_name
        What the loss is, printed with every answer.
    units
        Cost name -> unit, where it is known.
    provenance
        Where the latencies come from.
    deviations
        Cost name or ``"loss"`` -> ``(M,)`` float64 standard deviations of its numbers, for
        `mpsolve.stability` and `mpsolve.solve_robust`. `mpsolve.solve` ignores them.

    Raises
    ------
    InputError
        If the parts do not fit together; the message names the part and the layer.
    """

    loss: NumberArray
    costs: Mapping[str, NumberArray]
    budgets: Mapping[str, Number] = field(default_factory=dict)
    ties: tuple[Tie, ...] = ()
    constraints: tuple[LinearConstraint, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    pairwise: tuple[PairwiseTerm, ...] = ()
    loss_name: str = "loss"
    units: Mapping[str, str] = field(default_factory=dict)
    provenance: Provenance = Provenance.UNSTATED
    deviations: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "layers", tuple(self.layers))
        set_(self, "precisions", tuple(self.precisions))
        check_layers(self.layers)
        set_(self, "offsets", checked_offsets(self.offsets, self.layers, self.precisions))
        loss = self._numbers("loss", self.loss)
        costs = {name: self._numbers(f"cost {name}", c) for name, c in self.costs.items()}
        pairwise = checked_pairwise(tuple(self.pairwise), costs)
        loss, pairwise = same_kind("loss", None, loss, pairwise)
        for name, cost in costs.items():
            costs[name], pairwise = same_kind(f"cost {name}", name, cost, pairwise)
        set_(self, "loss", loss)
        set_(self, "costs", MappingProxyType(costs))
        set_(self, "pairwise", pairwise)
        deviations = {
            name: checked_deviations(name, d, costs, self.layers, self.offsets, self.precisions)
            for name, d in self.deviations.items()
        }
        set_(self, "deviations", MappingProxyType(deviations))
        budgets = {name: checked_budget(name, b, self.costs) for name, b in self.budgets.items()}
        set_(self, "budgets", MappingProxyType(budgets))
        set_(self, "units", MappingProxyType(dict(self.units)))
        for name in ("ties", "constraints", "restrictions"):
            set_(self, name, tuple(getattr(self, name)))
        check_names(self, self.ties, self.restrictions, self.constraints, self.pairwise)

    def _numbers(self, what: str, values: NumberArray) -> NumberArray:
        return checked_numbers(what, values, self.layers, self.offsets, self.precisions)

    @staticmethod
    def from_table(
        table: LatencyTable,
        loss: str | None = None,
        budgets: Mapping[str, Number | str] | None = None,
        *,
        reference: Configuration | str | None = None,
        costs: Iterable[str] = (),
        ties: Iterable[Tie] = (),
        constraints: Iterable[LinearConstraint] = (),
        restrictions: Iterable[Restriction] = (),
        network: Network | None = None,
        rules: Rules | None = None,
    ) -> Problem:
        """The problem that a latency table poses; see `mpsolve.building.from_table.Request`.

        The loss is a column or a proxy, budgets are numbers or text such as ``"0.7x"`` and
        ``"2MB"``, and with the network there may be one on ``ram``.
        """
        from mpsolve.building.from_table import Request, posed

        own = (reference, costs, ties, constraints, restrictions)
        return posed(Request(table, loss, budgets or {}, *own, network=network, rules=rules))[0]

    @classmethod
    def from_arrays(
        cls,
        loss: Any,
        costs: Mapping[str, Any],
        budgets: Mapping[str, Number] | None = None,
        *,
        layers: Sequence[str] | None = None,
        precisions: Sequence[Any] | None = None,
        deviations: Mapping[str, Any] | None = None,
        **parts: Any,
    ) -> Problem:
        """Build a problem from numbers.

        Parameters
        ----------
        loss
            ``(N, K)`` array, or N rows of different lengths.
        costs
            Name -> numbers in the shape of ``loss``.
        budgets
            Cost name -> upper limit.
        layers
            N names; by default ``layer0`` and so on.
        precisions
            The K candidates that all layers share, or N rows of candidates, as `Precision` or
            text; by default the candidates are called ``#0``, ``#1``, ...
        deviations
            Cost name or ``"loss"`` -> standard deviations in the shape of ``loss``.
        parts
            Any other field of `Problem`.
        """
        flat, offsets = flatten("loss", loss)
        names = tuple(layers) if layers is not None else numbered_layers(len(offsets) - 1)
        columns = {name: flatten_like(offsets, f"cost {name}", own) for name, own in costs.items()}
        spread = {
            name: flatten_like(offsets, f"The standard deviation of {name}", own)
            for name, own in (deviations or {}).items()
        }
        return cls(
            layers=names,
            offsets=offsets,
            precisions=candidates(precisions, offsets, names),
            loss=flat,
            costs=columns,
            budgets=budgets or {},
            deviations=spread,
            **parts,
        )

    def replace(self, **changes: Any) -> Problem:
        """A variant with some fields changed, validated like any other problem."""
        return replace(self, **changes)

    def with_budgets(
        self,
        budgets: Mapping[str, Number | str],
        *,
        reference: Configuration | str | None = None,
    ) -> Problem:
        """A variant with these budgets, which may be text; see `mpsolve.building.budgets`."""
        from mpsolve.building.budgets import resolve_budgets

        return self.replace(budgets=resolve_budgets(self, budgets, reference))

    def with_deviations(self, deviations: Mapping[str, Number | str | FloatArray]) -> Problem:
        """A variant with these standard deviations; see `mpsolve.building.deviations.widths`."""
        from mpsolve.building.deviations import with_deviations

        return with_deviations(self, deviations)

    @cached_property
    def allowed(self) -> BoolArray:
        """``(M,)`` whether the restrictions leave each candidate to its layer."""
        mask = np.ones(len(self.precisions), bool)
        for restriction in self.restrictions:
            i = self.index_of(restriction.layer)
            for j in range(self.offsets[i], self.offsets[i + 1]):
                mask[j] &= restriction.allows(self.precisions[j])
        mask.setflags(write=False)
        return mask

    def pairwise_on(self, cost: str | None) -> tuple[PairwiseTerm, ...]:
        """The pairwise terms that add to a cost, or to the loss for None."""
        return tuple(term for term in self.pairwise if term.cost == cost)

    def terms_of(self, cost: str | None) -> int:
        """How many numbers the sum of a cost, or the loss for None, has."""
        return len(self.layers) + len(self.pairwise_on(cost))

    def __repr__(self) -> str:
        parts = [f"{len(self.layers)} layers", f"{len(self.precisions)} candidates"]
        parts += [f"{name} <= {limit:,}" for name, limit in self.budgets.items()]
        for name in ("ties", "constraints", "restrictions"):
            parts += [f"{len(getattr(self, name))} {name}"] if getattr(self, name) else []
        parts += [f"deviations of {', '.join(self.deviations)}"] if self.deviations else []
        parts += [f"{len(self.pairwise)} pairwise terms"] if self.pairwise else []
        return f"<Problem {self.source}: {', '.join(parts)}; loss {self.loss_name}>"
