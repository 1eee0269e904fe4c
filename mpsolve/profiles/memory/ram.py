"""RAM: what the activations of every node need (M2 of HAQ for microcontrollers, section 3.1).

While a node runs, memory holds its input, its output and all tensors that later nodes need, each
packed in the bit-width of its group. In terms of the layers this is one row per node: the b_in of
a layer is the bit-width of all tensors of the group that it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.constraints import LinearConstraint
from mpsolve.errors import InputError, UnsupportedError
from mpsolve.profiles.memory.liveness import live_tensors
from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.networks.tensor_groups import Rules, tensor_bits, tensor_groups

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from mpsolve.precision import Precision
    from mpsolve.profiles.memory.liveness import Moment
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import TensorGroup
    from mpsolve.typing import IntArray

#: Rows of one node, one per choice of readers that do not share b_in.
MAX_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that activations need at once.

    Attributes
    ----------
    bytes
        How much.
    node
        Name of the first node that needs it.
    tensors
        Names of the tensors that are in memory then.
    """

    bytes: int
    node: str
    tensors: tuple[str, ...]


def peak_ram(
    network: Network,
    configuration: Mapping[str, Precision],
    rules: Rules | None = None,
    *,
    order: Sequence[str] | None = None,
    in_place: Collection[str] = (),
) -> Peak:
    """The peak of a configuration.

    Parameters
    ----------
    network
        The network.
    configuration
        Layer -> precision. Where layers read one tensor with different b_in, the largest counts.
    rules
        The least bits of tensors; by default those of `Rules`.
    order, in_place
        As in `live_tensors`.

    Raises
    ------
    InputError
        If the configuration lacks a layer of the network; the message names it.
    """
    bits = tensor_bits(network, configuration, rules)
    sizes = {t: packed_bytes(network.elements(t), b) for t, b in bits.items()}
    moments = live_tensors(network, order, in_place)
    needs = [sum(sizes[tensor] for tensor in moment.tensors) for moment in moments]
    most = max(needs)
    moment = moments[needs.index(most)]
    return Peak(most, moment.node, moment.tensors)


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
        As in `peak_ram`. Narrower candidates than a rule asks for count with the bits asked for.

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
    for moment in live_tensors(network, order, in_place):
        rows += _rows(network, moment, groups, rules, b_in)
    kept = _binding(rows, tuple(layers), np.asarray(offsets), limit)
    return tuple(row.constraint(limit, layers[0], len(b_in[layers[0]])) for row in kept)


@dataclass(frozen=True, eq=False)
class _Row:
    """Bytes per candidate of some layers, and bytes that nobody chooses."""

    name: str
    terms: dict[str, IntArray]
    constant: int

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
    groups: tuple[TensorGroup, ...],
    rules: Rules,
    b_in: Mapping[str, list[float]],
) -> Iterator[_Row]:
    """The rows of one moment: what each reader would need, if its b_in is the largest."""
    live = set(moment.tensors)
    held = [(group, [t for t in group.tensors if t in live]) for group in groups]
    held = [(group, tensors) for group, tensors in held if tensors]
    readers = [group.layers[: 1 if rules.share_inputs else None] or ("",) for group, _ in held]
    if (count := prod(map(len, readers))) > MAX_ROWS:
        raise UnsupportedError(
            f"{network.name}: node {moment.node} would need {count} rows, one for every choice of "
            "readers of its tensors; let layers that read one tensor share b_in."
        )
    for chosen in product(*readers):
        terms: dict[str, IntArray] = {}
        constant = 0
        for layer, (group, tensors) in zip(chosen, held, strict=True):
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


def _binding(
    rows: Sequence[_Row], layers: tuple[str, ...], offsets: IntArray, limit: int
) -> list[_Row]:
    """The rows that some choice breaks and no other row implies; of equal rows, the first.

    Row a follows from row b if sum over the layers of max(a - b) over their candidates is at most
    zero: then what a needs is never more than what b needs.
    """
    needs = np.zeros((len(rows), int(offsets[-1])), np.int64)
    constants = np.array([row.constant for row in rows], np.int64)
    begin = dict(zip(layers, offsets[:-1].tolist(), strict=True))
    for i, row in enumerate(rows):
        for layer, own in row.terms.items():
            needs[i, begin[layer] : begin[layer] + len(own)] += own
    most = np.maximum.reduceat(needs, offsets[:-1], axis=1).sum(1) + constants
    kept = np.flatnonzero(most > limit).tolist()
    for i in reversed(tuple(kept)):
        others = [j for j in kept if j != i]
        excess = np.maximum.reduceat(needs[i] - needs[others], offsets[:-1], axis=1).sum(1)
        if (excess + constants[i] - constants[others] <= 0).any():
            kept.remove(i)
    return [rows[i] for i in kept]
