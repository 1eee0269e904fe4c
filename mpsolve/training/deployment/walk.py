"""What stands for the nodes of a traced model while an integer graph is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mpsolve.deploy.sums import Codes, Sums, unsupported
from mpsolve.deploy.tensor import Tensor
from mpsolve.errors import InputError
from mpsolve.training.wrapping.tracing import shapes

if TYPE_CHECKING:
    from torch import fx

    from mpsolve.deploy.nodes import Node
    from mpsolve.training.wrapping.quantised_model import QuantisedModel


class Walk:
    """What is known of the nodes of a traced model, which are visited in order.

    Parameters
    ----------
    model
        The model.

    Attributes
    ----------
    program, layer_of, shapes
        Its traced graph, path of a weight -> layer, and node -> shape for one image.
    values
        Visited node -> what it stands for; None for the input before it is quantised.
    tensors, nodes
        Those of the integer graph so far.
    scales, sources
        As in `IntegerNetwork`.
    """

    def __init__(self, model: QuantisedModel) -> None:
        self.model, self.program = model, model.program
        self.device = next(model.parameters()).device
        self.layer_of = {path: layer for layer, path in model.weights.items()}
        self.shapes = _shapes(model, self.device)
        self.values: dict[fx.Node, Codes | Sums | None] = {}
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.scales: dict[str, float] = {}
        self.sources: dict[str, tuple[str, str]] = {}
        self.input = ""

    def operand(self, node: fx.Node, place: int = 0) -> Codes | Sums:
        """What stands for an argument."""
        x = node.args[place] if len(node.args) > place else node.kwargs.get("input")
        value = self.values.get(x) if hasattr(x, "all_input_nodes") else None  # type: ignore[arg-type]
        if value is None:
            raise unsupported(node.name, f"{x} is not quantised")
        return value

    def codes(self, node: fx.Node, place: int = 0) -> Codes:
        """An argument that is quantised."""
        value = self.operand(node, place)
        if isinstance(value, Sums):
            raise unsupported(
                node.name, f"it reads what {value.name} computes before anything quantises it"
            )
        return value

    def shape(self, node: fx.Node) -> tuple[int, ...]:
        """That of one image."""
        return self.shapes[node][1:]

    def tensor(
        self, name: str, shape: tuple[int, ...], bits: int, signed: bool, scale: float
    ) -> Tensor:
        """A new tensor of the graph."""
        if bits > 8:
            raise InputError(f"Tensor {name} has {bits} bits; integer networks have up to 8.")
        tensor = Tensor(name, shape, bits, signed)
        self.tensors.append(tensor)
        self.scales[name] = scale
        return tensor


def _shapes(model: QuantisedModel, device: torch.device) -> dict[fx.Node, tuple[int, ...]]:
    """Those of one image."""
    network = model.network
    if len(network.inputs) != 1:
        raise InputError(f"{network.name} reads {len(network.inputs)} tensors; only one is known.")
    shape = network.tensors[network.inputs[0]]
    for one in ((1, *shape), (1, shape[0])):
        try:
            return shapes(model.program, (torch.zeros(one, device=device),))[0]
        except RuntimeError as error:
            failure = str(error).partition("\n")[0]
    raise InputError(f"{network.name} cannot be run on one image of shape {shape}: {failure}.")
