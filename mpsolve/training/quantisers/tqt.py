"""Trained quantisation thresholds, generalised to any threshold (Free Bits, section 3.4).

Jain et al., "Trained Quantization Thresholds", MLSys 2020 (TQT), learn the base-2 logarithm of the
threshold and round it up, so that every scale is a power of two. Free Bits drops the rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function

from mpsolve.training.quantisers.grid import Grid
from mpsolve.training.quantisers.normed_gradient import NormedGradient
from mpsolve.training.quantisers.quantiser import Quantiser
from mpsolve.training.quantisers.rounding import along, straight_through
from mpsolve.training.quantisers.thresholds import RELU6, checked_threshold, shape_of

if TYPE_CHECKING:
    from mpsolve.training.quantisers.thresholds import MovingThreshold


class TqtQuantiser(Quantiser):
    """Quantises to one grid with a threshold that is learned in the logarithmic domain.

    Parameters
    ----------
    bits, signed
        The grid.
    channels
        ``C`` for thresholds per channel (axis 0): weights; None for activations.
    threshold
        The first threshold: a number, or ``(C,)``. See also `initialise`.
    learned
        Whether the threshold has a gradient; see also `freeze`.
    power_of_two
        Round the logarithm up, as the original does: scales 2^k.
    normed
        Keep the state of a `NormedGradient`, which `normalise_gradients` applies.
    observer
        Moves the threshold in `Mode.OBSERVE`.

    Attributes
    ----------
    log2_threshold
        ``()`` or ``(C,)``. Weight decay must not touch it; see `parameter_groups`.
    """

    def __init__(
        self,
        bits: int,
        signed: bool,
        *,
        channels: int | None = None,
        threshold: float | Tensor = RELU6,
        learned: bool = True,
        power_of_two: bool = False,
        normed: bool = False,
        observer: MovingThreshold | None = None,
    ) -> None:
        super().__init__(signed, channels, observer)
        self._grid = Grid(bits, signed)
        self.power_of_two = power_of_two
        shape = shape_of(channels)
        self.log2_threshold = nn.Parameter(torch.zeros(shape), requires_grad=learned)
        self.normed_gradient = NormedGradient(shape) if normed else None
        self.set_threshold(threshold)

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self._grid

    def set_bits(self, bits: int) -> None:
        """Change the bit-width; the threshold stays."""
        self._grid = Grid(bits, self.signed)

    def threshold_for(self, x: Tensor) -> Tensor:
        """The threshold, with its gradient; it is the same for every tensor."""
        exponent = self.log2_threshold
        if not self.power_of_two:
            return exponent.exp2()
        up = exponent.detach().ceil()
        threshold = straight_through(exponent, up, torch.ones_like(up)).exp2()
        if self.signed:
            return threshold
        # In TQT an unsigned scale is t / 2^b, so that the highest value lies below t.
        return threshold * ((2**self._grid.bits - 1) / 2**self._grid.bits)

    @torch.no_grad()
    def set_threshold(self, threshold: float | Tensor) -> None:
        """Replace the threshold: one number, or ``(C,)``."""
        self.log2_threshold.copy_(checked_threshold(threshold, self.log2_threshold).log2())

    def freeze(self) -> None:
        """Learn the threshold no longer; without a gradient no momentum moves it either."""
        self.log2_threshold.requires_grad_(False)
        self.log2_threshold.grad = None

    def quantise(self, x: Tensor) -> Tensor:
        """The nearest values of the grid."""
        return quantise(x, self.threshold_for(x), self._grid)


def quantise(x: Tensor, threshold: Tensor, grid: Grid) -> Tensor:
    """The nearest values of a grid, with gradients for the values and for the threshold.

    With the scale s and the codes n to p, and halves of s rounded to the even code:

    * q = s clip(round(x / s), n, p);
    * dq/dx = 1 where n <= round(x / s) <= p, else 0;
    * dq/ds = round(x / s) - x / s in that range, n below and p above it,

    summed over all elements that share the scale. For a threshold t = 2^theta follows
    dq/dtheta = s ln 2 dq/ds (TQT).

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
    limits = grid.lowest, grid.highest
    return cast("Tensor", _LearnedScale.apply(x, scale, *limits))  # type: ignore[no-untyped-call]


def normalise_gradients(model: nn.Module) -> None:
    """Replace the gradient of every threshold that is to be normed.

    Call it once per optimiser step, after the last backward pass:
    ``optimizer.register_step_pre_hook(lambda *_: normalise_gradients(model))`` does.
    """
    done = set()
    for module in model.modules():
        if not isinstance(module, TqtQuantiser) or module.normed_gradient is None:
            continue
        parameter = module.log2_threshold
        if parameter.grad is not None and id(parameter) not in done:  # quantisers may share one
            parameter.grad = module.normed_gradient(parameter.grad)
            done.add(id(parameter))


class _LearnedScale(Function):
    @staticmethod
    def forward(x: Tensor, scale: Tensor, lowest: int, highest: int) -> Tensor:
        return torch.round(x / scale).clamp(lowest, highest) * scale

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, int], output: Tensor) -> None:
        x, scale, ctx.lowest, ctx.highest = inputs
        ctx.save_for_backward(x, scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, scale = ctx.saved_tensors
        steps = x / scale
        codes = steps.round()
        inside = (ctx.lowest <= codes) & (codes <= ctx.highest)
        for_x = for_scale = None
        if ctx.needs_input_grad[0]:
            for_x = gradient * inside
        if ctx.needs_input_grad[1]:
            slope = codes.clamp(ctx.lowest, ctx.highest) - steps * inside
            for_scale = (gradient * slope).sum_to_size(scale.shape)
        return for_x, for_scale, None, None
