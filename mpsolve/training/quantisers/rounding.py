"""From values to the nearest values of a grid, and gradients past the rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch.autograd import Function

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training.quantisers.grid import Grid


def along(x: Tensor, threshold: Tensor) -> Tensor:
    """A threshold in a shape that broadcasts with the tensor that is quantised.

    Parameters
    ----------
    x
        ``(C, ...)`` values.
    threshold
        ``()`` for the whole tensor, or ``(C,)`` for every index of axis 0.

    Returns
    -------
    ``()`` or ``(C, 1, ..., 1)``.

    Raises
    ------
    InputError
        If the threshold has another shape.
    """
    if threshold.ndim == 0:
        return threshold
    if threshold.ndim != 1 or x.ndim == 0 or len(threshold) != len(x):
        raise InputError(
            f"Thresholds of shape {tuple(threshold.shape)} do not fit a tensor of shape "
            f"{tuple(x.shape)}: give one, or one for each index of axis 0."
        )
    return threshold.reshape(-1, *[1] * (x.ndim - 1))


def integers(x: Tensor, threshold: Tensor, grid: Grid) -> Tensor:
    """The code of every value, in the floating-point type of ``x``; halves go to even codes.

    Parameters
    ----------
    x
        ``(C, ...)`` values.
    threshold
        ``()`` or ``(C,)``, greater than 0.
    grid
        The grid.
    """
    scale = grid.scale(along(x, threshold))
    return torch.round(x / scale).clamp(grid.lowest, grid.highest)


def nearest(x: Tensor, threshold: Tensor, grid: Grid) -> Tensor:
    """The nearest value of the grid; its gradient is zero nearly everywhere."""
    return integers(x, threshold, grid) * grid.scale(along(x, threshold))


def in_range(x: Tensor, threshold: Tensor, grid: Grid) -> Tensor:
    """Whether a value is rounded and not clipped: lowest <= round(x / scale) <= highest."""
    codes = torch.round(x / grid.scale(along(x, threshold)))
    return (grid.lowest <= codes) & (codes <= grid.highest)


def fake_quantise(x: Tensor, threshold: Tensor, grid: Grid) -> Tensor:
    """The nearest values of a grid, with a straight-through gradient for ``x`` alone.

    The gradient is handed on where `in_range` holds and is 0 where the value is clipped. The
    threshold gets none; `mpsolve.training.quantisers.tqt.quantise` learns it.
    """
    value = nearest(x.detach(), threshold.detach(), grid)
    if not (torch.is_grad_enabled() and x.requires_grad):
        return value
    return straight_through(x, value, in_range(x.detach(), threshold.detach(), grid))


def straight_through(x: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """``value``, with the gradient of ``x`` where ``mask`` is true and none elsewhere."""
    return cast("Tensor", _StraightThrough.apply(x, value, mask))  # type: ignore[no-untyped-call]


class _StraightThrough(Function):
    @staticmethod
    def forward(x: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        return value.clone()  # a returned input would be a view, which nobody may change in place

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (mask,) = ctx.saved_tensors
        return gradient * mask, None, None
