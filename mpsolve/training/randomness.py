"""The random generators of a process: seeded, kept, and put into a checkpoint."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def kept_randomness() -> Iterator[None]:
    """Leave the global generators as they were found."""
    states = random_states()
    try:
        yield
    finally:
        set_random_states(states)


def seed_all(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (what callbacks of other people may draw from)
    torch.manual_seed(seed)


def uses_cuda() -> bool:
    """Whether this process computes on a GPU; asking does not begin it."""
    return bool(torch.cuda.is_initialized())


def random_states() -> dict[str, Any]:
    """The states of all global generators, as tensors and plain values."""
    version, words, gauss = random.getstate()
    kind, key, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "python": [version, list(words), gauss],
        "numpy": [kind, torch.from_numpy(np.array(key, np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if uses_cuda() else [],
    }


def set_random_states(states: dict[str, Any]) -> None:
    """Continue from states that `random_states` returned."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    kind, key, *rest = states["numpy"]
    np.random.set_state((kind, key.cpu().numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(states["torch"].cpu())
    for index, state in zip(range(torch.cuda.device_count()), states["cuda"], strict=False):
        torch.cuda.set_rng_state(state.cpu(), index)
