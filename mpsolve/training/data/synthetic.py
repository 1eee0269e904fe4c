"""Images that are computed: for tests of the whole way where no data set is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mpsolve.errors import InputError
from mpsolve.training.data.dataset import DataSet
from mpsolve.training.data.normalisation import Normalisation
from mpsolve.training.data.splits import TensorSplit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mpsolve.typing import IntArray

KINDS = ("gratings", "random")
#: Shares of the training and the validation split; the rest are for the test.
TRAIN, VALIDATION = 0.7, 0.15


def synthetic(
    kind: str = "gratings",
    *,
    size: int = 16,
    channels: int = 3,
    classes: int = 4,
    count: int = 512,
    noise: float = 0.1,
    seed: int = 0,
) -> DataSet:
    """Images of a kind, as many of every class.

    Parameters
    ----------
    kind
        ``gratings``: sine waves of four pixels' length, whose direction is the class; phase,
        contrast and colour are random. ``random``: pixels that tell nothing about the label.
    size
        Height and width in pixels.
    channels, classes, count
        Numbers of colours, classes, and images in all splits together.
    noise
        Standard deviation of what is added to a grating, where 1 is the range of a pixel.
    seed
        Source of randomness.

    Raises
    ------
    InputError
        If there is no such kind, or a number makes no sense.
    """
    if kind not in KINDS:
        raise InputError(f"synthetic:{kind}: there are {' and '.join(KINDS)}.")
    if min(size, channels, classes - 1) < 1 or count < 10 * classes or noise < 0:
        raise InputError(
            "Synthetic images need positive sizes, two classes, and ten images of each class: "
            f"size={size}, channels={channels}, classes={classes}, count={count}, noise={noise}."
        )
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % classes)
    if kind == "random":
        pixels = rng.integers(0, 256, (count, channels, size, size), np.uint8)
    else:
        pixels = _gratings(rng, labels, classes, channels, size, noise)
    normalisation = Normalisation((0.5,) * channels, (0.25,) * channels)
    inputs, targets = torch.from_numpy(pixels), torch.from_numpy(labels)
    first, second = int(TRAIN * count), int((TRAIN + VALIDATION) * count)
    train, validation, test = (
        TensorSplit(inputs[part], targets[part], normalisation)
        for part in (slice(first), slice(first, second), slice(second, None))
    )
    name = f"synthetic:{kind},size={size},channels={channels},classes={classes},count={count}"
    return DataSet(
        f"{name},noise={noise:g},seed={seed}",
        train,
        validation,
        test,
        (channels, size, size),
        classes,
        normalisation,
    )


def _gratings(
    rng: np.random.Generator,
    labels: IntArray,
    classes: int,
    channels: int,
    size: int,
    noise: float,
) -> NDArray[np.uint8]:
    """``(count, channels, size, size)`` pixels of sine waves."""
    angle = (np.pi * labels / classes)[:, None, None]
    phase = rng.uniform(0, 2 * np.pi, (len(labels), 1, 1))
    y, x = np.indices((size, size))
    wave = np.sin(2 * np.pi / 4 * (np.cos(angle) * x + np.sin(angle) * y) + phase)
    contrast = rng.uniform(0.2, 0.5, (len(labels), channels, 1, 1))
    image = 0.5 + contrast * wave[:, None] + rng.normal(0, noise, (*contrast.shape[:2], size, size))
    return (image.clip(0, 1) * 255).round().astype(np.uint8)
