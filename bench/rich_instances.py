"""Seeded problems with two budgets, a RAM row for every node and residual ties.

The geometry is that of MobileNetV2 (Sandler et al., CVPR 2018, table 2), or of the same network
with more blocks; losses, latencies and their noise are drawn. Nothing here is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mpsolve import LinearConstraint, PairwiseTerm, Precision, Problem, Tie
from mpsolve.profiles.networks.architectures.mobilenet_v2 import STAGES

if TYPE_CHECKING:
    from mpsolve.typing import FloatArray, IntArray

BITS = (2, 4, 8)
PRECISIONS = tuple(Precision(b_in, b_wt) for b_in in BITS for b_wt in BITS)
INPUT_SIZE = 224
#: Nodes -> blocks beside those of MobileNetV2.
MORE_BLOCKS = {53: 0, 224: 57}


@dataclass(frozen=True)
class Tightness:
    """Where the limits lie between the least (0) and the greatest (1) achievable value.

    ``conversion`` is what it costs, in cycles, when the inputs of two neighbours differ in bits.
    """

    latency: float
    rom: float
    ram: float
    conversion: int = 0


TIGHTNESS = {
    "loose": Tightness(0.5, 0.5, 0.7),
    "tight": Tightness(0.2, 0.25, 0.5),
    "tight RAM": Tightness(0.35, 0.4, 0.15),
    "conversions": Tightness(0.35, 0.4, 0.5, conversion=20_000),
}


@dataclass(frozen=True)
class Node:
    """One layer: values in its input and output, multiply-accumulates and weights.

    ``skip`` is the position of the node whose input waits beside this one for an addition, or -1;
    ``joins`` that of the node whose input is added to the output of this one, or -1.
    """

    name: str
    inputs: int
    outputs: int
    macs: int
    weights: int
    skip: int = -1
    joins: int = -1


def mobilenet_v2(more_blocks: int = 0) -> list[Node]:
    """The nodes of MobileNetV2 (53), with so many blocks added to the middle stages in turn."""
    repeats = [n for _, _, n, _ in STAGES]
    for k in range(more_blocks):
        repeats[1 + k % (len(repeats) - 2)] += 1
    size, channels = INPUT_SIZE // 2, 32
    nodes = [_convolution("conv0", 3, channels, INPUT_SIZE, size, 9)]
    for s, ((expansion, out, _, stride), blocks) in enumerate(zip(STAGES, repeats, strict=True)):
        for b in range(blocks):
            step = stride if b == 0 else 1
            first = len(nodes) if step == 1 and out == channels else -1
            nodes += _block(f"b{s}.{b}", first, channels, out, expansion, size, step)
            size, channels = size // step, out
    nodes.append(_convolution("conv_last", channels, 1280, size, size, 1))
    nodes.append(_convolution("fc", 1280, 1000, 1, 1, 1))
    return nodes


def _block(
    name: str, first: int, channels: int, out: int, expansion: int, size: int, step: int
) -> list[Node]:
    """Expansion, depthwise and projection of an inverted residual that begins at ``first``.

    It is -1 where nothing is added.
    """
    wide, small = channels * expansion, size // step
    parts = []
    if expansion > 1:
        parts.append(_convolution(f"{name}.expand", channels, wide, size, size, 1))
    parts.append(
        Node(
            f"{name}.dw",
            wide * size**2,
            wide * small**2,
            9 * wide * small**2,
            9 * wide,
            first,
        )
    )
    project = _convolution(f"{name}.project", wide, out, small, small, 1)
    parts.append(Node(**{**vars(project), "skip": first, "joins": first}))
    return parts


def _convolution(name: str, inputs: int, outputs: int, size: int, small: int, area: int) -> Node:
    weights = inputs * outputs * area
    return Node(name, inputs * size**2, outputs * small**2, weights * small**2, weights)


def rich_problem(seed: int, tightness: Tightness, *, more_blocks: int = 0) -> Problem:
    """Least loss within a latency and a ROM budget, a RAM limit at every node, residual ties.

    Parameters
    ----------
    seed
        Draws losses and latencies.
    tightness
        Where the limits lie.
    more_blocks
        Blocks beside those of MobileNetV2; 57 of them make 224 nodes.
    """
    rng = np.random.default_rng(seed)
    nodes = mobilenet_v2(more_blocks)
    b_in = np.array([p.b_in for p in PRECISIONS], float)
    b_wt = np.array([p.b_wt for p in PRECISIONS], float)
    macs = np.array([node.macs for node in nodes])[:, None]
    weights = np.array([node.weights for node in nodes])[:, None]
    shape = (len(nodes), len(PRECISIONS))
    sensitivity = 10.0 ** rng.uniform(-1.5, 1.5, (2, len(nodes), 1))
    noise = rng.lognormal(0.0, 0.2, shape)
    loss = (sensitivity[0] * 4.0**-b_in + sensitivity[1] * 4.0**-b_wt) * noise
    per_cycle = 16.0 / np.maximum(b_in, b_wt) * (1 - 0.25 * (b_in != b_wt))
    latency = (macs / per_cycle * rng.lognormal(0.0, 0.15, shape)).astype(np.int64) + 2000
    rom = (weights * b_wt).astype(np.int64) // 8
    names = tuple(node.name for node in nodes)
    costs = {"latency": latency, "rom": rom}
    limits = {name: _between(c, getattr(tightness, name)) for name, c in costs.items()}
    return Problem.from_arrays(
        loss,
        costs,
        limits,
        layers=names,
        precisions=PRECISIONS,
        ties=_residual_ties(nodes),
        constraints=_ram_rows(nodes, tightness.ram),
        pairwise=_conversions(names, tightness.conversion),
        source=f"MobileNetV2-like, {len(nodes)} nodes, seed {seed}",
    )


def _between(costs: IntArray, part: float) -> int:
    least, most = int(costs.min(1).sum()), int(costs.max(1).sum())
    return least + int(part * (most - least))


def _conversions(names: tuple[str, ...], cycles: int) -> list[PairwiseTerm]:
    """Requantisation wherever the inputs of two neighbours differ in bits."""
    b_in = np.array([p.b_in for p in PRECISIONS])
    values = cycles * (b_in[:, None] != b_in)
    if not cycles:
        return []
    return [PairwiseTerm(a, b, values, "latency", "conversion") for a, b in pairwise(names)]


def _residual_ties(nodes: list[Node]) -> list[Tie]:
    """What is added has the bit-width of the sum: equal inputs before and after a block."""
    return [
        Tie((nodes[node.joins].name, nodes[i + 1].name), "b_in", f"residual of {node.name}")
        for i, node in enumerate(nodes)
        if node.joins >= 0
    ]


def _ram_rows(nodes: list[Node], part: float) -> list[LinearConstraint]:
    """Input, output and waiting tensors of every node, in bytes (M2 of HAQ-MCU)."""
    bytes_per_value = np.array([p.b_in / 8 for p in PRECISIONS])
    rows: list[dict[str, FloatArray]] = []
    for i, node in enumerate(nodes):
        terms = {node.name: node.inputs * bytes_per_value}
        if i + 1 < len(nodes):
            terms[nodes[i + 1].name] = node.outputs * bytes_per_value
        if node.skip >= 0:
            terms[nodes[node.skip].name] = nodes[node.skip].inputs * bytes_per_value
        rows.append(terms)
    least = max(sum(float(c.min()) for c in terms.values()) for terms in rows)
    most = max(sum(float(c.max()) for c in terms.values()) for terms in rows)
    limit = np.floor(least + part * (most - least))
    return [
        LinearConstraint(f"RAM of {node.name}", terms, float(limit))
        for node, terms in zip(nodes, rows, strict=True)
    ]
