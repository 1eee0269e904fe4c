"""How pixels become the input of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How pixels become the input of a network: ``(pixel / top - mean) / std``.

    Attributes
    ----------
    mean, std
        Per channel, of pixels that are scaled to [0, 1].
    top
        The greatest value of a pixel; the least is 0.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    top: float = 255.0

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or min((*self.std, self.top), default=0) <= 0:
            raise InputError("A normalisation has a mean and a positive std for every channel.")

    def __call__(self, pixels: Tensor) -> Tensor:
        """Normalise pixels ``(..., C, H, W)`` of any type to float32."""
        shape = (-1, 1, 1)
        mean = torch.tensor(self.mean, device=pixels.device).view(shape)
        std = torch.tensor(self.std, device=pixels.device).view(shape)
        return (pixels.to(torch.float32) / self.top - mean) / std

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value that a normalised pixel can have."""
        channels = list(zip(self.mean, self.std, strict=True))
        return min(-m / s for m, s in channels), max((1 - m) / s for m, s in channels)

    @property
    def signed(self) -> bool:
        """Whether normalised pixels can be negative."""
        return self.bounds[0] < 0

    def step(self, bits: int = 8) -> float:
        """The quantisation step with which ``bits`` hold every normalised pixel.

        Signed codes are those of two's complement, ``t / 2^(bits - 1)`` for the greatest
        magnitude t; its positive end is one code short. Unsigned codes have ``t / (2^bits - 1)``.
        """
        least, greatest = self.bounds
        if self.signed:
            return float(max(-least, greatest) / 2 ** (bits - 1))
        return float(greatest / (2**bits - 1))
