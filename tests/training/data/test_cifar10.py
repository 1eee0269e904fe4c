"""CIFAR-10's binary files, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from mpsolve import InputError
from mpsolve.training.data import TensorSplit
from mpsolve.training.data.cifar10 import cifar10
from mpsolve.training.data.splits import in_order

if TYPE_CHECKING:
    from pathlib import Path

MEAN, STD = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2470, 0.2435, 0.2616])


def record(label: int, red: int, green: int, blue: int) -> bytes:
    """The label, then three planes; the first pixel of each row is its number instead."""
    planes = b""
    for value in (red, green, blue):
        planes += b"".join(bytes([row] + [value] * 31) for row in range(32))
    return bytes([label]) + planes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two batches of twenty records, two of each class, and a test batch of three."""
    for name, start in (("data_batch_1", 0), ("data_batch_2", 20)):
        records = [record(i % 10, start + i, 100, 200) for i in range(20)]
        (tmp_path / f"{name}.bin").write_bytes(b"".join(records))
    test = record(7, 1, 2, 3) + record(0, 4, 5, 6) + record(9, 7, 8, 9)
    (tmp_path / "test_batch.bin").write_bytes(test)
    return tmp_path


def test_bytes_become_planes_of_pixels(folder: Path) -> None:
    """Label first, then red, green and blue, row by row; normalised per channel."""
    data = cifar10(folder, validation=10)
    ((inputs, targets),) = in_order(data.test, 3)
    assert targets.tolist() == [7, 0, 9]
    planes = np.empty((3, 3, 32, 32))
    planes[:] = np.arange(1, 10).reshape(3, 3)[:, :, None, None]
    planes[..., 0] = np.arange(32)
    expected = (planes / 255 - MEAN[:, None, None]) / STD[:, None, None]
    np.testing.assert_allclose(inputs.numpy(), expected, atol=1e-6)
    assert (data.input_shape, data.classes) == ((3, 32, 32), 10)


def test_validation_images_are_put_aside_by_class(folder: Path) -> None:
    """Every image of all files is in one of two splits, and every class in both."""
    data = cifar10(folder, validation=10, seed=5)
    assert isinstance(data.train, TensorSplit)
    assert isinstance(data.validation, TensorSplit)
    assert (torch.bincount(data.train.targets) == 3).all()
    assert (torch.bincount(data.validation.targets) == 1).all()
    red = torch.cat([data.train.inputs, data.validation.inputs])[:, 0, 0, 1]
    assert sorted(red.tolist()) == list(range(40))


def test_the_folder_above_serves_too(folder: Path, tmp_path: Path) -> None:
    """As the archive unpacks it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cifar-10-batches-bin").symlink_to(folder)
    assert len(cifar10(tmp_path / "data", validation=10).train) == 30


def test_only_images_to_learn_from_are_augmented(folder: Path) -> None:
    """And only where that is asked for."""
    plain, changed = (cifar10(folder, validation=10, augment=a) for a in (False, True))
    order = [np.arange(30)]
    for split in ("train", "validation", "test"):
        chosen = [order[0][: len(getattr(plain, split))]]
        (x, _), (y, _) = (
            next(getattr(data, split).batches(chosen, (0, 0))) for data in (plain, changed)
        )
        assert torch.equal(x, y) == (split != "train")


def test_files_that_are_no_records_are_refused(folder: Path) -> None:
    """By name, with what to do."""
    with pytest.raises(InputError, match=r"empty has no data_batch_1\.bin; unpack cifar-10-bin"):
        cifar10(folder / "empty")
    with pytest.raises(InputError, match=r"40 examples cannot be put aside .* from 10 to 30"):
        cifar10(folder)
    (folder / "data_batch_2.bin").write_bytes(record(1, 2, 3, 4)[:-1])
    with pytest.raises(InputError, match=r"data_batch_2\.bin has 3072 bytes, .* records of 3073"):
        cifar10(folder, validation=10)
    (folder / "data_batch_2.bin").write_bytes(record(9, 2, 3, 4) + record(12, 2, 3, 4))
    with pytest.raises(InputError, match=r"data_batch_2\.bin: record 2 has the label 12"):
        cifar10(folder, validation=10)
    (folder / "data_batch_2.bin").unlink()
    (folder / "test_batch.bin").unlink()
    with pytest.raises(InputError, match=r"test_batch\.bin cannot be read: No such file"):
        cifar10(folder, validation=10)
