"""Which activation tensors share a bit-width, and which keep at least eight bits.

The graph of a network restricts its precisions (Free Bits, sections 3.1 and 4.1; HAQ for
microcontrollers, section 4): layers that read the same tensor share b_in, the inputs and the
output of an adder keep eight bits with equal step size, and so does the input of the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpsolve.profiles.networks.network import Network


@dataclass(frozen=True, slots=True)
class Rules:
    """What the graph asks of activations; each rule may be overridden.

    Attributes
    ----------
    input_bits
        Least bits of the network's inputs; None lets their readers choose.
    adder_bits
        Least bits of what adders read and write; None lets their readers choose.
    share_inputs
        Whether layers that read the same tensor share b_in.
    """

    input_bits: float | None = 8
    adder_bits: float | None = 8
    share_inputs: bool = True


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Activation tensors that have one bit-width.

    Attributes
    ----------
    tensors
        Their names, in network order.
    layers
        Names of the layers that read one of them: b_in of each is the bit-width. Without any,
        nobody chooses the bit-width, and it is ``least``.
    least
        The fewest bits that the tensors may have; 0 without such a rule.
    """

    tensors: tuple[str, ...]
    layers: tuple[str, ...]
    least: float


def tensor_groups(network: Network, rules: Rules | None = None) -> tuple[TensorGroup, ...]:
    """Partition the tensors of a network into groups of equal bit-width."""
    raise NotImplementedError
