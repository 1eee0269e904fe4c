"""What may happen at fixed points of training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass
class TrainingState:
    """Where training is.

    Attributes
    ----------
    model
        The network, as it was given.
    device
        Where it computes.
    epochs
        How many epochs are wanted.
    epoch, batch
        Complete epochs, and complete batches of the present one.
    batches
        Batches of an epoch.
    resumed
        Whether this epoch was begun by a run that was interrupted.
    figures
        What is recorded of this epoch; callbacks may add to it at its end.
    stop
        A callback sets it to end training after this epoch.
    """

    model: nn.Module
    device: torch.device
    epochs: int
    epoch: int = 0
    batch: int = 0
    batches: int = 0
    resumed: bool = False
    figures: dict[str, float] = field(default_factory=dict)
    stop: bool = False


class Callback:
    """Does nothing; subclasses override what they need.

    A run that goes on from a checkpoint has a new model with the old parameters and buffers. What
    a callback keeps elsewhere, it returns from `state_dict`; what it switches in the model, it
    switches again at the start of every epoch, which a resumed epoch has twice.
    """

    def start_of_epoch(self, state: TrainingState) -> None:
        """The model is in training mode, which may be changed here for some modules."""

    def before_batch(self, state: TrainingState) -> None:
        """Before the forward pass."""

    def before_step(self, state: TrainingState) -> None:
        """After the backward pass: gradients may be changed here."""

    def after_batch(self, state: TrainingState) -> None:
        """After the step of the optimisers."""

    def end_of_epoch(self, state: TrainingState) -> None:
        """After the evaluation on the validation split."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values that a checkpoint keeps."""
        return {}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Continue with what `state_dict` returned."""
