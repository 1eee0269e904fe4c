"""Preprocessing of image files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mpsolve import InputError
from mpsolve.training.data.images import (
    pixels,
    randomly_cropped,
    read_image,
    resized_and_cropped,
)

if TYPE_CHECKING:
    from pathlib import Path


def coordinates(width: int, height: int) -> Image.Image:
    """An image whose red is the column and whose green is the row, up to 255."""
    rows, columns = np.indices((height, width), np.uint8)
    return Image.fromarray(np.stack([columns, rows, 0 * rows], -1), "RGB")


def test_the_centre_of_an_image_of_the_right_size_is_cut_out() -> None:
    """Of 256 x 240 pixels at resize 240: columns 16 to 239 and rows 8 to 231."""
    found = pixels(resized_and_cropped(coordinates(256, 240), 240, 224))
    assert found.shape == (3, 224, 224)
    assert (found[0] == np.arange(16, 240)).all()
    assert (found[1] == np.arange(8, 232)[:, None]).all()


def test_the_shorter_edge_is_scaled_and_the_longer_one_follows() -> None:
    """400 x 300 becomes 341 x 256; half a pixel of margin goes to the even side: 58, 16."""
    image = Image.effect_noise((400, 300), 80).convert("RGB")
    scaled = image.resize((341, 256), Image.Resampling.BILINEAR)
    expected = np.asarray(scaled)[16 : 16 + 224, 58 : 58 + 224].transpose(2, 0, 1)
    assert (pixels(resized_and_cropped(image, 256, 224)) == expected).all()
    turned = image.transpose(Image.Transpose.TRANSPOSE)
    expected = np.asarray(turned.resize((256, 341), Image.Resampling.BILINEAR))
    found = pixels(resized_and_cropped(turned, 256, 224))
    assert (found == expected[58 : 58 + 224, 16 : 16 + 224].transpose(2, 0, 1)).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_a_random_crop_is_a_part_of_the_image(width: int, height: int, seed: int) -> None:
    """Columns rise or, mirrored, fall; rows rise; nothing comes from outside."""
    image = randomly_cropped(coordinates(width, height), 16, np.random.default_rng(seed))
    red, green, _ = pixels(image).astype(int)
    assert red.shape == (16, 16)
    assert red.max() < width
    assert green.max() < height
    steps = np.diff(red, axis=1)
    assert (steps >= 0).all() or (steps <= 0).all()
    assert (np.diff(green, axis=0) >= 0).all()


def test_random_crops_have_the_published_areas_and_shapes() -> None:
    """8 to 100 % of the area, 3 : 4 to 4 : 3, and half of them mirrored."""
    rng = np.random.default_rng(0)
    image = coordinates(200, 200)
    mirrored, areas, ratios = 0, [], []
    for _ in range(200):
        red, green, _ = pixels(randomly_cropped(image, 64, rng)).astype(int)
        mirrored += red[0, 0] > red[0, -1]
        # Between the centres of the outermost of 64 pixels lies 63/64 of the edge.
        width, height = (np.ptp(plane) * 64 / 63 for plane in (red, green))
        areas.append(width * height / 200**2)
        ratios.append(width / height)
    assert 70 < mirrored < 130  # a fair coin is outside once in 20,000 times
    assert 0.07 < min(areas) < 0.15
    assert 0.85 < max(areas) < 1.02
    assert 0.72 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 1.4


def test_a_very_long_image_gives_its_centre() -> None:
    """No part of an allowed shape has 8 % of the area: columns 96 to 103 of 200, of 6 rows."""
    image = randomly_cropped(coordinates(200, 6), 8, np.random.default_rng(1))
    red = pixels(image)[0]
    assert sorted(red[0]) == list(range(96, 104))


def test_any_kind_of_image_becomes_rgb(tmp_path: Path) -> None:
    """Grey, palette and CMYK files are converted."""
    for mode, suffix in (("L", "png"), ("P", "png"), ("CMYK", "jpeg")):
        path = tmp_path / f"{mode}.{suffix}"
        Image.new(mode, (4, 3)).save(path)
        assert read_image(path).mode == "RGB"


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    """Whether it is cut short, something else, or absent."""
    whole, path = tmp_path / "whole.jpeg", tmp_path / "cut.jpeg"
    Image.effect_noise((64, 64), 80).save(whole)
    path.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cut\.jpeg is not a readable image \(.*truncated.*\);"):
        read_image(path)
    path.write_text("an error page")
    with pytest.raises(InputError, match=r"cut\.jpeg is not a readable image \(cannot identify"):
        read_image(path)
    with pytest.raises(InputError, match=r"none\.jpeg is not a readable image"):
        read_image(tmp_path / "none.jpeg")
