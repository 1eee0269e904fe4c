"""Cycles of kernels on tiles that lie in L1."""

from __future__ import annotations

import numpy as np
import pytest

from mpsolve.profiles.targets.pulp import CALIBRATED, PRIOR, Isa, Parameters
from mpsolve.profiles.targets.pulp.compute import counts
from mpsolve.profiles.targets.pulp.geometry import Geometry, Kernel
from mpsolve.profiles.targets.pulp.instructions import im2col, widening

#: Kernel, input and output channels, kernel size.
KERNELS: dict[str, tuple[Kernel, int, int, int]] = {
    "3x3": ("conv", 32, 64, 3),
    "1x1": ("conv", 128, 128, 1),
    "depthwise": ("depthwise", 32, 32, 3),
}
#: MAC per cycle of 16 x 16 tiles at the calibrated parameters, by (b_in, b_wt) and platform: 3 x 3
#: with 32 to 64 channels, 1 x 1 with 128 to 128, depthwise 3 x 3 with 32.
THROUGHPUT = {
    (8, 8): ((14.6, 13.2, 1.23), (21.2, 18.2, 1.27), (21.1, 18.0, 1.27)),
    (8, 4): ((8.3, 7.8, 1.50), (3.7, 3.6, 1.56), (21.1, 18.0, 1.56)),
    (4, 4): ((8.2, 7.8, 1.32), (36.4, 28.1, 1.36), (36.1, 27.7, 1.36)),
    (4, 2): ((8.3, 7.9, 1.36), (4.0, 3.9, 1.41), (36.1, 27.7, 1.41)),
    (2, 2): ((8.4, 7.9, 1.37), (56.9, 38.6, 1.41), (56.1, 37.8, 1.41)),
}


def tile_cycles(
    kernel: str, isa: Isa, bits: tuple[int, int], side: int = 16, p: Parameters | None = None
) -> float:
    """Cycles of one square tile."""
    geometry, size = tile(*KERNELS[kernel], bits, side)
    return float(counts(geometry, isa, *size).cycles(p or CALIBRATED.parameters)[0])


def tile(
    kernel: Kernel, channels: int, out: int, k: int, bits: tuple[int, int], side: int
) -> tuple[Geometry, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A layer of one square tile, and the size of the tile."""
    geometry = Geometry(kernel, channels, out, k, 1, k - 1, side, side, side, side, *bits)
    return geometry, (np.array([out]), np.array([side]), np.array([side]))


@pytest.mark.parametrize("bits", THROUGHPUT)
@pytest.mark.parametrize("kernel", KERNELS)
def test_throughput_of_tiles_in_l1(kernel: str, bits: tuple[int, int]) -> None:
    """MAC per cycle of each kernel on each platform, as recorded with the calibration."""
    macs = tile(*KERNELS[kernel], bits, 16)[0].depth * KERNELS[kernel][2] * 16 * 16
    for isa, row in zip(Isa, THROUGHPUT[bits], strict=True):
        expected = row[list(KERNELS).index(kernel)]
        resolution = 0.006 if kernel == "depthwise" else 0.06
        assert macs / tile_cycles(kernel, isa, bits) == pytest.approx(expected, abs=resolution)


def test_a_convolution_counted_by_hand() -> None:
    """1 x 1, 32 to 4 channels, 8 bits, XpulpV2, 8 x 2 pixels: one pair of pixels per core.

    Two columns of 18 + 8 words x 3 + 14 cycles, a call of 45, and one group: 22, 8 words x 14, and
    8 outputs of 15; 8 % contention, and 150 to start.
    """
    geometry = Geometry("conv", 32, 4, 1, 1, 0, 8, 2, 8, 2, 8, 8)
    found = counts(geometry, Isa.XPULPV2, *(np.array([n]) for n in (4, 8, 2)))
    expected = 150 + 1.08 * (2 * (18 + 24 + 14) + 45 + 22 + 8 * 14 + 8 * 15)
    assert found.cycles(PRIOR.parameters) == pytest.approx([expected])


def test_a_depthwise_convolution_counted_by_hand() -> None:
    """3 x 3, 8 channels, 8 bits, XpulpV2, one pixel: one channel and one output per core.

    Three rows of 3 + 7 cycles, an output of 2 x 3 + 2 + 4 for its products, 24 and 15, and 60.
    """
    geometry, size = tile("depthwise", 8, 8, 3, (8, 8), 1)
    found = counts(geometry, Isa.XPULPV2, *size)
    assert found.cycles(PRIOR.parameters) == pytest.approx([150 + 1.08 * (3 * 10 + 12 + 39 + 60)])


def test_a_fully_connected_layer_counted_by_hand() -> None:
    """64 to 8, 4b/8b, XpulpNNv1: one output per core, 16 words of three and of widened inputs."""
    geometry = Geometry("linear", 64, 8, 1, 1, 0, 1, 1, 1, 1, 4, 8)
    found = counts(geometry, Isa.XPULPNNV1, *(np.array([n]) for n in (8, 1, 1)))
    widened = 8 * (1 + 8 + 4 + 2)  # words of eight: load, extract, pack, and two stores
    assert found.cycles(PRIOR.parameters) == pytest.approx([150 + 1.08 * (16 * 3 + widened + 20)])


def test_instructions_that_widen_a_word() -> None:
    """Sixteen 2-bit elements: to 8 bits 1 + 16 + 8, to 4 bits 1 + 16 + 8 + 4, and the stores."""
    assert widening(2, 8, 16) == 25
    assert widening(2, 8, 16, store=True) == 29
    assert widening(2, 4, 16) == 29
    assert widening(2, 4, 16, store=True) == 31
    assert widening(4, 4, 16, store=True) == 0
    assert im2col(8, 8, 16) == 12
    assert im2col(2, 8, 16) == 29


@pytest.mark.parametrize("kernel", ["3x3", "1x1"])
def test_what_sets_the_platforms_apart(kernel: str) -> None:
    """Only XpulpNNv1 pays for mixed widths, and only XpulpV2 for narrow ones of equal width."""
    times = {(isa, bits): tile_cycles(kernel, isa, bits) for isa in Isa for bits in THROUGHPUT}
    assert times[Isa.XPULPNNV1, (8, 4)] > 4 * times[Isa.XPULPNNV1, (8, 8)]
    assert times[Isa.XPULPNNV2, (8, 4)] == times[Isa.XPULPNNV2, (8, 8)]
    assert times[Isa.XPULPV2, (4, 4)] > 1.5 * times[Isa.XPULPV2, (8, 8)]
    assert times[Isa.XPULPNNV1, (4, 4)] < 0.7 * times[Isa.XPULPNNV1, (8, 8)]


@pytest.mark.parametrize(("side", "busy"), [(8, 1.0), (7, 0.75), (4, 1.0)])
def test_small_maps_leave_cores_idle(side: int, busy: float) -> None:
    """Seven rows and columns keep eight cores busy to about three quarters."""
    p = CALIBRATED.parameters
    per_pixel = (tile_cycles("1x1", Isa.XPULPV2, (8, 8), side, p) - p.launch) / side**2
    full = (tile_cycles("1x1", Isa.XPULPV2, (8, 8), 16, p) - p.launch) / 16**2
    assert full / per_pixel == pytest.approx(busy, abs=0.03)
