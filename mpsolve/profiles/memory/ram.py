"""RAM: what the activations of every node need (M2 of HAQ for microcontrollers, section 3.1).

While a node runs, memory holds its input, its output and all tensors that later nodes need, each
packed in the bit-width of its group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.profiles.memory.liveness import live_tensors
from mpsolve.profiles.memory.packing import packed_bytes
from mpsolve.profiles.networks.tensor_groups import tensor_bits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.networks.tensor_groups import Rules


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
