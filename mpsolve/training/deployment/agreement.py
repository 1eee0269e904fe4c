"""How well an integer network agrees with the quantised model that it was made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import fx

from mpsolve.deploy.interpreter import execute, run_all
from mpsolve.deploy.tensor import ACCUMULATOR_BITS
from mpsolve.training.quantisers.quantiser import Mode

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.deploy.network import IntegerNetwork
    from mpsolve.training.wrapping.quantised_model import QuantisedModel
    from mpsolve.typing import IntArray


@dataclass(slots=True)
class Differences:
    """Between codes, counted.

    Attributes
    ----------
    values
        Codes compared.
    different
        Those that differ.
    largest
        The largest difference, in steps (LSB).
    """

    values: int = 0
    different: int = 0
    largest: int = 0

    @property
    def rate(self) -> float:
        """Share of codes that differ."""
        return self.different / self.values if self.values else 0.0

    def count(self, first: IntArray, second: IntArray) -> None:
        """Compare two arrays."""
        difference = np.abs(first - second)
        self.values += difference.size
        self.different += int(np.count_nonzero(difference))
        self.largest = max(self.largest, int(difference.max(initial=0)))


@dataclass(frozen=True, slots=True)
class NodeAgreement:
    """Of what one node writes with the activations of the model.

    Attributes
    ----------
    node
        The layer, adder or pool.
    tensor
        What it writes, after the pool or the flattening that may follow.
    own
        The differences that this node makes, given the codes of the model.
    total
        The differences to the model, given the images: also those that earlier nodes made.
    """

    node: str
    tensor: str
    own: Differences = field(default_factory=Differences)
    total: Differences = field(default_factory=Differences)


@dataclass(slots=True)
class Agreement:
    """Of an integer network with its model, on some images.

    Attributes
    ----------
    nodes
        For every tensor that has a quantiser, and the output, whose codes are accumulators.
    images
        How many there were.
    same_class
        For how many both have the same class, at every pixel where the output is a map.
    """

    nodes: tuple[NodeAgreement, ...]
    images: int = 0
    same_class: int = 0

    @property
    def class_rate(self) -> float:
        """Share of images with the same class."""
        return self.same_class / self.images if self.images else 0.0

    def __getitem__(self, node: str) -> NodeAgreement:
        """That of a node."""
        return next(entry for entry in self.nodes if entry.node == node)

    def __str__(self) -> str:
        lines = [f"{'node':24} {'own rate':>9} {'LSB':>4} {'total rate':>11} {'LSB':>4}"]
        lines += [
            f"{n.node:24} {n.own.rate:9.4%} {n.own.largest:4} {n.total.rate:11.4%} "
            f"{n.total.largest:4}"
            for n in self.nodes
        ]
        return "\n".join([*lines, f"same class: {self.same_class} of {self.images} images"])


@torch.no_grad()
def agreement(
    network: IntegerNetwork, model: QuantisedModel, images: Tensor, *, batch_size: int = 64
) -> Agreement:
    """Compare an integer network with the model that it was made of.

    Rounding differs in three places: half a step goes up here and to the even code there, which
    means of a few codes often meet; multipliers have a limited number of bits; and the model
    computes in single precision.

    Parameters
    ----------
    network, model
        What `integerise` returned, and what it was given.
    images
        ``(N, C, H, W)`` inputs of the model.
    batch_size
        How many are compared at once.
    """
    compared = {t: at for t, at in network.sources.items() if t != network.graph.input}
    result = Agreement(tuple(NodeAgreement(node, t) for t, (node, _) in compared.items()))
    device = next(model.parameters()).device
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with model.mode(Mode.QUANTISE):
            for batch in images.split(batch_size):
                recorder = _Recorder(model.program, {at for _, at in network.sources.values()})
                scores = recorder.run(batch.to(device))
                _compare(network, result, batch, scores, recorder.values)
    finally:
        for module, training in modes:
            module.training = training
    return result


def _compare(
    network: IntegerNetwork,
    result: Agreement,
    batch: Tensor,
    scores: Tensor,
    recorded: dict[str, Tensor],
) -> None:
    """Take in one batch."""
    graph = network.graph
    theirs = {
        tensor: _codes(network, tensor, recorded[at]) for tensor, (_, at) in network.sources.items()
    }
    ours = run_all(graph, network.input_codes(batch))
    given = {graph.input: theirs[graph.input]}
    entries = {entry.tensor: entry for entry in result.nodes}
    for node in graph.nodes:
        arrays = tuple(given[name] for name in node.inputs)
        own = execute(node, arrays, graph.inputs_of(node), graph[node.output])
        given[node.output] = theirs.get(node.output, own)
        if node.output in theirs:
            entries[node.output].own.count(own, theirs[node.output])
            entries[node.output].total.count(ours[node.output], theirs[node.output])
    output = ours[graph.output]
    shape = (1, -1, *[1] * (output.ndim - 2)) if network.output_scale.ndim else ()
    classes = (output * network.output_scale.reshape(shape)).argmax(1)
    result.images += len(batch)
    same = (classes == scores.argmax(1).cpu().numpy()).reshape(len(batch), -1)
    result.same_class += int(same.all(1).sum())


def _codes(network: IntegerNetwork, tensor: str, values: Tensor) -> IntArray:
    """The codes that quantised values stand for, or the nearest accumulators of real ones."""
    real = values.detach().cpu().double().numpy()
    if network.graph[tensor].bits < ACCUMULATOR_BITS:
        return np.rint(real / network.scales[tensor]).astype(np.int64)
    scale = network.output_scale
    if scale.ndim:
        scale = scale.reshape(1, -1, *[1] * (real.ndim - 2))
    return np.rint(real / scale).astype(np.int64)


class _Recorder(fx.Interpreter):
    """Keeps what some nodes compute."""

    def __init__(self, program: fx.GraphModule, nodes: set[str]) -> None:
        super().__init__(program)
        self.nodes = nodes
        self.values: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Also keep it; activations in place must not change it."""
        result = super().run_node(n)
        if n.name in self.nodes:
            self.values[n.name] = result.clone()
        return result
