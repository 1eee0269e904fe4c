"""What HAQ for microcontrollers asks for, as a problem.

Rusci, Fariselli, Capotondi and Benini, "Leveraging automated mixed-low-precision quantization for
tiny edge microcontrollers", ITEM 2020: sections 3.1 and 3.3 (rules), 4.3 and Table 2 (networks).
Weights and activations have 2, 4 or 8 bits; the input of the network and what adders read and
write have 8; weights are quantised per channel, and the ROM holds them with the tables of integer
channel normalisation; no node's activations, live skip tensors included, exceed the RAM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.building.from_table import Request, posed
from mpsolve.mcu.setting import Setting, mcu_table
from mpsolve.profiles.networks import named_network
from mpsolve.profiles.networks.tensor_groups import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsolve.model.problem import Problem
    from mpsolve.profiles.networks import Network

BITS = (2, 4, 8)
#: Per-channel integer channel normalisation (section 3.3 with reference 18 of the paper).
SCHEME = "icn-channel"
#: The losses: the paper's own is an accuracy that takes training.
LOSSES = ("noise-macs", "noise-params")


@dataclass(frozen=True, slots=True)
class Case:
    """A row of Table 2.

    Attributes
    ----------
    name
        As the paper writes it: input size and width after the network.
    network
        What `mpsolve.profiles.networks.named_network` calls it.
    weights, activations
        The paper's compression factors against 32 bits.
    """

    name: str
    network: str
    weights: float
    activations: float


CASES = (
    Case("MobileNetV1 224_1.0", "mobilenet_v1", 9.0, 5.1),
    Case("MobileNetV1 224_0.75", "mobilenet_v1_0.75", 5.4, 4.6),
    Case("MobileNetV2 224_1.0", "mobilenet_v2", 7.6, 5.1),
    Case("MobileNetV2 192_1.0", "mobilenet_v2_192", 7.4, 5.2),
    Case("MobileNetV2 160_1.0", "mobilenet_v2_160", 7.4, 4.4),
    Case("MNasNet-A1 224_1.0", "mnasnet_a1", 9.4, 4.7),
    Case("MNasNet-A1 224_0.35", "mnasnet_a1_0.35", 4.0, 4.0),  # all in 8 bits, not searched
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of ROM and of RAM, and where they come from."""

    rom: int
    ram: int
    origin: str = "as given"


#: What "2MB" and "512kB" may mean. The first are the constants of the memory-driven rule's code.
LIMITS = {
    "authors": Limits(2_048_000, 512_000, "the authors' code for the memory-driven rule"),
    "decimal": Limits(2_000_000, 512_000, "decimal units"),
    "binary": Limits(2 << 20, 512 << 10, "binary units, as microcontrollers have"),
}


def haq_mcu_problem(
    network: Network | str,
    loss: str,
    limits: Limits,
    rules: Rules | None = None,
    *,
    order: Sequence[str] | None = None,
    in_place: Sequence[str] = (),
) -> Problem:
    """The problem that a network poses under limits on ROM and RAM.

    Parameters
    ----------
    network
        The network or its name.
    loss
        One of `LOSSES`.
    limits
        The limits.
    rules, order, in_place
        Relaxations; by default the paper's rules and the network's own order.
    """
    if isinstance(network, str):
        network = named_network(network)
    rules = rules or Rules()
    request = Request(
        mcu_table(network, Setting(BITS, SCHEME, rules)),
        loss,
        {"rom": limits.rom, "ram": limits.ram},
        network=network,
        rules=rules,
        order=order,
        in_place=in_place,
        scheme=SCHEME,
    )
    return posed(request)[0]
