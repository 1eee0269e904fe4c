"""What passes through the quantiser of an operand, and what the layers behind it compute."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mpsolve.training.sensitivity.operand import Operand, QuantisableModel

_LAYERS = (F.linear, F.conv1d, F.conv2d, F.conv3d)


@contextmanager
def substituted(
    model: QuantisableModel, operand: Operand, substitute: Callable[[Tensor, Tensor], Tensor]
) -> Iterator[None]:
    """Let an operand go on as ``substitute(x, y)``, for a while.

    ``x`` is what its quantiser is given, ``y`` what it returns. The quantiser of a group is called
    once for each of its tensors.
    """
    quantiser = model.quantiser(operand.layer, operand.kind)
    handle = quantiser.register_forward_hook(lambda _, args, y: substitute(args[0], y))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def differentiable(model: QuantisableModel, operand: Operand) -> Iterator[list[Tensor]]:
    """The tensors of an operand, with respect to which losses can be differentiated."""
    found: list[Tensor] = []

    def keep(x: Tensor, y: Tensor) -> Tensor:
        found.append(_traced(x))
        return found[-1].clone()

    with substituted(model, operand, keep):
        yield found


@torch.no_grad()
def perturbations(
    model: QuantisableModel, operand: Operand, bits: int, inputs: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """The tensors ``x`` of an operand in a float inference, and ``Q(x) - x``."""
    found: list[tuple[Tensor, Tensor]] = []

    def keep(x: Tensor, y: Tensor) -> Tensor:
        found.append((x.clone(), y - x))
        return x

    with (
        model.quantise_only(operand.layer, operand.kind, bits),
        substituted(model, operand, keep),
    ):
        model(inputs)
    return found


@contextmanager
def layer_outputs(model: QuantisableModel, layers: Iterable[str]) -> Iterator[list[Tensor]]:
    """What layers compute from their inputs and weights, in the order of their calls.

    A layer is recognised by the weights that come out of their quantiser. Losses can be
    differentiated with respect to the outputs.

    Raises
    ------
    InputError
        If the model was called and its layers were not recognised.
    """
    layers = tuple(layers)
    watch = _Watch()
    handles = [
        model.quantiser(layer, "weight").register_forward_hook(watch.weights_pass)
        for layer in layers
    ]
    try:
        with watch:
            yield watch.outputs
        if watch.weights and not watch.outputs:
            raise InputError(
                f"Layer {', '.join(layers)} is no linear layer and no convolution of PyTorch; "
                "choose a metric that looks at the operands or at the loss."
            )
    finally:
        for handle in handles:
            handle.remove()


class _Watch(TorchFunctionMode):
    """Sees the calls of layers, whose weights it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[Tensor] = []
        self.outputs: list[Tensor] = []

    def weights_pass(self, quantiser: object, args: Any, weights: Tensor) -> Tensor:
        self.weights.append(weights.view_as(weights))  # an object that no other layer has
        return self.weights[-1]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func not in _LAYERS:
            return result
        given = (*args, *(kwargs or {}).values())
        if not any(value is weights for value in given for weights in self.weights):
            return result
        self.outputs.append(_traced(result) if torch.is_grad_enabled() else result)
        return self.outputs[-1].clone()


def _traced(x: Tensor) -> Tensor:
    """The same values, in a graph that begins at the latest here, safe from changes in place."""
    return x.clone() if x.requires_grad else x.detach().clone().requires_grad_()


def per_example(x: Tensor, count: int) -> Tensor:
    """``(count,)`` float64 sums of a tensor whose first axis goes over the examples."""
    return x.reshape(count, -1).double().sum(1)


def stream(*identity: object) -> torch.Generator:
    """A generator that depends on what it is for alone, so that a resumed run draws the same."""
    digest = sha256(repr(identity).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
