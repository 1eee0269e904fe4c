"""What training ends with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mpsolve.errors import MpsolveError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Stop(StrEnum):
    """Why training ended."""

    FINISHED = "all epochs are complete"
    EARLY = "the validation accuracy did not improve any more, or a callback ended training"
    INTERRUPTED = "interrupted; train again with the same checkpoint to go on"


class DivergenceError(MpsolveError):
    """The loss is infinite or no number, so that nothing can be learnt any more."""


@dataclass(frozen=True)
class Trained:
    """What training did; the weights are in the model itself.

    Attributes
    ----------
    stopped
        Why it ended.
    epochs
        How many epochs are complete, those before a checkpoint included.
    history
        What was recorded of each.
    """

    stopped: Stop
    epochs: int
    history: tuple[Mapping[str, float], ...]

    @property
    def interrupted(self) -> bool:
        """Whether epochs are missing."""
        return self.stopped is Stop.INTERRUPTED

    @property
    def best_epoch(self) -> int:
        """The first epoch with the greatest validation accuracy, from 1; 0 without any."""
        return best_epoch(self.history)

    @property
    def best_accuracy(self) -> float:
        """The greatest accuracy on the validation split; 0 without any epoch."""
        return max((figures["validation_accuracy"] for figures in self.history), default=0.0)


def best_epoch(history: Sequence[Mapping[str, float]]) -> int:
    """The first epoch with the greatest validation accuracy, from 1; 0 without any."""
    accuracies = [figures["validation_accuracy"] for figures in history]
    return accuracies.index(max(accuracies)) + 1 if accuracies else 0
