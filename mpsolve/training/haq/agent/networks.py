"""The two networks of the agent, in the layout of HAQ's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Actor(nn.Module):
    """From states ``(N, S)`` to actions ``(N, 1)`` between 0 and 1."""

    def __init__(self, states: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(states, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, states: Tensor) -> Tensor:
        """The actions."""
        x = torch.relu(self.first(states))
        return torch.sigmoid(self.last(torch.relu(self.second(x))))


class Critic(nn.Module):
    """From states ``(N, S)`` and actions ``(N, 1)`` to their values ``(N, 1)``."""

    def __init__(self, states: int, hidden: int) -> None:
        super().__init__()
        self.of_state = nn.Linear(states, hidden)
        self.of_action = nn.Linear(1, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, states: Tensor, actions: Tensor) -> Tensor:
        """The values."""
        x = torch.relu(self.of_state(states) + self.of_action(actions))
        value: Tensor = self.last(torch.relu(self.second(x)))
        return value
