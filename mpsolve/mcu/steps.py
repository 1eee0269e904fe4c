"""What is in RAM while each node runs, byte by byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mpsolve.profiles.memory import live_tensors
from mpsolve.profiles.memory.liveness import owners
from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.networks.tensor_groups import tensor_bits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules

#: What a tensor is to the node that runs. Others are kept for a later node: skip tensors.
Role = Literal["input", "output", "skip"]
ROLES: tuple[Role, ...] = ("input", "output", "skip")


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor in memory: its name, its bit-width, its bytes, and what the node does with it."""

    tensor: str
    bits: float
    bytes: int
    role: Role


@dataclass(frozen=True, slots=True)
class Step:
    """One node of an inference and the tensors that are in memory while it runs."""

    node: str
    operator: str
    held: tuple[Held, ...]

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(held.bytes for held in self.held)

    def of(self, role: Role) -> int:
        """The bytes of one role."""
        return sum(held.bytes for held in self.held if held.role == role)


def memory_map(
    network: Network, configuration: Mapping[str, Precision], rules: Rules | None = None
) -> tuple[Step, ...]:
    """The nodes in the order of execution; the largest of their bytes is the peak."""
    bits = tensor_bits(network, configuration, rules)
    owner = owners(network)
    nodes = {node.name: node for node in network.nodes}
    steps = []
    for moment in live_tensors(network):
        node = nodes[moment.node]
        read = {owner[tensor] for tensor in node.inputs}
        held = []
        for tensor in moment.tensors:
            role: Role = "skip"
            if tensor == owner[node.output]:
                role = "output"
            elif tensor in read:
                role = "input"
            size = packed_bytes(network.elements(tensor), bits[tensor])
            held.append(Held(tensor, bits[tensor], size, role))
        steps.append(Step(node.name, node.operator, tuple(held)))
    return tuple(steps)
