"""Image files as network inputs, through Pillow.

The preprocessing is that of ILSVRC2012 classifiers since Krizhevsky et al., ImageNet
Classification with Deep Convolutional Neural Networks, 2012, in the rounding of torchvision, with
which published weights were trained.
"""

from __future__ import annotations

import struct
from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

BILINEAR = Image.Resampling.BILINEAR
#: Szegedy et al., Going Deeper with Convolutions, arXiv:1409.4842, section 6.
AREAS, RATIOS, ATTEMPTS = (0.08, 1.0), (3 / 4, 4 / 3), 10


def read_image(path: str | PathLike[str]) -> Image.Image:
    """The image in a file, in RGB.

    Raises
    ------
    InputError
        If it is no image, or damaged.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"{path} is not a readable image ({reason}); replace or remove it."
        ) from None


def resized_and_cropped(image: Image.Image, resize: int, size: int) -> Image.Image:
    """The centre ``size`` x ``size`` of the image, whose shorter edge becomes ``resize``."""
    width, height = image.size
    short = min(width, height)
    # The longer edge is rounded down, and the margins to the nearest even pixel at a half.
    image = image.resize((resize * width // short, resize * height // short), BILINEAR)
    left, top = (round((edge - size) / 2) for edge in image.size)
    return image.crop((left, top, left + size, top + size))


def randomly_cropped(image: Image.Image, size: int, rng: np.random.Generator) -> Image.Image:
    """A part of random area and shape, scaled to ``size`` x ``size``, and mirrored at random."""
    left, top, width, height = _random_part(*image.size, rng)
    part = (left, top, left + width, top + height)
    image = image.resize((size, size), BILINEAR, box=part)
    if rng.random() < 0.5:
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    """``(3, H, W)`` bytes."""
    return np.asarray(image).transpose(2, 0, 1)


def _random_part(width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, width and height of 8 to 100 % of the area, 3 : 4 to 4 : 3 in shape."""
    for _ in range(ATTEMPTS):
        area = width * height * rng.uniform(*AREAS)
        ratio = exp(rng.uniform(log(RATIOS[0]), log(RATIOS[1])))
        w, h = round(sqrt(area * ratio)), round(sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
            return int(left), int(top), w, h
    # A very long image: the largest part of an allowed shape in its centre.
    w, h = min(width, round(height * RATIOS[1])), min(height, round(width / RATIOS[0]))
    return (width - w) // 2, (height - h) // 2, w, h
