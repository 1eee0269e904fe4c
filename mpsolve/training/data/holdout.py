"""Putting examples aside for validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from mpsolve.typing import IntArray


def held_out(labels: IntArray, count: int, seed: int, source: str) -> tuple[IntArray, IntArray]:
    """The examples to learn from and those put aside, in their own order.

    Parameters
    ----------
    labels
        ``(N,)`` the class of each; every class gives its share.
    count
        How many are put aside.
    seed
        Chooses them.
    source
        What the message of an error begins with.

    Raises
    ------
    InputError
        If there are too few examples for that.
    """
    with importing("scikit-learn", "training", "Putting examples aside for validation"):
        from sklearn.model_selection import train_test_split
    try:
        parts = train_test_split(
            np.arange(len(labels)), test_size=count, stratify=labels, random_state=seed
        )
    except ValueError:
        classes = len(np.unique(labels))
        raise InputError(
            f"{source}: {count} of {len(labels)} examples cannot be put aside for validation with "
            f"every class in both parts; choose a number from {classes} to "
            f"{len(labels) - classes}, and have two examples of every class."
        ) from None
    learnt, kept = (np.sort(part) for part in parts)
    return learnt, kept
