"""Operations and weights of every layer, counted while a network runs: an oracle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mpsolve.training.evaluate import device_of, evaluating

if TYPE_CHECKING:
    from torch import Tensor

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


@dataclass(frozen=True, slots=True)
class LayerCount:
    """What one layer has.

    Attributes
    ----------
    macs
        Multiply-accumulate operations for one example, of all its calls together.
    weights, biases
        Numbers of parameters.
    inputs, outputs
        Elements of the tensors of one example, of the last call.
    """

    macs: int
    weights: int
    biases: int
    inputs: int
    outputs: int


def count_layers(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, LayerCount]:
    """Count in every convolution and linear layer that an input passes, in the order of calls.

    Parameters
    ----------
    model
        The network, which is run once on zeros in evaluation mode.
    input_shape
        Shape of one example.

    Returns
    -------
    Path of the module -> its counts.
    """
    counts: dict[str, LayerCount] = {}
    hooks = [
        module.register_forward_hook(partial(_count, counts, name))
        for name, module in model.named_modules()
        if isinstance(module, LAYERS)
    ]
    try:
        with evaluating(model), torch.no_grad():
            model(torch.zeros(1, *input_shape, device=device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    return counts


def _count(
    counts: dict[str, LayerCount], name: str, layer: Any, inputs: tuple[Tensor], output: Tensor
) -> None:
    weights = layer.weight.numel()
    # Every weight of a convolution is used once per position, of a linear layer once per row.
    positions = output.numel() // layer.weight.shape[0]
    counts[name] = LayerCount(
        macs=weights * positions + (counts[name].macs if name in counts else 0),
        weights=weights,
        biases=0 if layer.bias is None else layer.bias.numel(),
        inputs=inputs[0].numel(),
        outputs=output.numel(),
    )
