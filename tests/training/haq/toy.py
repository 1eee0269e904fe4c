"""Networks, sensitivities and an optimum that can be enumerated."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.networks.builder import NetworkBuilder
from mpsolve.profiles.table import LatencyTable

if TYPE_CHECKING:
    from mpsolve.profiles.networks import Network

BITS = (2, 4, 8)


def eight() -> Network:
    """Eight layers, one after the other."""
    net = NetworkBuilder("eight")
    x = net.conv("l0", net.input(3, 16, 16), 8, kernel=3)
    x = net.pw("l2", net.dw("l1", x), 16)
    x = net.pw("l4", net.dw("l3", x, stride=2), 32)
    x = net.pw("l6", net.dw("l5", x, stride=2), 64)
    return net.build(net.linear("l7", net.global_pool("pool", x), 10))


#: Weights of `eight` by hand: 3*8*9, 8*9, 8*16, 16*9, 16*32, 32*9, 32*64, 64*10.
WEIGHTS = (216, 72, 128, 144, 512, 288, 2048, 640)


def residual() -> Network:
    """Four layers and an adder, whose first input waits beside the two layers of the branch."""
    net = NetworkBuilder("residual")
    x = net.conv("stem", net.input(1, 8, 8), 4, kernel=3)
    y = net.pw("squeeze", net.dw("dw", x), 4)
    return net.build(net.linear("fc", net.global_pool("pool", net.add("add", x, y)), 5))


def sensitivities(network: Network, losses: dict[str, list[float]]) -> LatencyTable:
    """Losses of weights in 2, 4 and 8 bits, whatever the bits of the input."""
    rows = [
        (layer.name, Precision(b_in, b_wt), losses[layer.name][i])
        for layer in network.layers
        for b_in in BITS
        for i, b_wt in enumerate(BITS)
    ]
    layers = [layer.name for layer in network.layers]
    return LatencyTable(
        tuple(layers),
        np.arange(0, len(rows) + 1, 9),
        tuple(precision for _, precision, _ in rows),
        {"sensitivity": np.array([loss for _, _, loss in rows])},
        provenance=Provenance.DERIVED,
        source=network.name,
    )


def toy_losses(seed: int = 7) -> dict[str, list[float]]:
    """Random losses of the layers of `eight`: all in 2 bits, a third in 4 bits, none in 8."""
    rng = np.random.default_rng(seed)
    return {f"l{i}": [c, 0.3 * c, 0.0] for i, c in enumerate(rng.uniform(0.2, 1, 8).tolist())}


def least_loss(losses: dict[str, list[float]], rom: int) -> float:
    """The optimum of `eight` within so many bytes of weights, among all 6561 assignments."""
    found = []
    for choice in product(range(3), repeat=8):
        if sum(n * BITS[k] // 8 for n, k in zip(WEIGHTS, choice, strict=True)) <= rom:
            found.append(sum(losses[f"l{i}"][k] for i, k in enumerate(choice)))
    return min(found)
