"""What all quantisers have in common: a mode, a grid and a threshold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TYPE_CHECKING

import torch
from torch import nn

from mpsolve.training.quantisers import rounding
from mpsolve.training.quantisers.thresholds import largest

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training.quantisers.grid import Grid
    from mpsolve.training.quantisers.thresholds import MovingThreshold, Rule


class Mode(StrEnum):
    """What a quantiser does with its input. It is no part of the state dictionary."""

    #: Hands it on.
    FLOAT = "float"
    #: Hands it on, and lets its observer, if it has one, move the threshold: also in evaluation,
    #: since thresholds are calibrated there; validate in another mode.
    OBSERVE = "observe"
    #: Quantises it.
    QUANTISE = "quantise"


class Quantiser(nn.Module, ABC):
    """A module that replaces a tensor of weights or activations by its nearest values on a grid.

    Attributes
    ----------
    mode
        See `Mode`.
    signed
        Whether the grid has negative values.
    channels
        ``C`` where the indices of axis 0 have thresholds of their own, else None.
    observer
        The average that moves the threshold in `Mode.OBSERVE`; None keeps the threshold.
    """

    def __init__(
        self, signed: bool, channels: int | None, observer: MovingThreshold | None
    ) -> None:
        super().__init__()
        self.mode = Mode.QUANTISE
        self.signed = signed
        self.channels = channels
        self.observer = observer

    @property
    @abstractmethod
    def grid(self) -> Grid:
        """The grid of the network that would be deployed now."""

    @abstractmethod
    def threshold_for(self, x: Tensor) -> Tensor:
        """The threshold at which a tensor is quantised: ``()`` or ``(C,)``."""

    @abstractmethod
    def set_threshold(self, threshold: float | Tensor) -> None:
        """Replace the threshold: one number, or ``(C,)``."""

    @abstractmethod
    def quantise(self, x: Tensor) -> Tensor:
        """The quantised tensor."""

    def forward(self, x: Tensor) -> Tensor:
        """What the mode makes of a tensor."""
        if self.mode is Mode.QUANTISE:
            return self.quantise(x)
        if self.mode is Mode.OBSERVE and self.observer is not None:
            self.set_threshold(self.observer(x, self.grid))
        return x

    def initialise(self, x: Tensor, rule: Rule = largest) -> None:
        """Set the threshold to what a rule reads off a tensor."""
        self.set_threshold(rule(x, self.grid, self.channels is not None))

    @torch.no_grad()
    def scale_for(self, x: Tensor) -> Tensor:
        """The scale at which a tensor is quantised: ``()`` or ``(C,)``."""
        return self.grid.scale(self.threshold_for(x))

    @torch.no_grad()
    def integers(self, x: Tensor) -> Tensor:
        """The int32 codes of a tensor, as they would be deployed now."""
        return rounding.integers(x, self.threshold_for(x), self.grid).to(torch.int32)


def set_mode(model: nn.Module, mode: Mode | str) -> None:
    """Set the mode of every quantiser in a model."""
    for module in model.modules():
        if isinstance(module, Quantiser):
            module.mode = Mode(mode)
