"""Normalisation, and what a data set must have."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.training.data import DataSet, Normalisation, TensorSplit
from mpsolve.training.data.imagefolder import NORMALISATION as IMAGENET


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 2)), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_pixels_are_scaled_shifted_and_scaled_per_channel(
    channels: list[tuple[float, float]], seed: int
) -> None:
    """NumPy in double precision agrees to float32."""
    mean, std = zip(*channels, strict=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (2, len(channels), 3, 5), np.uint8)
    expected = (pixels / 255 - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
    found = Normalisation(mean, std)(torch.from_numpy(pixels))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-5, atol=2e-5)


def test_an_input_of_imagenet_is_quantised_with_the_published_step() -> None:
    """The networks of Free Bits were deployed with the input step 0.020625000819563866."""
    assert IMAGENET.signed
    assert np.float32(IMAGENET.step(8)) == np.float32(0.020625000819563866)


def test_bounds_are_those_of_black_and_white() -> None:
    """Red is darkest and blue brightest after the normalisation of ImageNet."""
    assert IMAGENET.bounds == pytest.approx((-0.485 / 0.229, (1 - 0.406) / 0.225))


def test_an_input_without_negative_values_needs_no_sign() -> None:
    """Eight bits divide 0 to 1 into 255 steps, two bits into 3."""
    plain = Normalisation((0.0,), (1.0,), top=16.0)
    assert not plain.signed
    assert plain.step() == 1 / 255
    assert plain.step(2) == 1 / 3


def split(count: int = 2) -> TensorSplit:
    return TensorSplit(torch.zeros(count, 1, 2, 2), torch.zeros(count, dtype=torch.int64))


def test_a_data_set_describes_itself() -> None:
    """Its sizes, shape and classes are read at a glance."""
    data = DataSet("d", split(5), split(3), split(), (1, 2, 2), 7, Normalisation((0,), (1,)))
    assert repr(data) == "<DataSet d: 5 + 3 + 2 examples of 1 x 2 x 2, 7 classes>"


def test_what_does_not_fit_together_is_refused() -> None:
    """Every message says what is wrong."""
    plain = Normalisation((0.0,), (1.0,))
    with pytest.raises(InputError, match=r"^d: the test split has no examples\.$"):
        DataSet("d", split(), split(), split(0), (1, 2, 2), 7, plain)
    with pytest.raises(InputError, match=r"^d: one class only"):
        DataSet("d", split(), split(), split(), (1, 2, 2), 1, plain)
    with pytest.raises(InputError, match=r"^d: the normalisation does not fit the channels"):
        DataSet("d", split(), split(), split(), (3, 2, 2), 7, plain)
    with pytest.raises(InputError, match=r"^2 inputs have 3 labels"):
        TensorSplit(torch.zeros(2, 1, 2, 2), torch.zeros(3))
    with pytest.raises(InputError, match="positive std"):
        Normalisation((0.0,), (0.0,))
