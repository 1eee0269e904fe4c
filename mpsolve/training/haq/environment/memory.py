"""What does not fit into the memory is lowered (ITEM 2020, section 3.3, "Memory Constraints").

M1: while weights and tables exceed the ROM, the largest weight tensor in bytes is cut to the next
bit-width. M2: while a node exceeds the RAM, activations are cut, in the order of the memory-driven
rule, since the paper gives none. Where that rule finds no input or output left to cut, the largest
tensor that waits beside them is cut, such as that of a skip connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import Conflict, InfeasibleError
from mpsolve.heuristics.memory_driven import Activations
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.memory.rom import last_layers, stored_bytes
from mpsolve.profiles.memory.schemes import scheme_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.profiles.networks.network import Layer, Network
    from mpsolve.profiles.networks.tensor_groups import Rules, TensorGroup


class Memory:
    """The ROM and the RAM of a network, and what fits into them.

    Parameters
    ----------
    network
        The network.
    bits
        The bit-widths, in increasing order.
    rom, ram
        Bytes; None for no limit.
    scheme
        What the ROM holds beside weights.
    rules
        What the graph asks of activations; ``share_inputs`` must be set.

    Raises
    ------
    InfeasibleError
        If the network does not fit even in the fewest bits; the message names the tightest node.
    """

    def __init__(
        self,
        network: Network,
        bits: Sequence[int],
        rom: int | None,
        ram: int | None,
        scheme: str,
        rules: Rules,
    ) -> None:
        self.network, self.bits, self.rom, self.ram = network, tuple(bits), rom, ram
        self._scheme, self._last = scheme_named(scheme), last_layers(network)
        self._activations = Activations(network, self.bits, rules, None, ())
        adders = {t for n in network.adders for t in (*n.inputs, n.output)}
        self._fixed = {
            index
            for index, group in enumerate(self.groups)
            if rules.adder_bits is not None and adders.intersection(group.tensors)
        }
        self._check_ram()
        self._check_rom()

    @property
    def groups(self) -> tuple[TensorGroup, ...]:
        """The groups of activations that have one bit-width each."""
        return self._activations.groups

    def choices(self, group: int) -> tuple[int, ...]:
        """The bit-widths of a group; none where nobody chooses: residual activations, for one."""
        one = self.groups[group]
        own = tuple(b for b in self.bits if b >= one.least)
        return own if one.layers and len(own) > 1 and group not in self._fixed else ()

    def widest(self, group: int) -> float:
        """The most bits of a group, or the only ones."""
        one = self.groups[group]
        if not one.layers or group in self._fixed:
            return one.least
        return max(one.least, self.bits[-1])

    def fitted(self, b_wt: Mapping[str, int], b_act: Mapping[int, float]) -> Configuration:
        """The configuration that is left of bit-widths when both limits are kept.

        Parameters
        ----------
        b_wt
            Layer -> bits of its weights.
        b_act
            Group -> bits of its activations; the others have `widest`.
        """
        self._set({group: b_act.get(group, self.widest(group)) for group in self._all})
        self._keep_ram()
        return self._configuration(self._keep_rom(dict(b_wt)))

    def used(self, configuration: Mapping[str, Precision]) -> tuple[int, int]:
        """Bytes of ROM, and of RAM at the peak, of a configuration that `fitted` has returned."""
        self._set(
            {
                group: configuration[one.layers[0]].b_in if one.layers else one.least
                for group, one in enumerate(self.groups)
            }
        )
        rom = self._rom({name: p.b_wt for name, p in configuration.items()})
        return rom, max(map(self._activations.needs, self._activations.moments))

    @property
    def _all(self) -> range:
        return range(len(self.groups))

    def _set(self, widths: Mapping[int, float]) -> None:
        self._activations.width = [widths[group] for group in self._all]

    def _keep_ram(self) -> None:
        """M2."""
        while self.ram is not None:
            try:
                self._activations.cut(self.ram)
            except InfeasibleError:
                self._cut_beside(self.ram)
            else:
                return

    def _cut_beside(self, limit: int) -> None:
        """Cut the largest activation that may be cut, where the rule has found none."""
        state = self._activations
        for node, moments in state.moments.items():
            if state.needs(node) <= limit:
                continue
            tensors = max(moments, key=lambda tensors: sum(map(state.bytes, tensors)))
            able = [tensor for tensor in tensors if state.lower(state.group_of[tensor])]
            if able:
                group = state.group_of[max(able, key=state.bytes)]
                state.width[group] = state.lower(group)
                return
        raise AssertionError("what fits in the fewest bits can be cut until it fits")

    def _keep_rom(self, b_wt: dict[str, int]) -> dict[str, int]:
        """M1."""
        if self.rom is None:
            return b_wt
        rom = self._rom(b_wt)
        while rom > self.rom:
            able = [one for one in self.network.layers if b_wt[one.name] > self.bits[0]]
            layer = max(able, key=lambda one: packed_bytes(one.weights, b_wt[one.name]))
            before = self._stored(layer, b_wt[layer.name])
            b_wt[layer.name] = max(b for b in self.bits if b < b_wt[layer.name])
            rom += self._stored(layer, b_wt[layer.name]) - before
        return b_wt

    def _rom(self, b_wt: Mapping[str, float]) -> int:
        return sum(self._stored(layer, b_wt[layer.name]) for layer in self.network.layers)

    def _stored(self, layer: Layer, b_wt: float) -> int:
        state = self._activations
        bits = {node.output: state.width[state.group_of[node.output]] for node in layer.nodes}
        return stored_bytes(layer, b_wt, bits, self._scheme, layer.name in self._last)

    def _configuration(self, b_wt: Mapping[str, int]) -> Configuration:
        b_in = {
            layer: width
            for width, group in zip(self._activations.width, self.groups, strict=True)
            for layer in group.layers
        }
        return Configuration(
            {one.name: Precision(b_in[one.name], b_wt[one.name]) for one in self.network.layers}
        )

    def _check_ram(self) -> None:
        self._set({group: (*self.choices(group), self.widest(group))[0] for group in self._all})
        state = self._activations
        node = max(state.moments, key=state.needs)
        if self.ram is not None and state.needs(node) > self.ram:
            raise InfeasibleError(
                Conflict(
                    f"{self.network.name} does not fit into {self.ram:,} bytes of RAM: with all "
                    f"activations in the fewest bits, node {node} needs {state.needs(node):,}.",
                    (f"RAM of {node}",),
                    "ram",
                    self.ram,
                    state.needs(node),
                )
            )

    def _check_rom(self) -> None:
        b_wt = dict.fromkeys((layer.name for layer in self.network.layers), self.bits[0])
        total = self._rom(b_wt)
        if self.rom is not None and total > self.rom:
            layer = max(self.network.layers, key=lambda one: self._stored(one, self.bits[0]))
            raise InfeasibleError(
                Conflict(
                    f"{self.network.name} does not fit into {self.rom:,} bytes of ROM: with all "
                    f"weights in {self.bits[0]} bits it needs {total:,}, of which "
                    f"{self._stored(layer, self.bits[0]):,} are of node {layer.name}.",
                    ("budget on rom",),
                    "rom",
                    self.rom,
                    total,
                    (layer.name,),
                )
            )
