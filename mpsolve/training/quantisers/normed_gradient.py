"""The normed gradient of a threshold (TQT, appendix B), with which plain SGD can learn it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Keeps the quotient finite.
_SMALL = 1e-5


class NormedGradient(nn.Module):
    """Divides a gradient by the moving root mean square of its past, element by element.

    v <- decay v + (1 - decay) g^2;  v^ = v / (1 - decay^k);  g <- tanh(g / (sqrt(v^) + 1e-5))

    in step k = 1, 2, ... Its state is part of the state dictionary, so that training resumes
    exactly.

    Parameters
    ----------
    shape
        The shape of the gradient.
    decay
        The weight of the past; 0.9 in the code behind Free Bits.
    bounded
        Whether tanh is applied.
    """

    second_moment: Tensor
    steps: Tensor

    def __init__(
        self, shape: tuple[int, ...] = (), *, decay: float = 0.9, bounded: bool = True
    ) -> None:
        super().__init__()
        self.decay = decay
        self.bounded = bounded
        self.register_buffer("second_moment", torch.zeros(shape))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, gradient: Tensor) -> Tensor:
        """Take in the gradient of one optimiser step and return the normed one."""
        self.steps += 1
        self.second_moment.lerp_(gradient.square().to(self.second_moment), 1 - self.decay)
        corrected = self.second_moment / (1 - self.decay ** self.steps.double())
        normed = gradient / (corrected.sqrt() + _SMALL)
        return (normed.tanh() if self.bounded else normed).to(gradient)
