"""Make the integer graph of a model with quantisers, node by node of its traced graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch

from mpsolve.deploy.graph import Graph
from mpsolve.deploy.network import IntegerNetwork
from mpsolve.deploy.requantise import integer_bias
from mpsolve.deploy.sums import (
    Codes,
    LayerSums,
    Sums,
    Target,
    unsupported,
)
from mpsolve.deploy.tensor import ACCUMULATOR_BITS, Tensor, limits
from mpsolve.errors import InputError
from mpsolve.training.deployment import layers, pools
from mpsolve.training.deployment.nodes import operator_name
from mpsolve.training.deployment.walk import Walk
from mpsolve.training.quantisers.quantiser import Mode, Quantiser

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import fx

    from mpsolve.training.wrapping.quantised_model import QuantisedModel
    from mpsolve.typing import FloatArray

Clip: TypeAlias = Literal["exact", "kernels"]
#: Larger than every code.
_BEYOND = 1 << 16


def integerise(
    model: QuantisedModel, *, width: int = 32, name: str = "", clip: Clip = "exact"
) -> IntegerNetwork:
    """The network that computes with integers what a model computes on quantised values.

    Batch normalisation is part of the requantisation of the layer before it, an activation part
    of its clip, and weights are the codes of their quantisers. The last layer returns its
    accumulators, in whose steps its bias is rounded: with few bits, steps are coarse.

    Parameters
    ----------
    model
        The model, in evaluation: batch normalisation takes its running statistics.
    width
        In how many bits kernels compute ``k acc + l``: 32 or 64.
    name
        Of the graph; by default that of the network.
    clip
        Activations may use fewer codes than their bits hold: ReLU in front of an adder whose
        other input has a sign, or ReLU6 where the threshold was learned to lie above 6. ``exact``
        clips as the model does, which DORY cannot express. ``kernels`` clips to all codes of the
        bits, without a sign where nothing is negative: the same step, but values beyond the
        threshold are kept.

    Raises
    ------
    InputError
        If something cannot be computed with integers, in one sentence that names the node.
    """
    if clip not in ("exact", "kernels"):
        raise InputError(f"clip is exact or kernels, not {clip!r}.")
    with model.mode(Mode.QUANTISE), torch.no_grad():
        return Integeriser(model, width, name or model.network.name, clip).network()


#: What makes codes or sums of a node, by its operator.
VISITS: dict[str, Callable[[Walk, fx.Node, str], Codes | Sums]] = {
    **dict.fromkeys(("conv2d", "linear"), layers.weighted),
    **dict.fromkeys(("batchnorm2d", "batchnorm1d"), layers.batch_norm),
    **dict.fromkeys(("relu", "relu6", "hardtanh", "clamp", "clip", "clampmin"), layers.clamp),
    "add": pools.add,
    "maxpool2d": pools.max_pool,
    **dict.fromkeys(("avgpool2d", "adaptiveavgpool2d", "mean"), pools.average_pool),
    **dict.fromkeys(("flatten", "reshape", "view", "squeeze"), pools.flatten),
    **dict.fromkeys(("identity", "dropout", "dropout2d", "contiguous"), pools.identity),
}


class Integeriser(Walk):
    """Makes the graph on a walk."""

    def __init__(self, model: QuantisedModel, width: int, name: str, clip: Clip) -> None:
        super().__init__(model)
        self.width, self.name, self.clip = width, name, clip

    def network(self) -> IntegerNetwork:
        """The finished network."""
        for node in self.program.graph.nodes:
            if node.op == "output":
                return self._finish(node)
            if node.op == "placeholder":
                self.values[node] = None  # real, until it is quantised
            elif node.op != "get_attr" and node in self.shapes:
                value = self._value(node)
                if value is not None:
                    self.values[node] = value
        raise AssertionError("a graph ends with its output")

    def _value(self, node: fx.Node) -> Codes | Sums | None:
        if node.op == "call_module":
            module = self.program.get_submodule(str(node.target))
            if isinstance(module, Quantiser):
                return self._quantise(node, module)
        name = operator_name(self.program, node)
        visit = VISITS.get(name)
        if visit is None:
            if not any(x in self.values for x in node.all_input_nodes):
                return None  # computed from parameters alone
            raise unsupported(node.name, f"the operator {name} has no integer form")
        return visit(self, node, name)

    def _quantise(self, node: fx.Node, quantiser: Quantiser) -> Codes | Sums | None:
        (x,) = node.all_input_nodes
        if x not in self.values:
            return None  # weights
        if getattr(quantiser, "threshold", 0) is None:
            raise unsupported(node.name, "its threshold follows every tensor; observe a constant")
        grid, value = quantiser.grid, self.values[x]
        scale = float(quantiser.scale_for(torch.zeros(1, device=self.device)))
        if isinstance(value, Codes):
            raise unsupported(node.name, f"{x.name} is quantised twice")
        if value is None:
            if self.input:
                raise unsupported(node.name, "there is a second input")
            self.input = x.name
            tensor = self.tensor(x.name, self.shape(node), grid.bits, grid.signed, scale)
            self.sources[x.name] = (x.name, node.name)
            return Codes(tensor, scale)
        clip = (
            max(grid.lowest, _code(value.low, scale)),
            min(grid.highest, _code(value.high, scale)),
        )
        signed = grid.signed
        if self.clip == "kernels":
            signed = signed and clip[0] < 0
            clip = limits(grid.bits, signed)
        written = [*(f"{x.name}.{i}" for i in range(len(value.after))), x.name]
        target = Target(written[0], scale, grid.bits, signed, clip, self.width)
        self.nodes.append(value.write(target))
        tensor = self.tensor(written[0], value.shape, grid.bits, signed, scale)
        for (make, shape), before, after in zip(
            value.after, written[:-1], written[1:], strict=True
        ):
            self.nodes.append(make(before, after))
            tensor = self.tensor(after, shape, grid.bits, signed, scale)
        self.sources[tensor.name] = (value.name, node.name)
        return Codes(tensor, scale)

    def _finish(self, node: fx.Node) -> IntegerNetwork:
        result = node.args[0]
        value = self.values.get(result) if hasattr(result, "op") else None  # type: ignore[arg-type]
        if value is None:
            raise InputError(f"{self.name}: an integer network returns one tensor, not {result}.")
        if isinstance(value, Codes):
            output, scale = value.tensor.name, np.array(value.scale)
        else:
            output, scale = self._last(value, str(result))
        graph = Graph(self.name, tuple(self.tensors), tuple(self.nodes), self.input, output)
        return IntegerNetwork(graph, self.scales, scale, self.sources, self.model.configuration)

    def _last(self, value: Sums, output: str) -> tuple[str, FloatArray]:
        """A final layer, which returns its accumulators."""
        if not (isinstance(value, LayerSums) and value.plain and not value.normalised):
            raise unsupported(
                output,
                "the output must be that of a layer, without batch normalisation, activation or "
                "pool behind it",
            )
        bias = integer_bias(value.offset, 1.0, value.slope) if value.offset.any() else None
        self.nodes.append(replace(value.layer, output=output, bias=bias))
        self.tensors.append(Tensor(output, value.shape, ACCUMULATOR_BITS, signed=True))
        self.sources[output] = (value.name, output)
        return output, value.slope


def _code(value: float, scale: float) -> int:
    """The nearest code; infinity is beyond all."""
    return int(np.rint(np.clip(value / scale, -_BEYOND, _BEYOND)))
