"""Where thresholds begin: rules that read them off a tensor, and their moving average.

A rule is a function ``(x, grid, per_channel) -> threshold``. Its threshold has shape ``()``, or
``(C,)`` with one for every index of axis 0 of ``x``, and is at least `LEAST`. An unsigned grid
represents no negative value, so that its thresholds depend on the positive ones alone.
`functools.partial` gives a rule other settings, such as ``partial(percentile, percent=99.0)``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TypeAlias

import torch
from torch import Tensor, nn

from mpsolve.errors import InputError
from mpsolve.training.quantisers.grid import Grid

Rule: TypeAlias = Callable[[Tensor, Grid, bool], Tensor]

#: The threshold of a channel whose weights are all 0: its logarithm is finite.
LEAST = 1e-8
#: The threshold of activations after ReLU6 (Free Bits, Tables 2 and 3).
RELU6 = 6.0


def largest(x: Tensor, grid: Grid, per_channel: bool = False) -> Tensor:
    """The largest magnitude (Free Bits: of weights per channel)."""
    return largest_magnitude(x, grid.signed, per_channel)


def largest_magnitude(x: Tensor, signed: bool, per_channel: bool) -> Tensor:
    """The rule `largest`, which depends on no bit-width."""
    return _magnitudes(x, signed, per_channel).amax(-1).clamp(min=LEAST)


def deviations(x: Tensor, grid: Grid, per_channel: bool = False, *, number: float = 3.0) -> Tensor:
    """The magnitude of the mean plus a number of standard deviations of the population."""
    rows = _rows(x, per_channel)
    spread = number * rows.std(-1, correction=0)
    mean = rows.mean(-1)
    return ((mean.abs() if grid.signed else mean) + spread).clamp(min=LEAST)


def percentile(
    x: Tensor, grid: Grid, per_channel: bool = False, *, percent: float = 99.9
) -> Tensor:
    """The least magnitude that a percentage of all magnitudes does not exceed."""
    if not 0 < percent <= 100:
        raise InputError(f"A percentile lies above 0 and is at most 100, not {percent}.")
    magnitudes = _magnitudes(x, grid.signed, per_channel)
    # torch.quantile refuses more than 2^24 elements.
    rank = ceil(percent / 100 * magnitudes.shape[-1])
    return magnitudes.kthvalue(rank, -1).values.clamp(min=LEAST)


class MovingThreshold(nn.Module):
    """The exponential moving average of a rule over batches; the first batch starts it.

    Its state is part of the state dictionary, so that training resumes exactly.

    Parameters
    ----------
    rule
        What is read off every batch.
    channels
        ``C`` for one threshold per channel, None for one per tensor.
    decay
        The weight of the past in the average.
    """

    threshold: Tensor
    batches: Tensor

    def __init__(
        self, rule: Rule = largest, *, channels: int | None = None, decay: float = 0.9
    ) -> None:
        super().__init__()
        self.rule = rule
        self.decay = decay
        self.register_buffer("threshold", torch.zeros(shape_of(channels)))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """Take in one batch and return the threshold."""
        new = self.rule(x, grid, self.threshold.ndim == 1).to(self.threshold)
        moved = self.decay * self.threshold + (1 - self.decay) * new
        self.threshold.copy_(torch.where(self.batches == 0, new, moved))
        self.batches += 1
        return self.threshold.clone()


def shape_of(channels: int | None) -> tuple[int, ...]:
    """The shape of the thresholds of a tensor."""
    return () if channels is None else (channels,)


def checked_threshold(threshold: float | Tensor, like: Tensor) -> Tensor:
    """Thresholds as a tensor of the shape of another; at least `LEAST`.

    Raises
    ------
    InputError
        If they are not finite, or neither one nor as many as there are channels.
    """
    values = torch.as_tensor(threshold, dtype=like.dtype, device=like.device).detach()
    if values.ndim and values.shape != like.shape:
        raise InputError(
            f"Thresholds of shape {tuple(values.shape)} were given where "
            f"{tuple(like.shape) or 'one'} is expected."
        )
    if not bool(values.isfinite().all()):
        raise InputError("A threshold must be a finite number; the tensor may hold NaN.")
    return values.clamp(min=LEAST).expand_as(like)


def _rows(x: Tensor, per_channel: bool) -> Tensor:
    """``(C, K)`` values of every channel, or ``(N,)`` of the whole tensor."""
    if x.numel() == 0:
        raise InputError("A threshold needs at least one value; the tensor is empty.")
    return x.detach().reshape((len(x), -1) if per_channel else (-1,))


def _magnitudes(x: Tensor, signed: bool, per_channel: bool) -> Tensor:
    rows = _rows(x, per_channel)
    return rows.abs() if signed else rows.clamp(min=0)
