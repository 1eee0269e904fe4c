"""The agent: exploration, memory, and one step of learning in closed form."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import truncnorm

from mpsolve import InputError
from mpsolve.training.haq.agent.ddpg import Ddpg, follow
from mpsolve.training.haq.agent.exploration import sigma, truncated_normal
from mpsolve.training.haq.agent.networks import Actor, Critic
from mpsolve.training.haq.agent.replay import Replay, Transitions
from mpsolve.training.haq.settings import AgentSettings

if TYPE_CHECKING:
    from torch import Tensor, nn

SMALL = AgentSettings(hidden=5, batch_size=4)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1), st.floats(0.01, 2), st.floats(0.001, 0.999))
def test_exploration_is_a_truncated_normal(mean: float, spread: float, u: float) -> None:
    """Quantile by quantile that of scipy."""
    law = truncnorm(-mean / spread, (1 - mean) / spread, mean, spread)
    assert truncated_normal(mean, spread, u) == pytest.approx(float(law.ppf(u)), abs=1e-9)


@given(st.floats(0, 1), st.floats(1e-16, 1), st.sampled_from((0.0, 0.5, 1 - 2**-53)))
def test_draws_stay_within_0_and_1(mean: float, spread: float, u: float) -> None:
    """However narrow the distribution, and wherever it lies."""
    assert 0 <= truncated_normal(mean, spread, u) <= 1


def test_exploration_fades_by_a_hundredth_per_episode() -> None:
    """From 0.5 after the warm-up on."""
    agent = AgentSettings()
    assert [sigma(agent, n) for n in (0, 1, 2)] == pytest.approx([0.5, 0.495, 0.49005])
    assert sigma(agent, 10**6) > 0


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    """Those of all parameters."""
    return [tuple(parameter.shape) for parameter in network.parameters()]


def test_the_layout_of_the_networks() -> None:
    """Two hidden layers of 300 units; the critic adds state and action in its first."""
    assert shapes(Actor(10, 300)) == [(300, 10), (300,), (300, 300), (300,), (1, 300), (1,)]
    of_state, of_action = [(300, 10), (300,)], [(300, 1), (300,)]
    rest = [(300, 300), (300,), (1, 300), (1,)]
    assert shapes(Critic(10, 300)) == [*of_state, *of_action, *rest]


def test_the_replay_memory_is_a_ring() -> None:
    """The oldest transitions are replaced, and each is drawn once if there are enough."""
    replay = Replay(3, 2)
    for i in range(5):
        replay.append(np.array([i, i]), i / 10, -i, np.array([i + 1, i + 1]), i == 4)
    assert len(replay) == 3
    batch = replay.draw(3, np.random.default_rng(0))
    order = batch.rewards[:, 0].argsort(descending=True)
    assert batch.states[order].tolist() == [[2, 2], [3, 3], [4, 4]]
    assert batch.following[order].tolist() == [[3, 3], [4, 4], [5, 5]]
    assert batch.actions[order, 0].tolist() == pytest.approx([0.2, 0.3, 0.4])
    assert batch.done[order, 0].tolist() == [0, 0, 1]
    assert len(replay.draw(8, np.random.default_rng(0)).rewards) == 8


def transitions(seed: int = 0) -> Transitions:
    """Four random ones, of which the last ends an episode."""
    rng = np.random.default_rng(seed)
    states, actions, rewards, following = (
        torch.from_numpy(rng.random((4, n)).astype(np.float32)) for n in (3, 1, 1, 3)
    )
    done = torch.tensor([[0.0], [0.0], [0.0], [1.0]])
    return Transitions(states, actions, rewards, following, done)


def double(network: nn.Module) -> list[Tensor]:
    """The parameters in double precision."""
    return [p.detach().double().requires_grad_() for p in network.parameters()]


def acted(p: list[Tensor], s: Tensor) -> Tensor:
    """The actor, written out."""
    h = (s @ p[0].T + p[1]).clamp(min=0)
    h = (h @ p[2].T + p[3]).clamp(min=0)
    return 1 / (1 + (-(h @ p[4].T + p[5])).exp())


def valued(p: list[Tensor], s: Tensor, a: Tensor) -> Tensor:
    """The critic, written out."""
    h = (s @ p[0].T + p[1] + a @ p[2].T + p[3]).clamp(min=0)
    h = (h @ p[4].T + p[5]).clamp(min=0)
    return h @ p[6].T + p[7]


def stepped(p: list[Tensor], loss: Tensor, rate: float) -> list[Tensor]:
    """The first step of Adam: its moments are g and g^2, once their bias is corrected."""
    gradients = torch.autograd.grad(loss, p)
    return [
        (own - rate * g / (g.abs() + 1e-8)).detach().requires_grad_()
        for own, g in zip(p, gradients, strict=True)
    ]


def assert_same(network: nn.Module, expected: list[Tensor]) -> None:
    """Up to the rounding of float32."""
    for own, other in zip(network.parameters(), expected, strict=True):
        torch.testing.assert_close(own.detach().double(), other.detach(), atol=2e-6, rtol=0)


def test_one_update_in_closed_form() -> None:
    """Critic, then actor, then both targets, as the equations of DDPG say."""
    agent, batch = Ddpg(3, 2, SMALL, 3), transitions()
    actor, critic = double(agent.actor), double(agent.critic)
    s, a, r, s2, done = (
        getattr(batch, name).double()
        for name in ("states", "actions", "rewards", "following", "done")
    )
    agent.learn(batch)
    with torch.no_grad():
        y = r - r.mean() + (1 - done) * valued(critic, s2, acted(actor, s2))
    new_critic = stepped(critic, ((valued(critic, s, a) - y) ** 2).mean(), 1e-3)
    new_actor = stepped(actor, -valued(new_critic, s, acted(actor, s)).mean(), 1e-4)
    assert_same(agent.critic, new_critic)
    assert_same(agent.actor, new_actor)
    for target, old, new in (
        (agent.actor_target, actor, new_actor),
        (agent.critic_target, critic, new_critic),
    ):
        moved = [0.99 * p + 0.01 * q for p, q in zip(old, new, strict=True)]
        assert_same(target, moved)


def test_the_baseline_is_a_moving_average_of_batches() -> None:
    """It begins with the first mean and goes half the way to every next one."""
    agent = Ddpg(3, 2, SMALL, 0)
    means = []
    for seed in range(3):
        batch = transitions(seed)
        means.append(float(batch.rewards.mean()))
        agent.targets(batch)
    assert agent.baseline == pytest.approx(means[0] / 4 + means[1] / 4 + means[2] / 2)


def test_targets_follow_by_a_hundredth() -> None:
    """tau of the way, for every parameter."""
    one, two = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    expected = [0.9 * p + 0.1 * q for p, q in zip(one.parameters(), two.parameters(), strict=True)]
    follow(one, two, 0.1)
    for own, other in zip(one.parameters(), expected, strict=True):
        torch.testing.assert_close(own, other)


def test_an_agent_goes_on_from_its_state() -> None:
    """Bit by bit, with its optimisers, its memory and its draws."""
    one, two = Ddpg(3, 2, SMALL, 1), Ddpg(3, 2, SMALL, 2)

    def live(agent: Ddpg) -> list[float]:
        actions = []
        for i in range(6):
            state = np.array([i / 6, 0.0, 1.0])
            actions += [agent.action(state, 0.3), agent.random_action()]
            agent.replay.append(state, actions[-2], -float(i), state, i == 5)
            agent.update()
        return actions

    live(one)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    assert live(one) == live(two)
    assert one.baseline == two.baseline
    for own, other in zip(one.critic.parameters(), two.critic.parameters(), strict=True):
        assert torch.equal(own, other)


def test_an_agent_leaves_global_draws_alone() -> None:
    """And two with the same seed are equal."""
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    one, two = Ddpg(3, 2, SMALL, 1), Ddpg(3, 2, SMALL, 1)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.actor.last.weight, two.actor.last.weight)


@pytest.mark.parametrize(
    "wrong", [{"hidden": 0}, {"tau": 0.0}, {"discount": 1.5}, {"sigma": 0.0}, {"critic_rate": -1.0}]
)
def test_constants_that_make_no_sense(wrong: dict[str, float]) -> None:
    """The message names the constant."""
    with pytest.raises(InputError, match=f"agent.{next(iter(wrong))}"):
        AgentSettings(**wrong)  # type: ignore[arg-type]
