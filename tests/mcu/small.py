"""Small networks whose assignments can be enumerated, with sums in plain integers."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from mpsolve import Precision
from tests.profiles.networks.graphs import layer, network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.profiles.networks import Network

BITS = (2, 4, 8)


@st.composite
def chains(draw: st.DrawFn, most: int = 4) -> Network:
    """Layers one behind the other, each of one pixel."""
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=most + 1))
    names = ["x", *(f"l{i}" for i in range(len(sizes) - 1))]
    return network(
        *(layer(names[i + 1], names[i], sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1))
    )


def packed(count: int, bits: int) -> int:
    """Bytes of so many values, in whole bytes."""
    return math.ceil(count * bits / 8)


def assignments(net: Network) -> Iterator[tuple[dict[str, Precision], int, int, float]]:
    """Every assignment of a chain with its ROM, its RAM and its noise by MACs.

    The input has 8 bits, and so has the output, which nobody reads. The ROM holds weights and
    the tables of integer channel normalisation per channel; a node needs its input and output.
    """
    kinds = [one.layer_types[0] for one in net.layers]
    last = len(kinds) - 1
    tables = [
        7 * k.out_channels + 4 if i == last else 10 * k.out_channels + 8
        for i, k in enumerate(kinds)
    ]
    for inner in itertools.product(BITS, repeat=last):
        b_in = (8, *inner)
        ram = max(
            packed(k.inputs, b) + packed(k.outputs, after)
            for k, b, after in zip(kinds, b_in, (*inner, 8), strict=True)
        )
        for b_wt in itertools.product(BITS, repeat=last + 1):
            rom = sum(packed(k.weights, b) for k, b in zip(kinds, b_wt, strict=True)) + sum(tables)
            loss = math.fsum(
                k.macs * (4.0**-a + 4.0**-w) for k, a, w in zip(kinds, b_in, b_wt, strict=True)
            )
            names = (one.name for one in net.layers)
            chosen = dict(
                zip(names, itertools.starmap(Precision, zip(b_in, b_wt, strict=True)), strict=True)
            )
            yield chosen, rom, ram, loss


def least_loss(net: Network, rom: float, ram: float) -> float:
    """The least noise within both limits; inf where nothing fits."""
    return min(
        (loss for _, r, m, loss in assignments(net) if r <= rom and m <= ram), default=math.inf
    )
