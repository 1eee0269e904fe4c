"""The problem that a network poses on a microcontroller: what HAQ for microcontrollers asks for.

By default as in Rusci, Fariselli, Capotondi and Benini, ITEM 2020, sections 3.1 and 3.3: weights
and activations have 2, 4 or 8 bits; the network's input and what adders read and write have 8; the
ROM holds weights, quantised per channel, with the tables of integer channel normalisation; and no
node's activations, live skip tensors included, exceed the RAM.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.building.from_table import Request, posed
from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.memory import rom_costs
from mpsolve.profiles.networks.tensor_groups import Rules, input_labels, least_bits
from mpsolve.profiles.table import LatencyTable

if TYPE_CHECKING:
    from os import PathLike

    from mpsolve.model.problem import Problem
    from mpsolve.profiles.networks.network import Network

#: What is minimised unless the caller says otherwise; see `mpsolve.building.proxies`.
DEFAULT_LOSS = "noise-macs"


@dataclass(frozen=True, slots=True)
class Setting:
    """What may be chosen, and how it is stored.

    Attributes
    ----------
    bits
        The bit-widths of weights and activations.
    scheme
        What the ROM holds beside weights, one of `mpsolve.profiles.memory.SCHEMES`.
    rules
        What the graph asks of activations. Layers that read one tensor always share b_in here.
    """

    bits: tuple[int, ...] = (2, 4, 8)
    scheme: str = "icn-channel"
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        bits = tuple(sorted(set(self.bits)))
        if not bits or bits[0] <= 0:
            raise InputError("A microcontroller needs bit-widths, such as 2, 4 and 8.")
        object.__setattr__(self, "bits", bits)


DEFAULT_SETTING = Setting()


def input_widths(network: Network, setting: Setting) -> dict[str, tuple[int, ...]]:
    """Layer -> the bit-widths that its input may have.

    Raises
    ------
    InputError
        If a layer has none.
    """
    widths = {
        name: tuple(b for b in setting.bits if b >= least)
        for name, least in least_bits(network, setting.rules).items()
    }
    for name, own in widths.items():
        if not own:
            raise InputError(
                f"The bit-widths {', '.join(map(str, setting.bits))} are too few for the input of "
                f"layer {name} of {network.name}; offer more bits, or free the inputs of the "
                "network and of adders."
            )
    return widths


def mcu_table(network: Network, setting: Setting = DEFAULT_SETTING) -> LatencyTable:
    """All candidates of every layer, with MACs, bits of weights and bytes of ROM; no latencies."""
    widths = input_widths(network, setting)
    rows = [
        (layer, Precision(b_in, b_wt))
        for layer in network.layers
        for b_in, b_wt in product(widths[layer.name], setting.bits)
    ]
    names = [layer.name for layer in network.layers]
    counts = [len(widths[name]) * len(setting.bits) for name in names]
    offsets, precisions = np.cumsum([0, *counts]), tuple(p for _, p in rows)
    columns = {
        "macs": np.array([layer.macs for layer, _ in rows]),
        "weight_bits_total": np.array([int(layer.weights * p.b_wt) for layer, p in rows]),
        "rom": rom_costs(network, names, offsets, precisions, setting.scheme),
    }
    return LatencyTable(
        tuple(names),
        offsets,
        precisions,
        columns,
        units={"rom": "byte", "weight_bits_total": "bit"},
        b_in_groups=tuple(input_labels(network, setting.rules).values()),
        provenance=Provenance.DERIVED,
        source=network.name,
    )


def mcu_problem(
    network: Network,
    rom: int | None = None,
    ram: int | None = None,
    *,
    loss: str | None = None,
    sensitivities: LatencyTable | str | PathLike[str] | None = None,
    setting: Setting = DEFAULT_SETTING,
) -> Problem:
    """The problem of least loss within ROM and RAM.

    Parameters
    ----------
    network
        The network.
    rom, ram
        Bytes; None for no limit.
    loss
        One of `mpsolve.building.proxies.PROXIES`; by default ``noise-macs``, or ``sensitivity`` if
        there are any.
    sensitivities
        Sensitivities of the same layers, or the file in which they were written.
    setting
        What may be chosen.
    """
    if loss is None and sensitivities is None:
        loss = DEFAULT_LOSS
    limits = {"rom": rom, "ram": ram}
    request = Request(
        mcu_table(network, setting),
        loss,
        {name: limit for name, limit in limits.items() if limit is not None},
        costs=("rom",),
        sensitivities=sensitivities,
        network=network,
        rules=setting.rules,
        scheme=setting.scheme,
    )
    return posed(request)[0]
