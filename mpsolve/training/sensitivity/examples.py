"""The fixed subset of examples on which all sensitivities of a network are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mpsolve.errors import InputError
from mpsolve.training.data.order import slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.training.data import Split
    from mpsolve.training.data.splits import Batch

#: From scores ``(N, ...)`` and targets ``(N, ...)`` to the loss of each example ``(N,)``.
Losses: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def cross_entropies(scores: Tensor, targets: Tensor) -> Tensor:
    """``(N,)`` cross entropies in nats of class scores ``(N, classes)``."""
    return cross_entropy(scores, targets, reduction="none")


@dataclass(frozen=True, eq=False)
class Examples:
    """Batches of inputs and targets, and the loss of each example.

    Attributes
    ----------
    batches
        Inputs ``(N, ...)`` and targets ``(N, ...)``.
    losses
        See `Losses`; it must treat the examples independently.
    """

    batches: tuple[Batch, ...]
    losses: Losses = cross_entropies

    def __post_init__(self) -> None:
        if not self.batches or not all(len(inputs) for inputs, _ in self.batches):
            raise InputError("There are no examples, or a batch has none.")

    @classmethod
    def draw(
        cls,
        split: Split,
        count: int = 256,
        *,
        batch_size: int = 64,
        seed: int = 0,
        losses: Losses = cross_entropies,
    ) -> Examples:
        """Distinct random examples of a split, without augmentation; all if there are fewer."""
        order = np.random.default_rng(seed).permutation(len(split))[:count]
        return cls(tuple(split.batches(slices(order, batch_size))), losses)

    def __len__(self) -> int:
        return sum(len(inputs) for inputs, _ in self.batches)

    def each_loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """``(N,)`` losses of a batch.

        Raises
        ------
        InputError
            If the loss function returns anything else, such as a mean.
        """
        losses = self.losses(scores, targets)
        if losses.shape != (len(targets),):
            raise InputError(
                f"The losses of {len(targets)} examples have shape {tuple(losses.shape)}; return "
                "one number per example."
            )
        return losses

    def on(self, device: torch.device) -> Iterator[Batch]:
        """The batches, where a model computes."""
        for inputs, targets in self.batches:
            yield inputs.to(device), targets.to(device)

    def one_by_one(self, device: torch.device) -> Iterator[Batch]:
        """Batches of one example each."""
        for inputs, targets in self.on(device):
            yield from zip(inputs.split(1), targets.split(1), strict=True)

    @property
    def fingerprint(self) -> str:
        """A digest of all numbers; of the loss function, only its name."""
        digest = sha256(getattr(self.losses, "__qualname__", "").encode())
        for tensor in (tensor for batch in self.batches for tensor in batch):
            digest_tensor(digest, tensor)
        return digest.hexdigest()


def digest_tensor(digest: object, tensor: Tensor) -> None:
    """Add a tensor to a digest of `hashlib`."""
    array = tensor.detach().cpu().contiguous()
    update = digest.update  # type: ignore[attr-defined]
    update(f"{array.dtype} {tuple(array.shape)}".encode())
    update(array.reshape(-1).view(torch.uint8).numpy().tobytes() if array.numel() else b"")
