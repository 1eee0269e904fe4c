"""The memory-driven rule: cut bits until weights fit the ROM and activations the RAM.

Rusci, Capotondi and Benini, "Memory-driven mixed low precision quantization for enabling deep
network inference on microcontrollers", MLSys 2020, Algorithms 1 and 2, as the authors' code runs
them. The rule looks at bytes alone and knows no loss. It needs the graph of a network, not a
latency table, and is therefore a function beside the heuristics that `mpsolve.solve` offers.

The paper's networks are chains of layers. On other graphs this is our reading: every node that
computes something is visited in the order of execution; its memory counts all tensors that are
live then, such as skip tensors; of several inputs the largest is the one that may be cut; cutting
a tensor cuts its group; and tensors of fixed width (of adders, of the network's input, or read by
no layer) count as tensors that have reached their minimum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsolve.errors import Conflict, InfeasibleError, InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.profiles.memory.liveness import live_tensors
from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.memory.rom import rom_total
from mpsolve.profiles.networks.tensor_groups import Rules, tensor_groups

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from mpsolve.profiles.networks.network import Network

#: Layers whose share of the weights lies so far below the largest are cut before it.
DELTA = 0.05


def memory_driven(
    network: Network,
    rom: int | None = None,
    ram: int | None = None,
    scheme: str = "icn-channel",
    *,
    bits: Sequence[int] = (2, 4, 8),
    delta: float = DELTA,
    rules: Rules | None = None,
    order: Sequence[str] | None = None,
    in_place: Collection[str] = (),
) -> Configuration:
    """The configuration that the memory-driven rule arrives at.

    Parameters
    ----------
    network
        The network.
    rom, ram
        Bytes for weights and tables, and for activations; None for no limit.
    scheme
        What the ROM holds beside weights, one of `mpsolve.profiles.memory.SCHEMES`.
    bits
        The bit-widths; all tensors begin with the largest.
    delta
        The weights' rule cuts the first layer whose share is within ``delta`` of the largest.
    rules
        What the graph asks of activations. Layers that read one tensor always share b_in here.
    order, in_place
        As in `mpsolve.profiles.memory.live_tensors`.

    Raises
    ------
    InfeasibleError
        If the rule ends above a limit; the message says where. Another rule may still fit.
    """
    if not bits or min(bits) <= 0:
        raise InputError("The memory-driven rule needs bit-widths, such as 2, 4 and 8.")
    rules = replace(rules or Rules(), share_inputs=True)
    activations = Activations(network, sorted(set(bits)), rules, order, in_place)
    if ram is not None:
        activations.cut(ram)
    configuration = activations.configuration(max(bits))
    return configuration if rom is None else _cut_weights(
        network, configuration, rom, scheme, sorted(set(bits)), delta, rules
    )  # fmt: skip


class Activations:
    """The bit-widths of the groups of tensors, and the memory of every node."""

    def __init__(
        self,
        network: Network,
        bits: Sequence[int],
        rules: Rules,
        order: Sequence[str] | None,
        in_place: Collection[str],
    ) -> None:
        self.network, self.bits = network, bits
        self.groups = tensor_groups(network, rules)
        self.group_of = {t: g for g, group in enumerate(self.groups) for t in group.tensors}
        self.width: list[float] = [
            max(group.least, bits[-1]) if group.layers else group.least for group in self.groups
        ]
        self.moments: dict[str, list[tuple[str, ...]]] = {}
        for moment in live_tensors(network, order, in_place):
            self.moments.setdefault(moment.node, []).append(moment.tensors)
        nodes = {node.name: node for node in network.nodes}
        self.ends = {  # (largest input, output) of every node
            name: (max(nodes[name].inputs, key=network.elements), nodes[name].output)
            for name in self.moments
        }

    def cut(self, limit: int) -> None:
        """CutBits: sweep forward and backward until a sweep finds every node within the limit."""
        idle = 0
        while idle < 2:
            for forward in (True, False):
                before = list(self.width)
                nodes = self.moments if forward else reversed(self.moments)
                failed = [node for node in nodes if not self._fit(node, forward, limit)]
                if not failed:
                    return
                idle = idle + 1 if before == self.width else 0
        self._refuse(failed, limit)

    def _fit(self, node: str, forward: bool, limit: int) -> bool:
        """Cut the output (forward) or the input (backward) of a node as far as the rule allows."""
        while self.needs(node) > limit:
            read, written = (self.group_of[tensor] for tensor in self.ends[node])
            cut, other = (written, read) if forward else (read, written)
            if not self.lower(cut) or not (cut == other or self._first(node, cut, other, forward)):
                return False
            self.width[cut] = self.lower(cut)
        return True

    def _first(self, node: str, cut: int, other: int, forward: bool) -> bool:
        """Whether this end is cut before the other: more bits, or as many and more bytes."""
        if self.width[cut] != self.width[other]:
            return self.width[cut] > self.width[other] or not self.lower(other)
        read, written = (self.bytes(tensor) for tensor in self.ends[node])
        larger = read <= written if forward else read > written  # a draw cuts the output
        return larger or not self.lower(other)

    def lower(self, group: int) -> float:
        """The next bit-width below that of a group, or 0 where it may not be cut."""
        least = self.groups[group].least
        lower = [b for b in self.bits if least <= b < self.width[group]]
        return lower[-1] if lower and self.groups[group].layers else 0

    def needs(self, node: str) -> int:
        """Bytes of the tensors that are live while a node runs."""
        return max(sum(map(self.bytes, tensors)) for tensors in self.moments[node])

    def bytes(self, tensor: str) -> int:
        """Bytes of a tensor."""
        return packed_bytes(self.network.elements(tensor), self.width[self.group_of[tensor]])

    def configuration(self, b_wt: int) -> Configuration:
        """The widths as b_in of the layers that read them."""
        b_in = {
            layer: w for w, g in zip(self.width, self.groups, strict=True) for layer in g.layers
        }
        return Configuration({n.name: Precision(b_in[n.name], b_wt) for n in self.network.layers})

    def _refuse(self, failed: Iterable[str], limit: int) -> None:
        worst = max(failed, key=self.needs)
        raise InfeasibleError(
            Conflict(
                f"The memory-driven rule cannot fit {worst} into {limit:,} bytes of RAM: it ends "
                f"at {self.needs(worst):,}, with no input or output left to cut.",
                (f"RAM of {worst}",),
                "ram",
                limit,
            )
        )


def _cut_weights(
    network: Network,
    configuration: Configuration,
    limit: int,
    scheme: str,
    bits: Sequence[int],
    delta: float,
    rules: Rules,
) -> Configuration:
    """Cut the first of the layers with the largest shares of the weights, until all fit."""
    chosen = dict(configuration)
    while (total := rom_total(network, chosen, scheme, rules)) > limit:
        sizes = {n.name: packed_bytes(n.weights, chosen[n.name].b_wt) for n in network.layers}
        whole = sum(sizes.values())
        shares = {n: s / whole for n, s in sizes.items() if chosen[n].b_wt > bits[0]}
        if not shares:
            raise InfeasibleError(
                Conflict(
                    f"The memory-driven rule cannot fit {network.name} into {limit:,} bytes of "
                    f"ROM: with all weights in {bits[0]} bits it needs {total:,}.",
                    ("budget on rom",),
                    "rom",
                    limit,
                    total,
                )
            )
        most = max(shares.values())
        layer = next(name for name, share in shares.items() if share > most - delta)
        present = chosen[layer]
        b_wt = max(b for b in bits if b < present.b_wt)
        chosen[layer] = Precision(present.b_in, b_wt)
    return Configuration(chosen)
