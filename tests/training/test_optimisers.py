"""Optimisers and their learning rates."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mpsolve import InputError
from mpsolve.training.optimisers import Optimisers
from mpsolve.training.recipes import OptimiserSettings

SGD = OptimiserSettings("sgd", 0.1)


class Gated(nn.Module):
    """A layer with gates, one of which is fixed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.phi = nn.Parameter(torch.zeros(2))
        self.fixed = nn.Parameter(torch.zeros(2), requires_grad=False)


@given(
    st.sets(st.integers(1, 12), max_size=4),
    st.floats(0.01, 1),
    st.floats(1e-4, 1),
)
def test_learning_rates_follow_the_closed_form(
    milestones: set[int], decay: float, rate: float
) -> None:
    """In epoch e it is the first one times decay to the number of milestones up to e."""
    steps = tuple(sorted(milestones))
    settings = OptimiserSettings("sgd", rate, milestones=steps, decay=decay)
    optimisers = Optimisers(nn.Linear(1, 1), {"weights": settings})
    for epoch in range(14):
        passed = sum(step <= epoch for step in steps)
        assert optimisers.learning_rates["weights"] == pytest.approx(rate * decay**passed)
        optimisers.step()
        optimisers.end_epoch()


def test_learning_rates_are_those_of_pytorch() -> None:
    """MultiStepLR, which the published code used, with the milestones 4 and 7 of Free Bits."""
    settings = OptimiserSettings("sgd", 1e-3, momentum=0.9, milestones=(4, 7))
    optimisers = Optimisers(nn.Linear(1, 1), {"weights": settings})
    own = torch.optim.SGD(nn.Linear(1, 1).parameters(), 1e-3, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(own, [4, 7], gamma=0.1)
    for _ in range(11):
        assert optimisers.learning_rates == {"weights": own.param_groups[0]["lr"]}
        for stepped in (optimisers, own):
            stepped.step()
        optimisers.end_epoch()
        schedule.step()


def test_every_group_is_trained_in_its_own_way() -> None:
    """One step of SGD with decay: w - rate (g + decay w); one of Adam: the rate, by the sign."""
    model = Gated()
    with torch.no_grad():
        model.layer.weight.fill_(2.0)
        model.layer.bias.fill_(4.0)
    settings = {
        "weights": OptimiserSettings("sgd", 0.5, weight_decay=0.25),
        "gates": OptimiserSettings("adam", 0.01, milestones=(1,)),
    }
    optimisers = Optimisers(model, settings, {"gates": [model.phi]})
    for parameter in model.layer.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    model.phi.grad = torch.tensor([3.0, -5.0])
    optimisers.step()
    assert torch.equal(model.layer.weight, torch.full((2, 3), 2 - 0.5 * (3 + 0.25 * 2)))
    assert torch.equal(model.layer.bias, torch.full((2,), 4 - 0.5 * (3 + 0.25 * 4)))
    torch.testing.assert_close(model.phi.detach(), torch.tensor([-0.01, 0.01]))
    optimisers.end_epoch()
    assert optimisers.learning_rates == pytest.approx({"weights": 0.5, "gates": 0.001})


def test_gradients_are_clipped_together() -> None:
    """Norm 5 over two groups becomes 1: (3, 4) becomes (0.6, 0.8)."""
    model = Gated()
    settings = {"weights": SGD, "gates": SGD}
    optimisers = Optimisers(model, settings, {"gates": [model.phi]})
    model.layer.bias.grad = torch.tensor([3.0, 0.0])
    model.phi.grad = torch.tensor([0.0, 4.0])
    optimisers.clip(1.0)
    torch.testing.assert_close(model.layer.bias.grad, torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(model.phi.grad, torch.tensor([0.0, 0.8]))
    optimisers.zero_grad()
    assert model.phi.grad is None


def test_nothing_is_trained_twice_or_by_nobody() -> None:
    """Groups, parameters and settings must fit; the message names what does not."""
    model = Gated()
    gates = {"gates": [model.phi]}
    with pytest.raises(InputError, match="recipe trains gates, and the model has only weights"):
        Optimisers(model, {"weights": SGD, "gates": SGD})
    with pytest.raises(InputError, match=r"no optimiser for the gates \(gate\?\)"):
        Optimisers(model, {"weights": SGD, "gate": SGD}, {**gates, "gate": []})
    with pytest.raises(InputError, match="A parameter is in gates and in alphas"):
        Optimisers(model, {"weights": SGD}, {**gates, "alphas": [model.phi]})
    with pytest.raises(InputError, match=r"The parameter layer\.bias is in no group"):
        Optimisers(
            model, {"weights": SGD}, {**gates, "weights": [model.get_parameter("layer.weight")]}
        )
    model.requires_grad_(False)
    with pytest.raises(InputError, match="no parameter that wants a gradient"):
        Optimisers(model, {"weights": SGD})
