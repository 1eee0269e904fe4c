"""Random changes that leave the class of an image as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

#: He et al., Deep Residual Learning, arXiv:1512.03385, section 4.2: 4 pixels on each side.
MARGIN = 4


def shifted_and_flipped(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Shift images by up to 4 pixels, padding with black, and mirror half of them.

    Parameters
    ----------
    images
        ``(N, C, H, W)`` of any type.
    rng
        Source of randomness.
    """
    count, channels, height, width = images.shape
    top, left = torch.from_numpy(rng.integers(0, 2 * MARGIN + 1, (2, count)))
    mirrored = torch.from_numpy(rng.random(count) < 0.5)
    rows = top[:, None] + torch.arange(height)
    columns = left[:, None] + torch.arange(width)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    return pad(images, (MARGIN,) * 4)[
        torch.arange(count)[:, None, None, None],
        torch.arange(channels)[:, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]
