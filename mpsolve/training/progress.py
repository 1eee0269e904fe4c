"""How far long pieces of work have come: what every ``progress`` in training is told.

All of them say what part is done, and their text is what a progress line shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    """What they have in common."""

    @property
    def part(self) -> float:
        """What is done, from 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Count(Progress):
    """Of pieces that are much alike: operands, pairs of layers, configurations, images.

    Attributes
    ----------
    done, total
        Complete pieces, and all.
    what
        The latest, if it has a name.
    """

    done: int
    total: int
    what: str = ""

    @property
    def part(self) -> float:
        """See `Progress`."""
        return self.done / self.total

    def __str__(self) -> str:
        return f"{self.done} of {self.total}{f', {self.what}' * bool(self.what)}"


@dataclass(frozen=True, slots=True)
class TrainingProgress(Progress):
    """Of a training.

    Attributes
    ----------
    epoch, epochs
        Complete epochs, and how many are wanted.
    batch, batches
        Complete batches of this epoch, and how many it has.
    loss, accuracy
        Means over the examples of this epoch so far, of this process.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float

    @property
    def part(self) -> float:
        """See `Progress`."""
        return (self.epoch + self.batch / self.batches) / self.epochs

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch + 1} of {self.epochs}, batch {self.batch} of {self.batches}, "
            f"loss {self.loss:.3f}, accuracy {self.accuracy:.1%}"
        )


@dataclass(frozen=True, slots=True)
class HaqProgress(Progress):
    """Of a search by HAQ.

    Attributes
    ----------
    stage, stages
        The present search, and how many there are.
    episode, episodes
        Complete episodes of it, and how many are wanted.
    reward, best
        That of the latest, and the best.
    """

    stage: int
    stages: int
    episode: int
    episodes: int
    reward: float
    best: float

    @property
    def part(self) -> float:
        """See `Progress`."""
        return (self.stage + self.episode / self.episodes) / self.stages

    def __str__(self) -> str:
        search = f"search {self.stage + 1} of {self.stages}, " * (self.stages > 1)
        return (
            f"{search}episode {self.episode} of {self.episodes}, reward {self.reward:.3f}, best "
            f"{self.best:.3f}"
        )
