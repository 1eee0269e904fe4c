"""The order of the examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsolve import InputError
from mpsolve.training.data.order import slices, training_batches


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 5), st.integers(0, 5))
def test_every_example_comes_once(count: int, size: int, seed: int, epoch: int) -> None:
    """But for a last one that would be a batch by itself; all batches but the last are full."""
    batches = training_batches(count, size, seed, epoch)
    left_out = count > size > 1 == count % size
    seen = np.concatenate(batches)
    assert len(seen) == len(set(seen)) == count - left_out
    assert set(seen) <= set(range(count))
    assert all(len(batch) == size for batch in batches[:-1])


@given(st.integers(4, 50), st.integers(1, 5), st.integers(1, 4), st.integers(0, 5))
def test_processes_share_every_batch(count: int, share: int, world: int, epoch: int) -> None:
    """Equally, without overlap, and together they see what one process sees."""
    parts = [training_batches(count, share * world, 0, epoch, r, world) for r in range(world)]
    whole = training_batches(count, share * world, 0, epoch)
    assert len({len(part) for part in parts}) == 1
    for batch, *own in zip(whole, *parts, strict=False):
        assert len({len(part) for part in own}) == 1
        together = np.concatenate(own)
        assert len(together) == len(set(together))
        assert set(together) <= set(batch)
        assert len(batch) - len(together) < world


def test_the_order_depends_on_the_seed_and_the_epoch_alone() -> None:
    """Nothing is drawn from a global generator."""
    first = np.concatenate(training_batches(40, 7, 1, 2))
    assert (np.concatenate(training_batches(40, 7, 1, 2)) == first).all()
    assert (np.concatenate(training_batches(40, 7, 1, 3)) != first).any()
    assert (np.concatenate(training_batches(40, 7, 2, 2)) != first).any()


def test_fewer_examples_than_processes_are_refused() -> None:
    """Some of them would have nothing to learn."""
    with pytest.raises(InputError, match="2 examples are too few for 3 processes"):
        training_batches(2, 3, 0, 0, 0, 3)


def test_slices_keep_the_order() -> None:
    """The last one may be smaller."""
    assert [part.tolist() for part in slices(np.arange(5), 2)] == [[0, 1], [2, 3], [4]]
