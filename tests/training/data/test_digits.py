"""scikit-learn's digits."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from mpsolve.training.data import TensorSplit
from mpsolve.training.data.digits import digits


def tensors(seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    data = digits(seed=seed)
    found = []
    for split in (data.train, data.validation, data.test):
        assert isinstance(split, TensorSplit)
        found.append((split.inputs, split.targets))
    return found


def test_the_splits_are_the_whole_data_set() -> None:
    """Every image is in one of them with its label, as a sixteenth of its pixels."""
    parts = tensors(0)
    inputs = torch.cat([x for x, _ in parts]).numpy().reshape(-1, 64) * 16
    rows = np.column_stack([inputs, torch.cat([y for _, y in parts])])
    expected = np.column_stack(load_digits(return_X_y=True))
    assert sorted(map(tuple, rows)) == sorted(map(tuple, expected))


def test_every_split_has_its_share_of_every_digit() -> None:
    """Within one image of the proportion in all."""
    shares = np.bincount(load_digits().target) / 1797
    for (_, targets), size in zip(tensors(0), (1257, 180, 360), strict=True):
        counts = np.bincount(targets.numpy(), minlength=10)
        assert counts.sum() == size
        assert np.abs(counts - size * shares).max() <= 1


def test_the_seed_chooses_the_splits() -> None:
    """And nothing else does."""
    assert torch.equal(tensors(0)[0][0], tensors(0)[0][0])
    assert not torch.equal(tensors(0)[0][0], tensors(1)[0][0])
    assert digits().name == "digits"
    assert digits(seed=1).name == "digits:seed=1"
