"""Splits of a data set: in memory, or read example by example."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from mpsolve.errors import InputError, MpsolveError
from mpsolve.training.data.order import slices
from mpsolve.training.randomness import uses_cuda

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from mpsolve.training.data.normalisation import Normalisation
    from mpsolve.typing import IntArray

Batch: TypeAlias = "tuple[Tensor, Tensor]"
#: Changes images ``(N, C, H, W)`` at random; drawn from the generator alone.
Augmentation: TypeAlias = "Callable[[Tensor, np.random.Generator], Tensor]"


class Split(Protocol):
    """Examples that can be gone through in any order."""

    def __len__(self) -> int: ...

    def batches(
        self, indices: Sequence[IntArray], seed: Sequence[int] | None = None, workers: int = 0
    ) -> Iterator[Batch]:
        """Yield the examples of each batch.

        Parameters
        ----------
        indices
            The examples of each batch.
        seed
            What random augmentations depend on; without it there are none.
        workers
            Processes that read examples ahead, where that is worth it.

        Yields
        ------
        Inputs ``(N, C, H, W)`` of float32 and labels ``(N,)`` of int64.
        """
        ...


def in_order(split: Split, size: int, workers: int = 0) -> Iterator[Batch]:
    """All examples in their own order, without augmentation."""
    return split.batches(slices(np.arange(len(split)), size), workers=workers)


def sample(split: Split, count: int, seed: int = 0) -> Batch:
    """Distinct random examples as one batch, without augmentation; all if there are fewer."""
    order = np.random.default_rng(seed).permutation(len(split))[:count]
    return next(split.batches([order]))


@dataclass(frozen=True, eq=False)
class TensorSplit:
    """Examples that are held in memory.

    Attributes
    ----------
    inputs
        ``(N, C, H, W)``: network inputs, or pixels if there is a normalisation.
    targets
        ``(N,)`` int64 labels.
    normalisation
        What turns pixels into network inputs, batch by batch: bytes take a quarter of the memory.
    augmentation
        What happens to the inputs of training, before they are normalised.
    """

    inputs: Tensor
    targets: Tensor
    normalisation: Normalisation | None = None
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise InputError(f"{len(self.inputs)} inputs have {len(self.targets)} labels.")

    def __len__(self) -> int:
        return len(self.targets)

    def batches(
        self, indices: Sequence[IntArray], seed: Sequence[int] | None = None, workers: int = 0
    ) -> Iterator[Batch]:
        """See `Split`; there is nothing for workers to do."""
        for batch in indices:
            chosen = torch.from_numpy(batch)
            inputs = self.inputs[chosen]
            if self.augmentation and seed is not None:
                # The first example makes the seed: no other batch of the epoch begins with it.
                inputs = self.augmentation(inputs, np.random.default_rng([*seed, int(batch[0])]))
            if self.normalisation:
                inputs = self.normalisation(inputs)
            yield inputs, self.targets[chosen]


class ExampleSplit(ABC, Dataset[tuple[torch.Tensor, int]]):
    """Examples that are read one by one; also a data set for a `torch.utils.data.DataLoader`."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def example(self, index: int, rng: np.random.Generator | None) -> tuple[Tensor, int]:
        """An input and its label; augmented at random if there is a generator."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.example(index, None)

    def batches(
        self, indices: Sequence[IntArray], seed: Sequence[int] | None = None, workers: int = 0
    ) -> Iterator[Batch]:
        """See `Split`. What is yielded does not depend on the number of workers."""
        loader: DataLoader[Any] = DataLoader(
            _Fetched(self, seed),
            batch_sampler=[batch.tolist() for batch in indices],
            num_workers=workers,
            collate_fn=_as_it_is,
            pin_memory=uses_cuda(),
            worker_init_fn=_ignore_interrupts,
            # Seeds the workers without drawing from the global generator.
            generator=torch.Generator().manual_seed(_number(seed or (0,))),
        )
        for batch in loader:
            if isinstance(batch, MpsolveError):
                raise batch
            inputs, targets = batch
            yield inputs, targets


class DatasetSplit(ExampleSplit):
    """Any map-style data set of PyTorch whose items are an input and a label."""

    def __init__(self, dataset: Dataset[Any]) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]  # not declared by Dataset

    def example(self, index: int, rng: np.random.Generator | None) -> tuple[Tensor, int]:
        """The item; if it is random, PyTorch's generators make it so, one seed per worker."""
        inputs, target = self.dataset[index]
        return inputs, target


class _Fetched(Dataset[Any]):
    """Batches, or the error that prevents one: raised in a worker it would become a traceback."""

    def __init__(self, split: ExampleSplit, seed: Sequence[int] | None) -> None:
        self.split = split
        self.seed = seed

    def __getitems__(self, indices: list[int]) -> Any:
        try:
            return default_collate([self.split.example(i, self._generator(i)) for i in indices])
        except MpsolveError as error:
            return error

    def _generator(self, index: int) -> np.random.Generator | None:
        return None if self.seed is None else np.random.default_rng([*self.seed, index])


def _as_it_is(batch: Any) -> Any:
    return batch


def _ignore_interrupts(worker: int) -> None:
    """Ctrl-C is for the training, which still needs its workers to finish a batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _number(seed: Sequence[int]) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1)[0])
