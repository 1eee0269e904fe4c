"""The order of execution with the least peak of memory, all tensors in one bit-width.

States are the sets of nodes that have run (down-sets of the graph): what is in memory depends on
the set alone, not on the order within it. The least peak is therefore a path of least maximum
between the empty and the full set, which Dijkstra's algorithm finds; sets are taken in the order
of their peaks, so that few of them are ever looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush, nsmallest
from typing import TYPE_CHECKING, NamedTuple

from mpsolve.errors import NoSolutionError
from mpsolve.profiles.memory.liveness import check_in_place, live_tensors, owners
from mpsolve.profiles.memory.packing import packed_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mpsolve.profiles.networks.network import Network, Node

#: Sets of nodes that are expanded before the search gives way to a beam: some seconds' worth.
MAX_STATES = 100_000
#: Sets of nodes of one size that the beam keeps.
BEAM = 500


@dataclass(frozen=True, slots=True)
class Order:
    """An order of execution.

    Attributes
    ----------
    nodes
        Names of all nodes.
    peak
        The most bytes of activations that are in memory at once.
    proven
        Whether no other order has a lower peak.
    """

    nodes: tuple[str, ...]
    peak: int
    proven: bool


def best_order(
    network: Network,
    bits: float = 8,
    *,
    in_place: Collection[str] = (),
    max_states: int = MAX_STATES,
) -> Order:
    """The order of execution with the least peak.

    Parameters
    ----------
    network
        The network.
    bits
        The bit-width of all activations.
    in_place
        Operators that write over an input, as in `live_tensors`.
    max_states
        How many sets of nodes the exact search may expand. Beyond, a beam search keeps the
        `BEAM` sets of least peak among those of equal size; its order is proven only if no order
        can be better, since some node needs as much by itself.
    """
    check_in_place(in_place)
    graph = _Graph(network, bits, in_place)
    own = peak_of(network, bits, [node.name for node in network.nodes], in_place)
    if own == graph.bound:
        return Order(tuple(node.name for node in network.nodes), own, proven=True)
    try:
        state, proven = _dijkstra(graph, max_states), True
    except NoSolutionError:
        state, proven = _beam(graph), False
    if state.peak >= own:
        return Order(tuple(node.name for node in network.nodes), own, proven)
    return Order(graph.with_reshapes(_path(state)), state.peak, proven or state.peak == graph.bound)


def peak_of(
    network: Network,
    bits: float = 8,
    order: Collection[str] | None = None,
    in_place: Collection[str] = (),
) -> int:
    """The peak of an order in bytes, with all activations in one bit-width."""
    sizes = {tensor: packed_bytes(network.elements(tensor), bits) for tensor in network.tensors}
    moments = live_tensors(network, None if order is None else tuple(order), in_place)
    return max(sum(sizes[tensor] for tensor in moment.tensors) for moment in moments)


class _State(NamedTuple):
    """A set of nodes that have run, with the best way to it."""

    peak: int
    waiting: int
    live: int
    done: int
    step: int
    before: _State | None


class _Graph:
    """The nodes that compute something as bits of integers, and their tensors in bytes."""

    def __init__(self, network: Network, bits: float, in_place: Collection[str]) -> None:
        self.network = network
        self.nodes = [node for node in network.nodes if node.operator != "reshape"]
        owner = owners(network)
        self.size = {t: packed_bytes(network.elements(t), bits) for t in set(owner.values())}
        self.reads = [tuple({owner[t] for t in node.inputs}) for node in self.nodes]
        writer = {node.output: i for i, node in enumerate(self.nodes)}
        self.needs = [sum(1 << writer[t] for t in ts if t in writer) for ts in self.reads]
        self.readers = dict.fromkeys(self.size, 0)
        for i, tensors in enumerate(self.reads):
            for tensor in tensors:
                self.readers[tensor] |= 1 << i
        for tensor in network.outputs:  # read by one that never runs
            self.readers[owner[tensor]] |= 1 << len(self.nodes)
        self.full = (1 << len(self.nodes)) - 1
        self.places = [self._places(node, owner) if node.operator in in_place else ()
                       for node in self.nodes]  # fmt: skip
        self.start = sum(self.size[t] for t in network.inputs if self.readers[t])
        self.bound = max(self.start, *map(self._least, range(len(self.nodes))))

    def _places(self, node: Node, owner: dict[str, str]) -> tuple[str, ...]:
        """The inputs over which a node may write, once nothing else needs them."""
        elements = self.network.elements(node.output)
        return tuple({owner[t] for t in node.inputs if self.network.elements(t) == elements})

    def _least(self, i: int) -> int:
        """What a node needs in every order."""
        read = sum(self.size[tensor] for tensor in self.reads[i])
        return read + (0 if self.places[i] else self.size[self.nodes[i].output])

    def steps(self, state: _State) -> Iterator[_State]:
        """The sets with one more node.

        A node that leaves no more in memory than there was, and needs no more than was needed
        before, can run at once: later it would need as much or more, and so would all nodes
        before it.
        """
        following = []
        for i, needs in enumerate(self.needs):
            if state.done >> i & 1 or needs & ~state.done:
                continue
            step = self._step(state, i)
            if step.live <= state.live and step.peak <= max(state.peak, self.bound):
                yield step
                return
            following.append(step)
        yield from following

    def _step(self, state: _State, i: int) -> _State:
        done, output = state.done | 1 << i, self.nodes[i].output
        dying = [tensor for tensor in self.reads[i] if not self.readers[tensor] & ~done]
        placed = any(tensor in self.places[i] for tensor in dying)
        most = state.live + (0 if placed else self.size[output])
        live = state.live - sum(self.size[tensor] for tensor in dying)
        live += self.size[output] if self.readers[output] else 0
        return _State(max(state.peak, most), state.waiting - 1, live, done, i, state)

    def first(self) -> _State:
        """The state in which nothing has run."""
        return _State(self.start, len(self.nodes), self.start, 0, -1, None)

    def with_reshapes(self, steps: list[int]) -> tuple[str, ...]:
        """The names of the nodes in order, each reshape as soon as it can be."""
        names: list[str] = []
        known = set(self.network.inputs)
        left = [node for node in self.network.nodes if node.operator == "reshape"]

        def reshape() -> None:
            for node in tuple(left):  # in network order, so that chains run through
                if node.inputs[0] in known:
                    left.remove(node)
                    known.add(node.output)
                    names.append(node.name)

        reshape()
        for i in steps:
            names.append(self.nodes[i].name)
            known.add(self.nodes[i].output)
            reshape()
        return tuple(names)


def _dijkstra(graph: _Graph, max_states: int) -> _State:
    """The full set with its least peak; among equal peaks, larger sets first."""
    heap = [graph.first()]
    seen: set[int] = set()
    while heap:
        state = heappop(heap)
        if state.done == graph.full:
            return state
        if state.done in seen:
            continue
        if len(seen) >= max_states:
            break
        seen.add(state.done)
        for step in graph.steps(state):
            if step.done not in seen:
                heappush(heap, step._replace(peak=max(step.peak, graph.bound)))
    raise NoSolutionError("The sets of nodes are too many.")


def _beam(graph: _Graph) -> _State:
    """The full set by way of the sets of least peak and least memory of every size."""
    level = [graph.first()]
    for _ in graph.nodes:
        best: dict[int, _State] = {}
        for state in level:
            for step in graph.steps(state):
                known = best.get(step.done)
                if known is None or step.peak < known.peak:
                    best[step.done] = step
        level = nsmallest(BEAM, best.values(), key=lambda state: (state.peak, state.live))
    return level[0]._replace(peak=max(level[0].peak, graph.bound))


def _path(state: _State) -> list[int]:
    steps = []
    while state.before is not None:
        steps.append(state.step)
        state = state.before
    return steps[::-1]
