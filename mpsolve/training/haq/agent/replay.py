"""The replay memory: the latest transitions, of which random ones are learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.typing import FloatArray


@dataclass(frozen=True, slots=True)
class Transitions:
    """``N`` transitions as float32 tensors.

    Attributes
    ----------
    states, following
        ``(N, S)``: before and after the action.
    actions, rewards, done
        ``(N, 1)``; ``done`` is 1 where the episode ends, and nothing follows.
    """

    states: Tensor
    actions: Tensor
    rewards: Tensor
    following: Tensor
    done: Tensor


class Replay:
    """A ring of transitions.

    Parameters
    ----------
    capacity
        How many it holds; the oldest are replaced.
    states
        ``S``, the numbers of a state.
    """

    def __init__(self, capacity: int, states: int) -> None:
        self._states = states
        self._rows = torch.zeros(capacity, 2 * states + 3)
        self._count = 0

    def __len__(self) -> int:
        return min(self._count, len(self._rows))

    def append(
        self, state: FloatArray, action: float, reward: float, following: FloatArray, done: bool
    ) -> None:
        """Remember a transition."""
        row = np.concatenate([state, following, [action, reward, done]])
        self._rows[self._count % len(self._rows)] = torch.from_numpy(row)
        self._count += 1

    def draw(self, size: int, rng: np.random.Generator) -> Transitions:
        """Random transitions, each once if there are as many."""
        chosen = rng.choice(len(self), size, replace=len(self) < size)
        rows = self._rows[torch.from_numpy(chosen)]
        states, following, action, reward, done = rows.split(
            [self._states, self._states, 1, 1, 1], dim=1
        )
        return Transitions(states, action, reward, following, done)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"rows": self._rows, "count": self._count}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Continue with what `state_dict` returned."""
        self._rows.copy_(values["rows"])
        self._count = values["count"]
