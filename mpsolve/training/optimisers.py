"""The optimisers and learning rates of a recipe."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import torch
from torch.optim.lr_scheduler import MultiStepLR

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import nn
    from torch.optim import Optimizer

    from mpsolve.training.recipes import OptimiserSettings

#: The group of all parameters that a search does not add.
WEIGHTS = "weights"


class Optimisers:
    """One optimiser with its own learning rates for each group of parameters.

    Attributes
    ----------
    by_group
        Group -> its optimiser.
    schedules
        Group -> what lowers its learning rate.
    """

    def __init__(
        self,
        model: nn.Module,
        settings: Mapping[str, OptimiserSettings],
        groups: Mapping[str, Iterable[nn.Parameter]] | None = None,
    ) -> None:
        """Make them.

        Parameters
        ----------
        model
            The network whose parameters are trained.
        settings
            Group -> how it is trained.
        groups
            Group -> its parameters; by default `WEIGHTS` are all. Where other groups are given
            without it, it is all that is in none of them.

        Raises
        ------
        InputError
            If groups and settings do not fit, or a parameter that wants a gradient is in no group
            or in two.
        """
        parameters = _partition(model, groups or {})
        for name in settings:
            if name not in parameters:
                raise InputError(
                    f"The recipe trains {name}, and the model has only {', '.join(parameters)}."
                )
        for name, own in parameters.items():
            if own and name not in settings:
                similar = get_close_matches(name, settings, n=1)
                hint = f" ({similar[0]}?)" if similar else ""
                raise InputError(f"The recipe has no optimiser for the {name}{hint}.")
        if not any(parameters.values()):
            raise InputError("The model has no parameter that wants a gradient: nothing to train.")
        used = {name: own for name, own in settings.items() if parameters[name]}
        self.by_group = {name: _optimiser(parameters[name], own) for name, own in used.items()}
        self.schedules = {
            name: MultiStepLR(self.by_group[name], list(own.milestones), own.decay)
            for name, own in used.items()
        }

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for optimiser in self.by_group.values():
            optimiser.zero_grad()

    def clip(self, norm: float) -> None:
        """Scale all gradients together so that their Euclidean norm is at most ``norm``."""
        parameters = [
            p for o in self.by_group.values() for g in o.param_groups for p in g["params"]
        ]
        torch.nn.utils.clip_grad_norm_(parameters, norm)

    def step(self) -> None:
        """Change all parameters."""
        for optimiser in self.by_group.values():
            optimiser.step()

    def end_epoch(self) -> None:
        """Lower the learning rates that are due."""
        for schedule in self.schedules.values():
            schedule.step()

    @property
    def learning_rates(self) -> dict[str, float]:
        """Group -> its present learning rate."""
        return {name: o.param_groups[0]["lr"] for name, o in self.by_group.items()}

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint keeps."""
        return {
            "optimisers": {name: o.state_dict() for name, o in self.by_group.items()},
            "schedules": {name: s.state_dict() for name, s in self.schedules.items()},
        }

    def load_state_dict(self, values: Mapping[str, dict[str, dict[str, object]]]) -> None:
        """Continue with what `state_dict` returned."""
        for name, optimiser in self.by_group.items():
            optimiser.load_state_dict(values["optimisers"][name])
            self.schedules[name].load_state_dict(values["schedules"][name])


def _optimiser(parameters: list[nn.Parameter], settings: OptimiserSettings) -> Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.method == "sgd":
        return torch.optim.SGD(parameters, rate, settings.momentum, weight_decay=decay)
    return torch.optim.Adam(parameters, rate, weight_decay=decay)


def _partition(
    model: nn.Module, groups: Mapping[str, Iterable[nn.Parameter]]
) -> dict[str, list[nn.Parameter]]:
    """Group -> its parameters, every one once; parameters without gradient are nobody's."""
    found = {name: [p for p in own if p.requires_grad] for name, own in groups.items()}
    owner: dict[nn.Parameter, str] = {}
    for name, own in found.items():
        for parameter in own:
            if parameter in owner:
                raise InputError(
                    f"A parameter is in {owner[parameter]} and in {name}, or twice in one of them."
                )
            owner[parameter] = name
    rest = {n: p for n, p in model.named_parameters() if p.requires_grad and p not in owner}
    if WEIGHTS not in found:
        return {WEIGHTS: list(rest.values()), **found}
    if rest:
        raise InputError(f"The parameter {next(iter(rest))} is in no group, so nothing trains it.")
    return found
