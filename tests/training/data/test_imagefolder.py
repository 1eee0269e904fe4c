"""Folders of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mpsolve import InputError
from mpsolve.training.data.imagefolder import ImageFiles, imagefolder
from mpsolve.training.data.splits import in_order

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
COLOURS = {"ant": (255, 0, 0), "bee": (0, 128, 255)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four training and two validation images of 40 x 36 pixels, of each of two classes."""
    for split, count in (("train", 4), ("val", 2)):
        for name, colour in COLOURS.items():
            (tmp_path / split / name).mkdir(parents=True)
            for i in range(count):
                image = Image.new("RGB", (40, 36), colour)
                image.save(tmp_path / split / name / f"{i}.png")
    return tmp_path


def test_classes_are_folders_in_alphabetical_order(folder: Path) -> None:
    """A plain colour stays plain, and is normalised as ImageNet's pixels are."""
    data = imagefolder(folder, size=28)
    assert (data.input_shape, data.classes) == ((3, 28, 28), 2)
    ((inputs, targets),) = in_order(data.validation, 4)
    assert targets.tolist() == [0, 0, 1, 1]
    for i, colour in enumerate(("ant", "ant", "bee", "bee")):
        expected = (np.array(COLOURS[colour]) / 255 - MEAN) / STD
        found = inputs[i].numpy().reshape(3, -1)
        np.testing.assert_allclose(found, expected[:, None].repeat(28 * 28, 1), atol=1e-5)
    assert len(data.train) == 8
    assert data.test is data.validation


def test_224_pixels_are_cut_out_of_256(folder: Path) -> None:
    """As the papers do; another size keeps the proportion."""
    for size, resize in ((224, 256), (28, 32), (192, 219)):
        split = imagefolder(folder, size=size).validation
        assert isinstance(split, ImageFiles)
        assert split.resize == resize


def test_validation_images_can_be_put_aside(folder: Path) -> None:
    """Then the folder val is the test split; every file is in one split."""
    data = imagefolder(folder, size=28, validation=2, seed=1)
    found: list[str] = []
    for split, count in ((data.train, 6), (data.validation, 2), (data.test, 4)):
        assert isinstance(split, ImageFiles)
        assert np.bincount(split.labels).tolist() == [count / 2, count / 2]
        names = [Path(file).parent.name for file in split.files]
        assert names == [("ant", "bee")[label] for label in split.labels]
        found += split.files
    assert sorted(found) == sorted(map(str, folder.rglob("*.png")))


def test_a_folder_of_test_images_is_used(folder: Path) -> None:
    """It need not have all classes."""
    (folder / "test" / "bee").mkdir(parents=True)
    Image.new("RGB", (40, 40)).save(folder / "test" / "bee" / "0.PNG")
    ((_, targets),) = in_order(imagefolder(folder, size=28).test, 4)
    assert targets.tolist() == [1]


def test_augmented_images_differ_by_epoch(folder: Path) -> None:
    """The same in the same epoch; images that are evaluated never change."""
    Image.effect_noise((40, 36), 90).save(folder / "train" / "ant" / "0.png")
    data = imagefolder(folder, size=28, augment=True)

    def read(seed: tuple[int, int] | None) -> torch.Tensor:
        return next(data.train.batches([np.array([0])], seed))[0]

    assert torch.equal(read((0, 1)), read((0, 1)))
    assert not torch.equal(read((0, 1)), read((0, 2)))
    assert torch.equal(read(None), next(in_order(imagefolder(folder, size=28).train, 1))[0])


def test_a_damaged_image_is_found_on_reading(folder: Path) -> None:
    """And named in one sentence, from a worker too."""
    (folder / "val" / "bee" / "1.png").write_bytes(b"no image")
    data = imagefolder(folder, size=28)
    for workers in (0, 1):
        with pytest.raises(InputError, match=r"bee/1\.png is not a readable image \(cannot[^\n]*$"):
            list(in_order(data.validation, 2, workers))


def test_folders_in_another_arrangement_are_refused(folder: Path) -> None:
    """The message says which folder is missing or too much."""
    with pytest.raises(InputError, match=r"There is no folder .*nowhere/train; ImageNet has"):
        imagefolder(folder / "nowhere")
    with pytest.raises(InputError, match="cannot cut 224 pixels out of 200"):
        imagefolder(folder, resize=200)
    with pytest.raises(InputError, match="7 of 8 examples cannot be put aside"):
        imagefolder(folder, validation=7)
    (folder / "val" / "cat").mkdir()
    with pytest.raises(InputError, match=r"val/cat is a class that .*train lacks"):
        imagefolder(folder)
    (folder / "train" / "cat").mkdir()
    with pytest.raises(InputError, match="train/cat has no images"):
        imagefolder(folder)
    (folder / "flat" / "train").mkdir(parents=True)
    with pytest.raises(InputError, match="train has no folders; put the images of every class"):
        imagefolder(folder / "flat")
