"""The problem: one candidate per layer, least total loss, every budget and constraint kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.provenance import Provenance
from mpsolve.model.ragged import candidates, flatten, numbered_layers
from mpsolve.model.validation import (
    check_layers,
    checked_budget,
    checked_deviations,
    checked_numbers,
    checked_offsets,
    checked_pairwise,
    same_kind,
)
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpsolve.model.constraints import LinearConstraint, Restriction, Tie
    from mpsolve.model.pairwise import PairwiseTerm
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.typing import BoolArray, FloatArray, IntArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class Problem(Picklable):
    """A multiple-choice problem over the layers of a network.

    The candidates of all layers stand one after the other in flat arrays; those of layer ``i``
    are the entries ``offsets[i]:offsets[i + 1]``. A *choice* is an ``(N,)`` int64 array that
    holds, for every layer, the position of its candidate among the layer's own candidates.

    Attributes
    ----------
    layers
        Names of the N layers.
    offsets
        ``(N + 1,)`` int64, where the candidates of each layer begin and end.
    precisions
        The precision of each of the M candidates.
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
    source
        The table or array that the numbers were read from.
    deviations
        Cost name or ``"loss"`` -> ``(M,)`` float64 standard deviations of its numbers, for
        `mpsolve.stability` and `mpsolve.solve_robust`. `mpsolve.solve` ignores them.

    Raises
    ------
    InputError
        If the parts do not fit together; the message names the part and the layer.
    """

    layers: tuple[str, ...]
    offsets: IntArray
    precisions: tuple[Precision, ...]
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
    source: str = "arrays"
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
        self._check_names()

    def _numbers(self, what: str, values: NumberArray) -> NumberArray:
        return checked_numbers(what, values, self.layers, self.offsets, self.precisions)

    def _check_names(self) -> None:
        for tie in self.ties:
            for layer in tie.layers:
                self.index_of(layer, str(tie))
        for restriction in self.restrictions:
            self.index_of(restriction.layer, str(restriction))
        for constraint in self.constraints:
            for layer, coefficients in constraint.terms.items():
                i = self.index_of(layer, str(constraint))
                if len(coefficients) != self.offsets[i + 1] - self.offsets[i]:
                    raise InputError(
                        f"{constraint}: layer {layer} needs one coefficient per candidate."
                    )
        for term in self.pairwise:
            ends = [self.index_of(layer, str(term)) for layer in (term.first, term.second)]
            shape = tuple(len(self.candidates(i)) for i in ends)
            if term.values.shape != shape:
                raise InputError(
                    f"The {term} needs a matrix of {shape[0]} x {shape[1]} numbers, one per pair "
                    f"of candidates, not of {' x '.join(map(str, term.values.shape))}."
                )

    @classmethod
    def from_table(
        cls,
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
        """Build the problem that a latency table poses.

        Parameters
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
        network
            The network of the table. With it, a budget on ``ram`` limits the activations that are
            in memory at any node, by constraints of the problem; see `mpsolve.building.ram`.
        rules
            What the graph of the network asks of activations; by default all of
            `mpsolve.profiles.networks.tensor_groups.Rules`.
        """
        from mpsolve.building.proxies import table_loss
        from mpsolve.building.table_columns import RAM, table_costs, table_deviations, table_ties

        budgets = dict(budgets or {})
        ram = budgets.pop(RAM, None) if network is not None else None
        loss_name, values = table_loss(table, loss)
        columns, units = table_costs(table, [*budgets, *costs])
        problem = cls(
            layers=table.layers,
            offsets=table.offsets,
            precisions=table.precisions,
            loss=values,
            costs=columns,
            ties=(*table_ties(table), *ties),
            constraints=tuple(constraints),
            restrictions=tuple(restrictions),
            loss_name=loss_name,
            units=units,
            provenance=table.provenance,
            source=table.source,
            deviations=table_deviations(table, loss_name, columns),
        )
        if network is not None and ram is not None:
            from mpsolve.building.ram import ram_budget

            limit = ram_budget(problem, network, ram, reference=reference, rules=rules)
            problem = limit.on(problem)
        return problem.with_budgets(budgets, reference=reference)

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

        def shaped(what: str, values: Any) -> NumberArray:
            column, same = flatten(what, values)
            if not np.array_equal(same, offsets):
                raise InputError(f"{what} has another shape than the loss.")
            return column

        columns = {name: shaped(f"cost {name}", values) for name, values in costs.items()}
        spread = {
            name: shaped(f"The standard deviation of {name}", values)
            for name, values in (deviations or {}).items()
        }
        names = tuple(layers) if layers is not None else numbered_layers(len(offsets) - 1)
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
        """A variant with these standard deviations beside those it has.

        Parameters
        ----------
        deviations
            Cost name or ``"loss"`` -> ``(M,)`` numbers, or one number for all candidates in the
            unit of the cost, or text such as ``"5%"`` for so much of every candidate's own value.
        """
        from mpsolve.building.deviations import widths

        resolved = {name: widths(self, name, value) for name, value in deviations.items()}
        return self.replace(deviations={**self.deviations, **resolved})

    @cached_property
    def layer_index(self) -> IntArray:
        """``(M,)`` index of the layer that each candidate belongs to."""
        index = np.repeat(np.arange(len(self.layers)), np.diff(self.offsets))
        index.setflags(write=False)
        return index

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

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {layer: i for i, layer in enumerate(self.layers)}

    def index_of(self, layer: str, what: str = "") -> int:
        """Position of a layer; unknown names are refused."""
        try:
            return self._positions[layer]
        except KeyError:
            prefix = f"{what}: " if what else ""
            raise InputError(f"{prefix}the problem has no layer {layer!r}.") from None

    def candidates(self, layer: int) -> tuple[Precision, ...]:
        """The precisions among which a layer chooses, in the order that a choice counts."""
        return self.precisions[self.offsets[layer] : self.offsets[layer + 1]]

    def flat(self, choice: IntArray) -> IntArray:
        """``(N,)`` index of each layer's chosen candidate among all candidates.

        Raises
        ------
        InputError
            If the choice is not one index per layer, or a layer has no such candidate.
        """
        choice, counts = np.asarray(choice), np.diff(self.offsets)
        if choice.shape != counts.shape or choice.dtype.kind not in "iu":
            raise InputError(
                f"A choice needs one candidate index for each of {len(counts)} layers."
            )
        wrong = (choice < 0) | (choice >= counts)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise InputError(
                f"The choice names candidate {choice[i]} of layer {self.layers[i]}, which has "
                f"{counts[i]}; they are counted from 0."
            )
        return self.offsets[:-1] + choice.astype(np.int64)

    def configuration(self, choice: IntArray) -> Configuration:
        """The configuration that a choice stands for."""
        chosen = (self.precisions[j] for j in self.flat(choice))
        return Configuration(dict(zip(self.layers, chosen, strict=True)))

    def choice(self, configuration: Mapping[str, Precision]) -> IntArray:
        """The choice that a configuration stands for.

        Raises
        ------
        InputError
            If a layer is missing, unknown, or has no such candidate; the message names it.
        """
        configuration = Configuration(configuration)  # precisions may be written as text
        if unknown := [layer for layer in configuration if layer not in self._positions]:
            raise InputError(
                f"The configuration names layer {unknown[0]!r}, which {self.source} lacks."
            )
        choice = np.zeros(len(self.layers), np.int64)
        for i, layer in enumerate(self.layers):
            if layer not in configuration:
                raise InputError(f"The configuration says nothing about layer {layer}.")
            candidates = self.candidates(i)
            if configuration[layer] not in candidates:
                raise InputError(
                    f"Layer {layer} has no candidate {configuration[layer]}; it has "
                    f"{', '.join(map(str, candidates))}."
                )
            choice[i] = candidates.index(configuration[layer])
        return choice

    def __repr__(self) -> str:
        parts = [f"{len(self.layers)} layers", f"{len(self.precisions)} candidates"]
        parts += [f"{name} <= {limit:,}" for name, limit in self.budgets.items()]
        for name in ("ties", "constraints", "restrictions"):
            parts += [f"{len(getattr(self, name))} {name}"] if getattr(self, name) else []
        parts += [f"deviations of {', '.join(self.deviations)}"] if self.deviations else []
        parts += [f"{len(self.pairwise)} pairwise terms"] if self.pairwise else []
        return f"<Problem {self.source}: {', '.join(parts)}; loss {self.loss_name}>"
