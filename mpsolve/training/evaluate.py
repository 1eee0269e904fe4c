"""Accuracy and loss over a split, and batch statistics for a network that was changed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from mpsolve.errors import InputError
from mpsolve.training.data.order import slices
from mpsolve.training.distributed import Process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from mpsolve.training.data import Split

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a network is on a split.

    Attributes
    ----------
    loss
        Mean cross entropy in nats.
    correct, count
        Examples whose class has the greatest output, and all.
    """

    loss: float
    correct: int
    count: int

    @property
    def accuracy(self) -> float:
        """Share of correct examples (top-1)."""
        return self.correct / self.count


def evaluate(
    model: nn.Module,
    split: Split,
    *,
    batch_size: int = 256,
    workers: int = 0,
    process: Process | None = None,
) -> Evaluation:
    """Run a network over all examples in evaluation mode; its modes are restored.

    Parameters
    ----------
    model
        Maps inputs ``(N, C, H, W)`` to class scores ``(N, classes)``.
    split
        The examples.
    batch_size, workers
        How they are read, which changes nothing but rounding.
    process
        With several, each takes a part; by default this one does it all, where the model is.
    """
    process = process or Process(device_of(model))
    own = slices(np.arange(len(split))[process.rank :: process.world], batch_size)
    totals = Totals(process.device)
    with evaluating(model), torch.no_grad():
        for inputs, targets in split.batches(own, workers=workers):
            scores = model(inputs.to(process.device))
            totals.add(scores, targets.to(process.device))
    process.sum(totals.values)
    return totals.evaluation()


class Totals:
    """Sums over examples, kept where the network computes so that nothing waits for them.

    Attributes
    ----------
    values
        float64: the sum of the losses, the correct examples, all examples, and the sum of what
        was added to the losses.
    """

    def __init__(self, device: torch.device, values: Iterable[float] = (0, 0, 0, 0)) -> None:
        self.values = torch.tensor(list(values), dtype=torch.float64, device=device)

    @torch.no_grad()
    def add(self, scores: Tensor, targets: Tensor, extra: Tensor | None = None) -> None:
        """Add a batch of class scores ``(N, classes)`` and labels ``(N,)``."""
        losses = cross_entropy(scores, targets, reduction="none").double()
        correct = (scores.argmax(1) == targets).double()
        count = torch.full((), len(targets), dtype=torch.float64, device=self.values.device)
        added = count * (0 if extra is None else extra.detach().double())
        self.values += torch.stack([losses.sum(), correct.sum(), count, added])

    def evaluation(self) -> Evaluation:
        """Their means; there must be examples."""
        loss, correct, count, _ = self.values.tolist()
        return Evaluation(loss / count, round(correct), round(count))

    @property
    def mean_extra(self) -> float:
        """The mean of what was added to the losses."""
        return float(self.values[3] / self.values[2])


def recalibrate(
    model: nn.Module, split: Split, *, batch_size: int = 256, batches: int | None = None
) -> None:
    """Measure the statistics of batch normalisation anew, with all else in evaluation mode.

    The running statistics become plain means over the batches of what each batch gives: its mean,
    and its variance with Bessel's correction. Nothing is trained.

    Parameters
    ----------
    model
        The network; its parameters stay as they are.
    split
        Examples, which are taken in random order without augmentation.
    batch_size, batches
        Examples per batch, and how many batches; by default all full ones.

    Raises
    ------
    InputError
        If the split has not even one full batch.
    """
    norms = [m for m in model.modules() if isinstance(m, BATCH_NORMS) and m.track_running_stats]
    order = np.random.default_rng(0).permutation(len(split))
    chosen = [part for part in slices(order, batch_size) if len(part) == batch_size][:batches]
    if not chosen:
        raise InputError(
            f"{len(split)} examples make no batch of {batch_size}; choose a smaller one."
        )
    device = device_of(model)
    momenta = [norm.momentum for norm in norms]
    with evaluating(model), torch.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative means
            norm.train()
        for inputs, _ in split.batches(chosen):
            model(inputs.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode; afterwards every module has the mode that it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def device_of(model: nn.Module) -> torch.device:
    """Where the parameters of a network are; the CPU if it has none."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))
