"""MPIC and NE16: two models with published tables."""

from __future__ import annotations

import csv
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsolve import InputError, Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.networks import LayerType
from mpsolve.profiles.targets.mpic import MPIC
from mpsolve.profiles.targets.ne16 import NE16
from tests.profiles.chain import conv, depthwise, linear, mobilenet_v1

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.profiles.targets.target import Target


def published(path: Path) -> list[tuple[LayerType, Precision, float, int]]:
    """Layer type, precision, latency and MACs of every row; layers are those of MobileNetV1."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    types = dict(zip(layers, mobilenet_v1(), strict=True))
    return [
        (
            types[row["layer"]],
            Precision(int(row["b_in"]), int(row["b_wt"])),
            float(row["latency"]),
            int(row["macs"]),
        )
        for row in rows
    ]


@pytest.mark.parametrize(
    ("target", "file", "rows"),
    [
        (MPIC, "mpic_mobilenetv1_10_224.csv", 246),
        (NE16, "ne16_mobilenetv1_10_224.csv", 196),
    ],
)
def test_published_tables(shared_tables: Path, target: Target, file: str, rows: int) -> None:
    """Every row of the published table of MobileNetV1 is equal."""
    found = published(shared_tables / file)
    assert len(found) == rows
    for layer_type, precision, latency, macs in found:
        assert layer_type.macs == macs
        assert target.latency(layer_type, precision).value == pytest.approx(latency, rel=1e-15)


@pytest.mark.parametrize("target", [MPIC, NE16])
def test_models_are_called_models(target: Target) -> None:
    """Name, provenance and unit say that nothing was measured."""
    assert target.name.endswith("-model")
    assert target.provenance is Provenance.MODELLED
    assert target.unit == "model cycles"
    assert "no layer was measured" in target.source


def test_mpic_by_hand() -> None:
    """3 * 8 * 9 * 16 * 16 = 55,296 MACs at 2.3 MAC/cycle."""
    assert MPIC.latency(conv(3, 8, 16), Precision(8, 4)).value == pytest.approx(55_296 / 2.3)
    assert len(MPIC.precisions(linear(4, 4))) == 9


def test_ne16_depthwise_by_hand() -> None:
    """40 channels are 16 + 16 + 8, and 7 x 7 pixels nine squares of 3 x 3.

    A group of k channels takes 31 to load, 6 + k for the offset, 6 + k b_wt to multiply, 2 to
    update, 9 + k to normalise and 13 to stream out: 67 + k (2 + b_wt).
    """
    cycles = 9 * (2 * (67 + 16 * 6) + (67 + 8 * 6))
    assert NE16.latency(depthwise(40, 7), Precision(8, 4)).value == cycles


def test_ne16_dense_by_hand() -> None:
    """20 input channels are two groups of 16, 40 output channels 32 + 8; one square of pixels.

    Per input group 31 + 6 + (6 + k b_wt) + 2, per output group 9 + k + 13.
    """
    cycles = (2 * (45 + 32 * 3) + 22 + 32) + (2 * (45 + 8 * 3) + 22 + 8)
    assert NE16.latency(conv(20, 40, 3), Precision(8, 3)).value == cycles


def test_ne16_tokens() -> None:
    """Seven tokens are three rows of 3 x 3 pixels, each 19 + 6 + 38 + 2 and 9 + 32 + 13."""
    assert NE16.latency(linear(16, 32, 7), Precision(8, 8)).value == 3 * (65 + 54)


@given(
    c_in=st.integers(1, 100),
    c_out=st.integers(1, 100),
    size=st.integers(1, 20),
    k=st.sampled_from([1, 3]),
)
def test_ne16_bits(c_in: int, c_out: int, size: int, k: int) -> None:
    """Pointwise latencies do not depend on b_wt; those of 3 x 3 kernels grow by a constant."""
    layer_type = conv(c_in, c_out, size, k)
    latencies = [NE16.latency(layer_type, p).value for p in NE16.precisions(layer_type)]
    steps = {b - a for a, b in pairwise(latencies)}
    squares = (-(-size // 3)) ** 2
    assert steps == {0 if k == 1 else squares * -(-c_in // 16) * c_out}


@pytest.mark.parametrize(
    "layer_type",
    [
        conv(16, 16, 8, 5),
        LayerType("conv", 16, 16, (8, 8), (8, 8), (3, 3), padding=(1, 1), groups=2),
        LayerType("conv", 16, 16, (8, 8), (4, 4), (3, 3), dilation=(2, 2)),
        LayerType("dw", 16, 16, (8, 8), (4, 4), (5, 5), groups=16),
    ],
)
def test_ne16_has_no_such_kernel(layer_type: LayerType) -> None:
    """Kernels other than 3 x 3 and 1 x 1, groups and dilations are not offered, and refused."""
    assert NE16.precisions(layer_type) == ()
    with pytest.raises(InputError, match=r"ne16-model cannot compute .* in 8b/8b; it offers none"):
        NE16.latency(layer_type, Precision(8, 8))


@pytest.mark.parametrize(
    ("target", "precision"), [(MPIC, Precision(8, 3)), (NE16, Precision(4, 4))]
)
def test_unknown_precisions(target: Target, precision: Precision) -> None:
    """A precision that the target lacks is refused with those that it has."""
    with pytest.raises(InputError, match=rf"in {precision}; it offers .*8b/2b"):
        target.latency(linear(8, 8), precision)
