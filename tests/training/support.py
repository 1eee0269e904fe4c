"""Random tensors and slow, obvious quantisers: the oracles of the fast ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from hypothesis import strategies as st
from torch import Tensor

from mpsolve.training import Grid

if TYPE_CHECKING:
    import numpy as np

BITS = st.integers(2, 8)
SEEDS = st.integers(0, 2**32 - 1)
GRIDS = st.builds(Grid, BITS, st.booleans())


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal numbers of a seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def by_search(x: float, threshold: float, bits: int, signed: bool, odd: bool = False) -> int:
    """The nearest code by comparing with the value of every code; the even one among equals."""
    levels = 2**bits - odd
    scale = 2 * threshold / levels if signed else threshold / (levels - 1)
    lowest = -(2 ** (bits - 1)) + odd if signed else 0
    codes = range(lowest, lowest + levels)
    return min(codes, key=lambda code: (abs(code * scale - x), code % 2))


def away_from_ties(x: Tensor, scale: Tensor | float) -> Tensor:
    """Where rounding does not hang on the last bits of a quotient."""
    steps = x.detach().double() / scale
    return ((steps - steps.floor() - 0.5).abs() > 1e-4).logical_or(steps.abs() > 2**12)


def assert_close(a: Tensor, b: Tensor | np.ndarray, relative: float = 1e-6) -> None:
    """Equality up to a part of the largest magnitude."""
    a, b = a.detach(), torch.as_tensor(b, dtype=a.dtype).detach()
    assert a.shape == b.shape
    most = float(b.abs().max()) if b.numel() else 0.0
    assert float((a - b).abs().max()) <= relative * most + 1e-12
