"""scikit-learn's digits: 1,797 images of 8 x 8 pixels, which come with the package."""

from __future__ import annotations

import torch

from mpsolve.storage.optional import importing
from mpsolve.training.data.dataset import DataSet
from mpsolve.training.data.normalisation import Normalisation
from mpsolve.training.data.splits import TensorSplit

#: Pixels are 0 to 16. They are not shifted, so that padding is black as the background is, and
#: the input can be quantised without a sign.
NORMALISATION = Normalisation((0.0,), (1.0,), top=16.0)

VALIDATION, TEST = 180, 360


def digits(*, seed: int = 0) -> DataSet:
    """The data set, in three splits with equal shares of every digit.

    Parameters
    ----------
    seed
        Chooses the splits: 1,257 examples to learn from, 180 to choose with, 360 to report.
    """
    with importing("scikit-learn", "training", "The data set digits"):
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    pixels, labels = load_digits(return_X_y=True)
    rest, test, rest_labels, test_labels = train_test_split(
        pixels, labels, test_size=TEST, stratify=labels, random_state=seed
    )
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=VALIDATION, stratify=rest_labels, random_state=seed
    )
    train_split, validation_split, test_split = (
        TensorSplit(
            NORMALISATION(torch.from_numpy(x).reshape(-1, 1, 8, 8)), torch.from_numpy(y).long()
        )
        for x, y in ((train, train_labels), (validation, validation_labels), (test, test_labels))
    )
    return DataSet(
        "digits" if seed == 0 else f"digits:seed={seed}",
        train_split,
        validation_split,
        test_split,
        (1, 8, 8),
        10,
        NORMALISATION,
    )
