"""What a search does and finds: its episodes, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.training.haq.environment.environment import Operand


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode.

    Attributes
    ----------
    stage
        Which of the searches it belongs to, from 0: ``independent`` has two.
    configuration
        What was judged: what the agent chose, with what did not fit lowered.
    reward
        How good it was.
    rom, ram
        Bytes that it needs.
    sigma
        The standard deviation of the exploration; 0 in the warm-up.
    """

    stage: int
    configuration: Configuration
    reward: float
    rom: int
    ram: int
    sigma: float

    def figures(self, number: int, best: float) -> dict[str, float]:
        """A row of ``metrics.csv``."""
        row: dict[str, float] = {
            "stage": self.stage + 1,
            "episode": number,
            "reward": self.reward,
            "best_reward": best,
            "rom": self.rom,
            "ram": self.ram,
            "sigma": self.sigma,
        }
        for operand in ("b_wt", "b_in"):
            for layer, precision in self.configuration.items():
                row[f"{operand}.{layer}"] = getattr(precision, operand)
        return row

    def to_json(self) -> dict[str, Any]:
        """Plain data, as the checkpoint keeps it."""
        bits = {layer: [p.b_in, p.b_wt] for layer, p in self.configuration.items()}
        own = {name: getattr(self, name) for name in ("stage", "reward", "rom", "ram", "sigma")}
        return {"configuration": bits, **own}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Episode:
        """Read plain data."""
        bits = {layer: Precision(*own) for layer, own in data["configuration"].items()}
        return cls(**{**data, "configuration": Configuration(bits)})


@dataclass(frozen=True, eq=False)
class HaqResult:
    """What a search has found.

    Attributes
    ----------
    best
        The first episode with the greatest reward of the last search that has begun; None if not
        even one episode is complete.
    episodes
        All of them.
    finished
        Whether all episodes are complete; otherwise Ctrl-C has stopped it.
    searched
        Stage -> what was searched in it.
    rom, ram
        The limits; None for none.
    """

    best: Episode | None
    episodes: tuple[Episode, ...]
    finished: bool
    searched: tuple[tuple[Operand, ...], ...]
    rom: int | None
    ram: int | None

    @property
    def configuration(self) -> Configuration | None:
        """That of the best episode."""
        return None if self.best is None else self.best.configuration

    @property
    def best_episode(self) -> int:
        """The place of the best episode among all, from 1; 0 without any."""
        return 0 if self.best is None else self.episodes.index(self.best) + 1


def best_of(episodes: Sequence[Episode], stage: int) -> Episode | None:
    """The first episode of a stage with the greatest reward."""
    own = [episode for episode in episodes if episode.stage == stage]
    return max(own, key=lambda episode: episode.reward, default=None)
