"""Computed images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mpsolve import InputError
from mpsolve.training.data import DataSet, TensorSplit
from mpsolve.training.data.splits import in_order
from mpsolve.training.data.synthetic import synthetic


def arrays(data: DataSet) -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    for split in (data.train, data.validation, data.test):
        ((inputs, targets),) = in_order(split, len(split))
        found.append((inputs.numpy(), targets.numpy()))
    return found


def spectra(images: np.ndarray) -> np.ndarray:
    """Magnitudes of the frequencies, which do not depend on the phase of a wave."""
    return np.abs(np.fft.fft2(images.mean(1))).reshape(len(images), -1)


def test_gratings_can_be_told_apart_and_noise_cannot() -> None:
    """By a linear classifier on their spectra, which knows the direction of a wave."""
    accuracy = {}
    for kind in ("gratings", "random"):
        (x, y), _, (test_x, test_y) = arrays(synthetic(kind, size=12, count=600))
        classifier = LogisticRegression(max_iter=2000).fit(spectra(x), y)
        accuracy[kind] = classifier.score(spectra(test_x), test_y)
    assert accuracy["gratings"] > 0.95
    assert accuracy["random"] < 0.5


@pytest.mark.parametrize("kind", ["gratings", "random"])
def test_sizes_are_as_asked_for(kind: str) -> None:
    """Shape, number of images and classes, equally many of each."""
    data = synthetic(kind, size=9, channels=2, classes=5, count=100, seed=4)
    assert (data.input_shape, data.classes) == ((2, 9, 9), 5)
    parts = arrays(data)
    assert [len(y) for _, y in parts] == [70, 15, 15]
    assert all(x.shape[1:] == (2, 9, 9) and np.abs(x).max() <= 2 for x, _ in parts)
    assert (np.bincount(np.concatenate([y for _, y in parts])) == 20).all()


def test_the_seed_decides() -> None:
    """Equal seeds give equal images."""
    one, same, other = (synthetic(count=40, seed=seed).train for seed in (1, 1, 2))
    assert isinstance(one, TensorSplit)
    assert isinstance(same, TensorSplit)
    assert isinstance(other, TensorSplit)
    assert torch.equal(one.inputs, same.inputs)
    assert not torch.equal(one.inputs, other.inputs)


def test_what_makes_no_sense_is_refused() -> None:
    """With the kinds that exist, or the numbers that were given."""
    with pytest.raises(InputError, match=r"^synthetic:shape: there are gratings and random\.$"):
        synthetic("shape")
    with pytest.raises(InputError, match=r"ten images of each class: .*count=39"):
        synthetic(count=39)
