"""What a search by HAQ is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.profiles.memory.schemes import scheme_named
from mpsolve.training.recipes.recipe import MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Weights and activations in one search, or activations after weights (ITEM 2020, section 3.3).
STRATEGIES = ("concurrent", "independent")
#: How weights are quantised while a configuration is trained.
WEIGHTS = ("uniform", "kmeans")
#: Episodes of a search (ITEM 2020, section 4.3); a fifth of them is its warm-up.
EPISODES = {"concurrent": 600, "independent": 300}


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The constants of the agent, as in the code of HAQ.

    Attributes
    ----------
    hidden
        Units of both hidden layers of the actor and of the critic.
    actor_rate, critic_rate
        Learning rates of Adam.
    tau
        How far the target networks move towards the networks in every update.
    discount
        Of the value of the next state.
    batch_size
        Transitions of an update.
    memory
        How many episodes the replay memory holds.
    sigma, decay
        Exploration: the standard deviation after the warm-up, and its factor per episode.
    baseline
        How far the moving average of rewards goes towards the mean of every batch.
    """

    hidden: int = 300
    actor_rate: float = 1e-4
    critic_rate: float = 1e-3
    tau: float = 0.01
    discount: float = 1.0
    batch_size: int = 64
    memory: int = 128
    sigma: float = 0.5
    decay: float = 0.99
    baseline: float = 0.5

    def __post_init__(self) -> None:
        for name in ("hidden", "batch_size", "memory"):
            _require(getattr(self, name) > 0, f"agent.{name} must be positive")
        for name in ("actor_rate", "critic_rate", "sigma"):
            _require(getattr(self, name) > 0, f"agent.{name} must be positive")
        for name in ("tau", "decay", "baseline"):
            _require(0 < getattr(self, name) <= 1, f"agent.{name} must be above 0 and at most 1")
        _require(0 <= self.discount <= 1, "agent.discount must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class HaqSettings:
    """A search by HAQ.

    Attributes
    ----------
    strategy
        One of `STRATEGIES`.
    episodes
        Of every search, of which ``independent`` has two; by default those of `EPISODES`.
    warm_up
        Episodes with random actions, at the beginning; by default a fifth.
    bits
        The bit-widths of weights and activations.
    scheme
        What the ROM holds beside weights, one of `mpsolve.profiles.memory.SCHEMES`.
    weights
        One of `WEIGHTS`: a uniform grid per channel, or k-means, whose clusters no integer kernel
        can compute with: a reference, not for deployment.
    epochs, batch_size, learning_rate
        How a configuration is trained before it is judged, with Adam.
    activation_clip
        Where learned thresholds of activations begin, as in `QuantisationSettings`.
    examples, validation_examples
        How many examples it is trained on and judged on, at most.
    seed
        Of everything random.
    agent
        The constants of the agent.
    """

    strategy: str = "concurrent"
    episodes: int | None = None
    warm_up: int | None = None
    bits: tuple[int, ...] = (2, 4, 8)
    scheme: str = "icn-channel"
    weights: str = "uniform"
    epochs: int = 1
    batch_size: int = 64
    learning_rate: float = 1e-4
    activation_clip: float | str = MAX
    examples: int = 20_000
    validation_examples: int = 10_000
    seed: int = 0
    agent: AgentSettings = field(default_factory=AgentSettings)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for name, known in (("strategy", STRATEGIES), ("weights", WEIGHTS)):
            _require(getattr(self, name) in known, f"{name} is {' or '.join(known)}")
        if self.episodes is None:
            set_(self, "episodes", EPISODES[self.strategy])
        if self.warm_up is None:
            set_(self, "warm_up", self.episode_count // 5)
        set_(self, "bits", tuple(self.bits))
        _require(_increasing(self.bits), "bits are whole numbers from 2 to 8 in increasing order")
        scheme_named(self.scheme)
        for name in ("episodes", "epochs", "batch_size", "examples", "validation_examples"):
            _require(getattr(self, name) > 0, f"{name} must be positive")
        _require(self.warm_up_count >= 0, "warm_up must not be negative")
        _require(0 < self.learning_rate < float("inf"), "learning_rate must be positive")
        _require(self.seed >= 0, "seed must not be negative")
        clip = self.activation_clip
        good = clip == MAX if isinstance(clip, str) else clip > 0
        _require(good, f'activation_clip is a positive number or "{MAX}"')

    @property
    def episode_count(self) -> int:
        """`episodes`, which are known by now."""
        assert self.episodes is not None
        return self.episodes

    @property
    def warm_up_count(self) -> int:
        """`warm_up`, which is known by now."""
        assert self.warm_up is not None
        return self.warm_up

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def _increasing(bits: Iterable[int]) -> bool:
    widths = list(bits)
    whole = all(isinstance(b, int) and not isinstance(b, bool) and 2 <= b <= 8 for b in widths)
    return bool(widths) and whole and all(low < high for low, high in pairwise(widths))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise InputError(f"{what}.")
