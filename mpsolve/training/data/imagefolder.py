"""Folders of images, one folder per class: ILSVRC2012 and whatever is arranged like it.

::

    PATH/train/n01440764/n01440764_10026.JPEG
    PATH/val/n01440764/ILSVRC2012_val_00000293.JPEG
    PATH/test/...                                     optional

Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, arXiv:1409.0575; Free Bits
(extended form), section 4.1, uses 224 x 224 pixels.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mpsolve.errors import InputError
from mpsolve.storage.optional import importing
from mpsolve.training.data.dataset import DataSet
from mpsolve.training.data.holdout import held_out
from mpsolve.training.data.normalisation import Normalisation
from mpsolve.training.data.splits import ExampleSplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from torch import Tensor

    from mpsolve.typing import IntArray

#: Mean and standard deviation of ILSVRC2012's training pixels, as its published weights expect.
NORMALISATION = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SUFFIXES = frozenset((".jpeg", ".jpg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"))


def imagefolder(
    path: str | PathLike[str],
    *,
    size: int = 224,
    resize: int | None = None,
    augment: bool = False,
    validation: int = 0,
    seed: int = 0,
) -> DataSet:
    """Find the images; they are read when they are needed.

    Parameters
    ----------
    path
        The folder with ``train``, ``val`` and possibly ``test``.
    size
        Height and width of an input in pixels.
    resize
        What the shorter edge becomes before the centre is cut out; 8/7 of ``size`` by default,
        which is 256 for 224.
    augment
        Whether images to learn from are cropped and mirrored at random instead.
    validation
        How many training images are put aside for the validation split, equally of every class.
        By default ``val`` is this split.
    seed
        Chooses the validation images.

    Raises
    ------
    InputError
        If the folders are not arranged like this. Damaged images are found on reading.
    """
    with importing("pillow", "training", "Reading images"):
        import PIL  # noqa: F401  (told now, and not at the first image)
    folder = Path(path)
    resize = round(size * 8 / 7) if resize is None else resize
    if not 0 < size <= resize:
        raise InputError(f"{folder}: cannot cut {size} pixels out of {resize}; raise resize.")
    classes = _class_names(folder / "train")
    files, labels = _images(folder / "train", classes)
    val = ImageFiles(*_images(folder / "val", classes), size, resize)
    has_test = (folder / "test").is_dir()
    test = ImageFiles(*_images(folder / "test", classes), size, resize) if has_test else val
    learnt = np.arange(len(files))
    if validation:
        learnt, kept = held_out(labels, validation, seed, str(folder))
        val = ImageFiles([files[i] for i in kept], labels[kept], size, resize)
    return DataSet(
        f"imagefolder:{folder.name},size={size},resize={resize},augment={augment},"
        f"validation={validation},seed={seed}",
        ImageFiles([files[i] for i in learnt], labels[learnt], size, resize, augment),
        val,
        test,
        (3, size, size),
        len(classes),
        NORMALISATION,
    )


class ImageFiles(ExampleSplit):
    """Image files and their labels, read one by one.

    Attributes
    ----------
    files, labels
        Paths, and ``(N,)`` classes.
    size, resize
        See `imagefolder`.
    augment
        Whether images are cropped at random in training.
    """

    def __init__(
        self, files: Sequence[str], labels: IntArray, size: int, resize: int, augment: bool = False
    ) -> None:
        self.files = files
        self.labels = labels
        self.size = size
        self.resize = resize
        self.augment = augment

    def __len__(self) -> int:
        return len(self.files)

    def example(self, index: int, rng: np.random.Generator | None) -> tuple[Tensor, int]:
        """A normalised image ``(3, size, size)`` and its label."""
        from mpsolve.training.data import images

        image = images.read_image(self.files[index])
        if self.augment and rng is not None:
            image = images.randomly_cropped(image, self.size, rng)
        else:
            image = images.resized_and_cropped(image, self.resize, self.size)
        pixels = torch.from_numpy(images.pixels(image).copy())
        return NORMALISATION(pixels), int(self.labels[index])


def _class_names(folder: Path) -> list[str]:
    """The classes in the order of their labels."""
    _require(folder)
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if not names:
        raise InputError(f"{folder} has no folders; put the images of every class into one.")
    return names


def _images(folder: Path, classes: list[str]) -> tuple[list[str], IntArray]:
    """All images below a folder, class by class and by name, and their labels."""
    _require(folder)
    labels = {name: label for label, name in enumerate(classes)}
    files: list[str] = []
    found: list[int] = []
    for name in _class_names(folder):
        if name not in labels:
            raise InputError(f"{folder / name} is a class that {folder.parent / 'train'} lacks.")
        own = sorted(
            os.path.join(place, file)
            for place, _, found_here in os.walk(folder / name)
            for file in found_here
            if os.path.splitext(file)[1].lower() in SUFFIXES
        )
        if not own:
            raise InputError(f"{folder / name} has no images.")
        files += own
        found += [labels[name]] * len(own)
    return files, np.array(found, np.int64)


def _require(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; ImageNet has train and val, by class.")
