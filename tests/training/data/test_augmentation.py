"""Random shifts and mirrors."""

from __future__ import annotations

import numpy as np
import torch

from mpsolve.training.data.augmentation import shifted_and_flipped


def test_images_are_padded_shifted_and_mirrored() -> None:
    """As slices of a padded NumPy array, for the same random numbers."""
    images = torch.arange(1, 6 * 2 * 5 * 7 + 1).reshape(6, 2, 5, 7)
    found = shifted_and_flipped(images, np.random.default_rng(3))

    rng = np.random.default_rng(3)
    tops, lefts = rng.integers(0, 9, (2, 6))
    mirrored = rng.random(6) < 0.5
    assert 0 < mirrored.sum() < 6
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (4, 4), (4, 4)))
    for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        expected = padded[i, :, top : top + 5, left : left + 7]
        if mirrored[i]:
            expected = expected[..., ::-1]
        assert (found[i].numpy() == expected).all()
