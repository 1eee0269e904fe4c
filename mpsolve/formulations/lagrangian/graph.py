"""The layered graph: choice groups as stages, what couples neighbours as states.

A path from the source to the sink takes one arc, that is one joint candidate, per stage. A row
over few groups (the RAM of a node, a tie of bit-widths) and a pairwise term are *pending* between
their first and their last stage; the nodes between two stages are the different states of what is
pending. Such rows are kept by every path. The other rows, budgets above all, are *resources*: their
weights add up along a path and must not exceed a capacity. What remains is a shortest path problem
with resource constraints (Handler and Zang 1980; Beasley and Christofides 1989).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.lagrangian.order import stage_order
from mpsolve.formulations.lagrangian.pending import PendingPair, PendingRow, WholeRow, whole_rows

if TYPE_CHECKING:
    from mpsolve.formulations.binary_model import BinaryModel
    from mpsolve.typing import BoolArray, FloatArray, IntArray

#: A row that may have more different partial sums than this is a resource ...
MAX_STATES = 256
#: ... and with a graph that gets too large, one that may have more than this part of them.
FEWER = 1 / 4
#: More arcs than this in one stage are left to other methods.
MAX_ARCS = 2**18


@dataclass(frozen=True, eq=False)
class LayeredGraph:
    """Stages of arcs between layers of nodes; node 0 is the source, the last one the sink.

    Attributes
    ----------
    groups
        ``(G,)`` int64, the choice group of each stage.
    nodes
        ``(G + 2,)`` int64, where the nodes before each stage, and the sink, begin and end.
    arcs
        ``(G + 1,)`` int64, where the arcs of each stage begin and end.
    tail, head
        ``(A,)`` int64 nodes, by increasing tail.
    candidate
        ``(A,)`` int64, the candidate of the stage's group that an arc takes.
    loss
        ``(A,)`` int64.
    weight
        ``(A, R)`` int64.
    capacity
        ``(R,)`` int64, the limits on the weights of a path.
    """

    groups: IntArray
    nodes: IntArray
    arcs: IntArray
    tail: IntArray
    head: IntArray
    candidate: IntArray
    loss: IntArray
    weight: IntArray
    capacity: IntArray

    @property
    def stages(self) -> int:
        """How many arcs a path has."""
        return len(self.arcs) - 1

    def choice(self, path: IntArray) -> IntArray:
        """``(G,)`` the candidates of the groups along a path, which is one arc per stage."""
        choice = np.empty(len(path), np.int64)
        choice[self.groups] = self.candidate[path]
        return choice

    @cached_property
    def most(self) -> int:
        """No path loses more."""
        return int(np.maximum.reduceat(self.loss, self.arcs[:-1]).sum())

    @cached_property
    def heaviest(self) -> FloatArray:
        """``(R,)`` no path weighs more."""
        return np.maximum.reduceat(self.weight, self.arcs[:-1]).sum(0).astype(np.float64)

    @property
    def empty(self) -> bool:
        """Whether a stage has no arc, so that there is no path."""
        return bool((np.diff(self.arcs) == 0).any())

    def rounding(self, multiplier: FloatArray) -> float:
        """What doubles may hide in a sum of prices along a path, less the priced capacity."""
        terms = self.stages + 2 * len(multiplier) + 8
        largest = self.most + float(multiplier @ (self.heaviest + self.capacity))
        return terms * 2.0**-52 * largest

    def kept(self, keep: BoolArray) -> LayeredGraph:
        """The graph with some of its arcs; nodes without an arc stay."""
        return replace(
            self,
            arcs=np.concatenate(([0], np.cumsum(keep)))[self.arcs],
            tail=self.tail[keep],
            head=self.head[keep],
            candidate=self.candidate[keep],
            loss=self.loss[keep],
            weight=self.weight[keep],
        )


def layered_graph(model: BinaryModel) -> LayeredGraph | None:
    """Build the graph of a model.

    Returns
    -------
    The graph, or None where even with all rows that allow it as resources a stage has more than
    `MAX_ARCS` arcs.
    """
    rows, most = whole_rows(model), float(MAX_STATES)
    while True:
        local = [row for row in rows if row.equal or row.states <= most]
        resources = [row for row in rows if not (row.equal or row.states <= most)]
        built = _Builder(model, local, resources).run()
        if built is not None or most < 1:
            return built
        most *= FEWER


class _Builder:
    """Runs through the groups and numbers the states."""

    def __init__(
        self, model: BinaryModel, local: list[WholeRow], resources: list[WholeRow]
    ) -> None:
        self.model = model
        self.resources = resources
        self.order = stage_order(model, local, resources)
        position = np.argsort(self.order)
        self.rows: dict[int, list[PendingRow]] = {}
        self.pairs: dict[int, list[PendingPair]] = {}
        for row in local:
            pending = PendingRow(model, row, position)
            for g in pending.own:
                self.rows.setdefault(g, []).append(pending)
        for p, groups in enumerate(model.pairs.tolist()):
            pair = PendingPair(model, p, resources, position)
            for g in groups:
                self.pairs.setdefault(g, []).append(pair)

    def run(self) -> LayeredGraph | None:
        """The graph, or None where it would become too large."""
        model = self.model
        numbers = np.stack([model.losses, *(row.coefficients for row in self.resources)])
        states: dict[PendingRow | PendingPair, IntArray] = {}
        nodes, arcs, parts = [0, 1], [0], []
        for g in self.order.tolist():
            own = numbers[:, model.offsets[g] : model.offsets[g + 1]]
            shape = (nodes[-1] - nodes[-2], own.shape[1])
            if shape[0] * shape[1] > MAX_ARCS:
                return None
            values = np.repeat(own[:, None], shape[0], 1)
            possible = np.ones(shape, bool)
            following = {
                key: np.broadcast_to(state[:, None], shape) for key, state in states.items()
            }
            for row in self.rows.get(g, ()):
                sums = states.get(row, np.zeros(shape[0], np.int64))
                following[row], keeps = row.advance(sums, g)
                possible &= keeps
                if g == row.last:
                    del following[row]
            for pair in self.pairs.get(g, ()):
                if g == pair.first:
                    following[pair] = np.broadcast_to(pair.kind, shape)
                else:
                    values += pair.values[:, states[pair]]
                    del following[pair]
            tail, candidate = np.nonzero(possible)
            head, firsts = _numbered([state[possible] for state in following.values()], len(tail))
            states = {key: state[possible][firsts] for key, state in following.items()}
            parts.append((nodes[-2] + tail, nodes[-1] + head, candidate, *values[:, possible]))
            nodes.append(nodes[-1] + len(firsts))
            arcs.append(arcs[-1] + len(tail))
        tail, head, candidate, loss, *weights = map(np.concatenate, zip(*parts, strict=True))
        return LayeredGraph(
            groups=self.order,
            nodes=np.array(nodes),
            arcs=np.array(arcs),
            tail=tail,
            head=head,
            candidate=candidate,
            loss=loss,
            weight=np.array(weights, np.int64).reshape(len(weights), len(loss)).T.copy(),
            capacity=np.array([row.upper for row in self.resources], np.int64),
        )


def _numbered(columns: list[IntArray], count: int) -> tuple[IntArray, IntArray]:
    """Number the different rows of some columns, and where each occurs first."""
    key = np.zeros(count, np.int64)
    for column in columns:
        values, rank = np.unique(column, return_inverse=True)
        _, key = np.unique(key * len(values) + rank, return_inverse=True)
    _, firsts, number = np.unique(key, return_index=True, return_inverse=True)
    return number, firsts
