"""Deep deterministic policy gradients (Lillicrap et al., ICLR 2016), as HAQ uses them.

All actions of an episode get its final reward, less a moving average of the rewards.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mpsolve.training.haq.agent.exploration import truncated_normal
from mpsolve.training.haq.agent.networks import Actor, Critic
from mpsolve.training.haq.agent.replay import Replay

if TYPE_CHECKING:
    from torch import nn

    from mpsolve.training.haq.agent.replay import Transitions
    from mpsolve.training.haq.settings import AgentSettings
    from mpsolve.typing import FloatArray


class Ddpg:
    """An agent.

    Parameters
    ----------
    states
        ``S``, the numbers of a state.
    steps
        The actions of an episode.
    settings
        Its constants.
    seed
        Of the first weights and of all draws; any numbers that `numpy.random.default_rng` takes.

    Attributes
    ----------
    actor, critic
        The networks that learn.
    actor_target, critic_target
        Those that follow them slowly, and give the values that the critic learns.
    replay
        The transitions that are remembered.
    baseline
        The moving average of the rewards of batches; None before the first.
    """

    def __init__(
        self, states: int, steps: int, settings: AgentSettings, seed: int | list[int] = 0
    ) -> None:
        self.settings = settings
        self._rng = np.random.default_rng(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._rng.integers(2**63)))
            self.actor, self.critic = (
                Actor(states, settings.hidden),
                Critic(states, settings.hidden),
            )
        self.actor_target = copy.deepcopy(self.actor).requires_grad_(False)
        self.critic_target = copy.deepcopy(self.critic).requires_grad_(False)
        self._actor_adam = _adam(self.actor, settings.actor_rate)
        self._critic_adam = _adam(self.critic, settings.critic_rate)
        self.replay = Replay(settings.memory * steps, states)
        self.baseline: float | None = None

    def random_action(self) -> float:
        """An action of the warm-up: uniform."""
        return float(self._rng.random())

    @torch.no_grad()
    def action(self, state: FloatArray, sigma: float) -> float:
        """The action of the actor, with exploration."""
        mean = self.actor(torch.from_numpy(state.astype(np.float32))[None]).item()
        return truncated_normal(mean, sigma, float(self._rng.random()))

    def update(self) -> None:
        """Learn from one batch of the replay memory."""
        self.learn(self.replay.draw(self.settings.batch_size, self._rng))

    def learn(self, batch: Transitions) -> None:
        """One step of the critic, of the actor and of both targets."""
        values = self.targets(batch)
        critic_parameters = list(self.critic.parameters())
        error = (self.critic(batch.states, batch.actions) - values).square().mean()
        _step(self._critic_adam, critic_parameters, error)
        value = self.critic(batch.states, self.actor(batch.states)).mean()
        _step(self._actor_adam, list(self.actor.parameters()), -value)
        for target, network in (
            (self.actor_target, self.actor),
            (self.critic_target, self.critic),
        ):
            follow(target, network, self.settings.tau)

    @torch.no_grad()
    def targets(self, batch: Transitions) -> torch.Tensor:
        """What the critic learns: r - baseline + discount (1 - done) Q'(s', mu'(s')): ``(N, 1)``.

        The baseline moves first.
        """
        mean = float(batch.rewards.mean())
        if self.baseline is None:
            self.baseline = mean
        self.baseline += self.settings.baseline * (mean - self.baseline)
        following = self.critic_target(batch.following, self.actor_target(batch.following))
        future: torch.Tensor = self.settings.discount * (1 - batch.done) * following
        return batch.rewards - self.baseline + future

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "networks": [network.state_dict() for network in self._networks],
            "optimisers": [adam.state_dict() for adam in self._optimisers],
            "replay": self.replay.state_dict(),
            "baseline": self.baseline,
            "random": self.random,
        }

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Continue with what `state_dict` returned."""
        for network, own in zip(self._networks, values["networks"], strict=True):
            network.load_state_dict(own)
        for adam, own in zip(self._optimisers, values["optimisers"], strict=True):
            adam.load_state_dict(own)
        self.replay.load_state_dict(values["replay"])
        self.baseline = values["baseline"]
        self.random = values["random"]

    @property
    def random(self) -> str:
        """The state of the draws."""
        return json.dumps(self._rng.bit_generator.state)

    @random.setter
    def random(self, state: str) -> None:
        self._rng.bit_generator.state = json.loads(state)

    @property
    def _networks(self) -> tuple[nn.Module, ...]:
        return self.actor, self.critic, self.actor_target, self.critic_target

    @property
    def _optimisers(self) -> tuple[torch.optim.Optimizer, ...]:
        return self._actor_adam, self._critic_adam


@torch.no_grad()
def follow(target: nn.Module, network: nn.Module, tau: float) -> None:
    """Move a target network towards a network: (1 - tau) target + tau network."""
    torch._foreach_lerp_(list(target.parameters()), list(network.parameters()), tau)


def _adam(network: nn.Module, rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), rate, fused=True)  # a fifth less time


def _step(adam: torch.optim.Optimizer, parameters: list[nn.Parameter], loss: torch.Tensor) -> None:
    """A step that gives gradients to these parameters alone."""
    gradients = torch.autograd.grad(loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    adam.step()
