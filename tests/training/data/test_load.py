"""Data sets by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from mpsolve import InputError
from mpsolve.training import load_data
from mpsolve.training.data.imagefolder import ImageFiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("digits", "digits"),
        ("digits:seed=3", "digits:seed=3"),
        (
            "synthetic:random,size=8,count=40",
            "synthetic:random,size=8,channels=3,classes=4,count=40,noise=0.1,seed=0",
        ),
        (
            "synthetic:noise=0.5, count=40",
            "synthetic:gratings,size=16,channels=3,classes=4,count=40,noise=0.5,seed=0",
        ),
    ],
)
def test_a_data_set_is_read_by_name_with_options(text: str, name: str) -> None:
    """And remembers all of them in its own name."""
    assert load_data(text).name == name


def test_a_path_may_contain_what_separates_options(tmp_path: Path) -> None:
    """Commas, colons and equals signs; options follow it."""
    folder = tmp_path / "a,b:c=d, e"
    for split in ("train", "val"):
        for name in "xy":
            (folder / split / name).mkdir(parents=True)
            Image.new("RGB", (9, 9)).save(folder / split / name / "0.png")
    with pytest.raises(InputError, match="there is no option 'c'"):
        load_data(f"imagefolder:{tmp_path}/a,c=1")
    data = load_data(f"imagefolder:{folder},size=8,augment=true")
    assert data.input_shape == (3, 8, 8)
    assert isinstance(data.train, ImageFiles)
    assert data.train.augment


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digit", "There is no data set 'digit'; did you mean digits?"),
        ("Cifar-10:x", "There is no data set 'Cifar-10'; did you mean cifar10?"),
        (
            "mnist",
            "There is no data set 'mnist'; there are digits, synthetic, imagefolder, cifar10.",
        ),
        ("digits:5", "digits:5: '5' is not understood; digits takes seed=...."),
        ("digits:sed=5", "sed=5: there is no option 'sed'; did you mean seed?"),
        ("digits:seed=x", "digits:seed=x: seed=x is not understood."),
        ("cifar10:/x,augment=2", "cifar10:/x,augment=2: augment=2 is not understood."),
        ("imagefolder", "imagefolder lacks the folder of its files; write imagefolder:FOLDER."),
        ("cifar10:seed=1", "cifar10:seed=1 lacks the folder of its files; write cifar10:FOLDER."),
    ],
)
def test_what_cannot_be_read_is_answered_in_one_sentence(text: str, message: str) -> None:
    """With similar names, the options or the form."""
    with pytest.raises(InputError) as caught:
        load_data(text)
    assert str(caught.value) == message
