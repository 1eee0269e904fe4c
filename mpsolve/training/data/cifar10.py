"""CIFAR-10 from its binary files: Krizhevsky, Learning Multiple Layers of Features, 2009.

A record has 3,073 bytes: the label, then the red, the green and the blue plane of 32 x 32 pixels,
row by row (https://www.cs.toronto.edu/~kriz/cifar.html).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mpsolve.errors import InputError
from mpsolve.training.data.augmentation import shifted_and_flipped
from mpsolve.training.data.dataset import DataSet
from mpsolve.training.data.holdout import held_out
from mpsolve.training.data.normalisation import Normalisation
from mpsolve.training.data.splits import TensorSplit

if TYPE_CHECKING:
    from os import PathLike

    from torch import Tensor

SHAPE = (3, 32, 32)
CLASSES = 10
RECORD = 1 + 3 * 32 * 32
#: Mean and standard deviation of the training pixels.
NORMALISATION = Normalisation((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


def cifar10(
    path: str | PathLike[str], *, validation: int = 5000, augment: bool = False, seed: int = 0
) -> DataSet:
    """Read the data set.

    Parameters
    ----------
    path
        The folder with ``data_batch_1.bin`` and so on and ``test_batch.bin``, or the one above it.
    validation
        How many training images are put aside for the validation split, equally of every class.
    augment
        Whether images to learn from are shifted by up to 4 pixels and mirrored at random.
    seed
        Chooses the validation images.

    Raises
    ------
    InputError
        If files are missing or no such files; the message names the file.
    """
    folder = Path(path)
    if (folder / "cifar-10-batches-bin").is_dir():
        folder /= "cifar-10-batches-bin"
    files = sorted(folder.glob("data_batch_*.bin"))
    if not files:
        raise InputError(
            f"{folder} has no data_batch_1.bin; unpack cifar-10-binary.tar.gz and name its folder."
        )
    parts = [_read(file) for file in files]
    pixels, labels = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    test_pixels, test_labels = _read(folder / "test_batch.bin")
    learnt, kept = held_out(labels.numpy(), validation, seed, str(folder))
    change = shifted_and_flipped if augment else None
    return DataSet(
        f"cifar10:validation={validation},augment={augment},seed={seed}",
        TensorSplit(pixels[learnt], labels[learnt], NORMALISATION, change),
        TensorSplit(pixels[kept], labels[kept], NORMALISATION),
        TensorSplit(test_pixels, test_labels, NORMALISATION),
        SHAPE,
        CLASSES,
        NORMALISATION,
    )


def _read(file: Path) -> tuple[Tensor, Tensor]:
    """Pixels ``(N, 3, 32, 32)`` of uint8 and labels ``(N,)``."""
    try:
        records = np.fromfile(file, np.uint8)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from None
    if not len(records) or len(records) % RECORD:
        raise InputError(
            f"{file} has {len(records)} bytes, which are no records of {RECORD}: it is damaged or "
            "no file of CIFAR-10's binary version."
        )
    records = records.reshape(-1, RECORD)
    if (wrong := records[:, 0] >= CLASSES).any():
        raise InputError(
            f"{file}: record {int(wrong.argmax()) + 1} has the label "
            f"{records[wrong.argmax(), 0]}, and the greatest is 9; use CIFAR-10's binary version."
        )
    return (
        torch.from_numpy(records[:, 1:].reshape(-1, *SHAPE)),
        torch.from_numpy(records[:, 0].astype(np.int64)),
    )
