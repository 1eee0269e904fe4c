"""RAM as constraints: what the activations of every node need, one row per node.

In terms of the layers: the b_in of a layer is the bit-width of all tensors of the group that it
reads, and a row adds up the bytes of the tensors that are in memory while its node runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError, UnsupportedError
from mpsolve.model.constraints import LinearConstraint
from mpsolve.profiles.memory.liveness import live_tensors
from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.networks.tensor_groups import Rules, tensor_groups

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.memory.liveness import Moment
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import TensorGroup
    from mpsolve.typing import IntArray

#: Rows of one node, one per choice of readers that do not share b_in.
MAX_ROWS = 1024


def ram_constraints(
    network: Network,
    layers: Sequence[str],
    offsets: IntArray,
    precisions: Sequence[Precision],
    limit: int,
    rules: Rules | None = None,
    *,
    order: Sequence[str] | None = None,
    in_place: Collection[str] = (),
) -> tuple[LinearConstraint, ...]:
    """One row per node whose activations may exceed a limit.

    Rows that no choice breaks, and rows that others imply, are left out. A tensor of a group has
    the b_in of the first layer that reads the group, since the others share it. Where inputs are
    not shared, the largest b_in counts: there is a row for every choice of one reader per group.
    Tensors that no layer reads have a fixed width, which is added to the first term of a row.

    Parameters
    ----------
    network
        The network.
    layers, offsets, precisions
        Its layers and their candidates, as in `mpsolve.Problem`.
    limit
        Bytes.
    rules, order, in_place
        As in `mpsolve.profiles.memory.peak_ram`. Narrower candidates than a rule asks for count
        with the bits asked for.

    Returns
    -------
    Rows ``RAM of NODE`` in bytes.

    Raises
    ------
    InputError
        If the network has a layer that is not among ``layers``.
    UnsupportedError
        If a node needs more than `MAX_ROWS` rows.
    """
    rules = rules or Rules()
    groups = tensor_groups(network, rules)
    check_layers(network, layers)
    b_in = {
        layer: [p.b_in for p in precisions[offsets[i] : offsets[i + 1]]]
        for i, layer in enumerate(layers)
    }
    rows: list[_Row] = []
    group_of = {tensor: group for group in groups for tensor in group.tensors}
    for moment in live_tensors(network, order, in_place):
        rows += _rows(network, moment, group_of, rules, b_in)
    first = layers[0]
    return tuple(row.constraint(limit, first, len(b_in[first])) for row in _binding(rows, limit))


@dataclass(frozen=True, eq=False)
class _Row:
    """Bytes per candidate of some layers, and bytes that nobody chooses."""

    name: str
    terms: dict[str, IntArray]
    constant: int

    @property
    def most(self) -> int:
        """What the row comes to at most."""
        return self.constant + sum(int(own.max()) for own in self.terms.values())

    def follows_from(self, other: _Row) -> bool:
        """Whether no choice gives this row more than the other row."""
        excess = self.constant - other.constant
        for layer in self.terms.keys() | other.terms.keys():
            excess += int(np.max(self.terms.get(layer, 0) - other.terms.get(layer, 0)))
        return excess <= 0

    def constraint(self, limit: int, layer: str, candidates: int) -> LinearConstraint:
        """The row with its constant in the first term, if need be of this layer."""
        terms = self.terms or {layer: np.zeros(candidates, np.int64)}
        first = next(iter(terms))
        terms = terms | {first: terms[first] + self.constant}
        return LinearConstraint(
            self.name, {name: own.astype(np.float64) for name, own in terms.items()}, limit
        )


def _rows(
    network: Network,
    moment: Moment,
    group_of: Mapping[str, TensorGroup],
    rules: Rules,
    b_in: Mapping[str, list[float]],
) -> Iterator[_Row]:
    """The rows of one moment: what each reader would need, if its b_in is the largest."""
    held: dict[TensorGroup, list[str]] = {}
    for tensor in moment.tensors:
        held.setdefault(group_of[tensor], []).append(tensor)
    readers = [group.layers[: 1 if rules.share_inputs else None] or ("",) for group in held]
    if (count := prod(map(len, readers))) > MAX_ROWS:
        raise UnsupportedError(
            f"{network.name}: node {moment.node} would need {count} rows, one for every choice of "
            "readers of its tensors; let layers that read one tensor share b_in."
        )
    for chosen in product(*readers):
        terms: dict[str, IntArray] = {}
        constant = 0
        for layer, (group, tensors) in zip(chosen, held.items(), strict=True):
            if not layer:
                constant += _bytes(network, tensors, group.least)
                continue
            own = [_bytes(network, tensors, max(b, group.least)) for b in b_in[layer]]
            terms[layer] = terms.get(layer, 0) + np.array(own, np.int64)
        several = [layer for layer, all_ in zip(chosen, readers, strict=True) if len(all_) > 1]
        name = f"RAM of {moment.node}" + (f" (read by {', '.join(several)})" if several else "")
        yield _Row(name, terms, constant)


def _bytes(network: Network, tensors: Iterable[str], bits: float) -> int:
    return sum(packed_bytes(network.elements(tensor), bits) for tensor in tensors)


def check_layers(network: Network, layers: Sequence[str]) -> None:
    """Refuse layers among which one of the network is missing."""
    known = set(layers)
    for layer in network.layers:
        if layer.name not in known:
            raise InputError(
                f"RAM: the table has no layer {layer.name}, which {network.name} has; give the "
                "network whose layers the table names."
            )


def _binding(rows: Sequence[_Row], limit: int) -> list[_Row]:
    """The rows that some choice breaks and no other row implies; of equal rows, the first.

    Only rows that have a layer in common are compared: between others, one could follow only if
    the other exceeded the limit whatever is chosen.
    """
    kept = dict.fromkeys(row for row in rows if row.most > limit)
    holding: dict[str, list[_Row]] = {}
    for row in kept:
        for layer in row.terms or ("",):
            holding.setdefault(layer, []).append(row)
    for row in reversed(tuple(kept)):
        others = (one for layer in row.terms or ("",) for one in holding[layer])
        if any(one in kept and row.follows_from(one) for one in others if one is not row):
            del kept[row]
    return list(kept)
