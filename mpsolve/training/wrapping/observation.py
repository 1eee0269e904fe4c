"""The threshold of a quantiser that sees several tensors in one inference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mpsolve.training.quantisers.thresholds import MovingThreshold, largest

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training.quantisers.grid import Grid
    from mpsolve.training.quantisers.thresholds import Rule


class GroupThreshold(MovingThreshold):
    """The moving average of the largest threshold among all tensors of a group.

    Parameters
    ----------
    calls
        How many tensors of the group one inference computes; their largest threshold enters the
        average.
    rule, decay
        As in `MovingThreshold`.
    """

    highest: Tensor

    def __init__(self, calls: int = 1, rule: Rule = largest, *, decay: float = 0.9) -> None:
        super().__init__(rule, decay=decay)
        self.calls = calls
        self.register_buffer("highest", torch.zeros(()), persistent=False)
        self.seen = 0

    def restart(self) -> None:
        """Forget an inference that was not finished."""
        self.highest.zero_()
        self.seen = 0

    @torch.no_grad()
    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """Take in one tensor and return the threshold."""
        new = self.rule(x, grid, False).to(self.highest)
        self.highest.copy_(torch.maximum(self.highest, new))
        self.seen += 1
        if self.seen < self.calls:
            return (self.highest if self.batches == 0 else self.threshold).clone()
        moved = self.decay * self.threshold + (1 - self.decay) * self.highest
        self.threshold.copy_(torch.where(self.batches == 0, self.highest, moved))
        self.batches += 1
        self.restart()
        return self.threshold.clone()
