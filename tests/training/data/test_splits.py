"""Splits in memory and splits that are read."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from mpsolve import InputError
from mpsolve.training.data import DatasetSplit, Normalisation, TensorSplit
from mpsolve.training.data.splits import ExampleSplit, in_order, sample
from mpsolve.training.randomness import random_states

if TYPE_CHECKING:
    from torch import Tensor

INPUTS = torch.arange(7 * 4, dtype=torch.float32).reshape(7, 1, 2, 2)
TARGETS = torch.arange(7) % 3
ORDER = [np.array([5, 1, 0]), np.array([6, 2])]


class Noisy(ExampleSplit):
    """Five examples: the index and random noise; the third cannot be read in some splits."""

    def __init__(self, damaged: bool = False) -> None:
        self.damaged = damaged

    def __len__(self) -> int:
        return 5

    def example(self, index: int, rng: np.random.Generator | None) -> tuple[Tensor, int]:
        if self.damaged and index == 3:
            raise InputError("three.jpeg is not a readable image; replace or remove it.")
        noise = rng.random() if rng else 0.0
        return torch.full((1, 1, 1), index + noise, dtype=torch.float64), index


@pytest.mark.parametrize("workers", [0, 2])
def test_both_kinds_of_splits_yield_the_examples_that_are_asked_for(workers: int) -> None:
    """In memory as PyTorch's own indexing gives them, and read with or without workers."""
    splits = TensorSplit(INPUTS, TARGETS), DatasetSplit(TensorDataset(INPUTS, TARGETS))
    for split in splits:
        assert len(split) == 7
        for order, (inputs, targets) in zip(
            ORDER, split.batches(ORDER, workers=workers), strict=True
        ):
            assert torch.equal(inputs, INPUTS[order])
            assert torch.equal(targets, TARGETS[order])


def test_bytes_are_normalised_batch_by_batch() -> None:
    """(255 / 255 - 0.5) / 0.25 is 2."""
    white = torch.full((3, 1, 2, 2), 255, dtype=torch.uint8)
    split = TensorSplit(white, torch.zeros(3, dtype=torch.int64), Normalisation((0.5,), (0.25,)))
    ((inputs, _),) = in_order(split, 3)
    assert torch.equal(inputs, torch.full((3, 1, 2, 2), 2.0))


def test_random_examples_depend_on_the_seed_and_not_on_the_workers() -> None:
    """Every example has its own generator; without a seed nothing is random."""
    order = [np.array([4, 0]), np.array([2, 1])]

    def read(seed: tuple[int, ...] | None, workers: int) -> list[float]:
        batches = Noisy().batches(order, seed, workers)
        return torch.cat([inputs.flatten() for inputs, _ in batches]).tolist()

    assert read((1, 2), 0) == read((1, 2), 0) == read((1, 2), 2)
    assert read((1, 2), 0) != read((1, 3), 0)
    expected = [index + np.random.default_rng([1, 2, index]).random() for index in (4, 0, 2, 1)]
    assert read((1, 2), 0) == expected
    assert read(None, 0) == [4, 0, 2, 1]


def test_reading_leaves_the_global_generators_alone() -> None:
    """So a run that reads ahead differently does not become another run."""
    before = random_states()
    list(Noisy().batches([np.array([0, 1])], (0, 0)))
    after = random_states()
    assert torch.equal(before["torch"], after["torch"])
    assert before["python"] == after["python"]
    assert torch.equal(before["numpy"][1], after["numpy"][1])


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_in_a_worker_stays_one_sentence(workers: int) -> None:
    """What PyTorch raises for a worker would be a traceback in a message."""
    batches = Noisy(damaged=True).batches([np.array([0]), np.array([3])], None, workers)
    assert next(batches)[1].tolist() == [0]
    with pytest.raises(InputError) as caught:
        next(batches)
    assert str(caught.value) == "three.jpeg is not a readable image; replace or remove it."


class Handler(ExampleSplit):
    """Its label says whether the process ignores Ctrl-C."""

    def __len__(self) -> int:
        return 1

    def example(self, index: int, rng: np.random.Generator | None) -> tuple[Tensor, int]:
        return torch.zeros(1), int(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)


def test_workers_leave_interrupts_to_the_training() -> None:
    """Which finishes the batch that they read."""
    ((_, ignored),) = Handler().batches([np.array([0])], None, workers=1)
    assert ignored.tolist() == [1]


def test_an_augmentation_happens_only_in_training() -> None:
    """That is, with a seed, and before the normalisation."""

    def shift(images: Tensor, rng: np.random.Generator) -> Tensor:
        return images + int(rng.integers(1, 100))

    split = TensorSplit(INPUTS, TARGETS, Normalisation((0.0,), (1.0,), top=1.0), shift)
    order = [np.array([2, 3])]
    assert torch.equal(next(split.batches(order))[0], INPUTS[2:4])
    drawn = int(np.random.default_rng([8, 9, 2]).integers(1, 100))
    assert torch.equal(next(split.batches(order, (8, 9)))[0], INPUTS[2:4] + drawn)


def test_a_sample_has_distinct_examples() -> None:
    """The same for the same seed, and all if fewer exist than wanted."""
    split = TensorSplit(INPUTS, TARGETS)
    inputs, targets = sample(split, 4, seed=3)
    assert len(set(inputs.flatten().tolist())) == 4 * 4
    assert torch.equal(sample(split, 4, seed=3)[0], inputs)
    assert len(targets) == 4
    assert len(sample(split, 100)[1]) == 7
