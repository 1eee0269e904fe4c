"""The search of HAQ: what it needs, and where it is kept."""

from __future__ import annotations

from dataclasses import asdict, replace
from hashlib import sha256
from os import PathLike
from typing import TYPE_CHECKING, Unpack

import torch
from torch import nn

from mpsolve.errors import InputError
from mpsolve.profiles.networks.network import Network
from mpsolve.profiles.networks.readers.torch_program import from_torch
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.profiles.table import LatencyTable
from mpsolve.storage.interruption import Interruption
from mpsolve.training.experiment import open_run
from mpsolve.training.haq.environment.memory import Memory
from mpsolve.training.haq.evaluator.table import SensitivityTable
from mpsolve.training.haq.evaluator.training import ShortTraining
from mpsolve.training.haq.options import HaqKeywords, HaqOptions
from mpsolve.training.haq.run import Run
from mpsolve.training.haq.settings import HaqSettings

if TYPE_CHECKING:
    from mpsolve.training.data import DataSet
    from mpsolve.training.haq.episodes import HaqResult
    from mpsolve.training.haq.evaluator.evaluator import Evaluator


def search_haq(
    model: nn.Module | Network, data: DataSet | None = None, **options: Unpack[HaqKeywords]
) -> HaqResult:
    """Search the bit-widths of a network with a reinforcement-learning agent.

    Every configuration keeps both limits, on the same network, tables and rules as
    `mpsolve.profiles.memory`, thus as the constraints of an exact solution. There is no proof that
    none is better.

    Parameters
    ----------
    model
        The trained float model, which is left as it is, or a network.
    data
        The data set that configurations are trained and judged on.
    options
        See `mpsolve.training.haq.options.HaqOptions`. The folder has one row of metrics per
        episode, and the best configuration.

    Raises
    ------
    InfeasibleError
        If the network does not fit even in the fewest bits; the message names the tightest node.
    InputError
        If these do not fit together.
    """
    asked = HaqOptions(**options)
    settings, rules = asked.settings or HaqSettings(), asked.rules or Rules()
    settings = settings if asked.seed is None else replace(settings, seed=asked.seed)
    if not rules.share_inputs:
        raise InputError("Layers that read the same tensor have one action: set share_inputs.")
    network = _network(model, data, asked.name)
    memory = Memory(network, settings.bits, asked.rom, asked.ram, settings.scheme, rules)
    judge = _evaluator(model, data, network, settings, replace(asked, rules=rules))
    plain = {
        "command": "haq",
        "model": network.name,
        "network": _digest(network),
        "rom": asked.rom,
        "ram": asked.ram,
        "rules": asdict(rules),
        "evaluator": dict(judge.identity()),
        "haq": settings.to_json(),
    }
    search = Run(memory, judge, settings, open_run(asked, plain), asked.progress)
    with Interruption() as interruption:
        return search.run(interruption)


def _network(model: nn.Module | Network, data: DataSet | None, name: str) -> Network:
    if isinstance(model, Network):
        return model
    if data is None:
        raise InputError("A model needs the data that it classifies: give data.")
    device = next(model.parameters()).device
    example = torch.zeros(2, *data.input_shape, device=device)
    return from_torch(model, (example,), name=name)


def _evaluator(
    model: nn.Module | Network,
    data: DataSet | None,
    network: Network,
    settings: HaqSettings,
    asked: HaqOptions,
) -> Evaluator:
    if isinstance(asked.evaluator, LatencyTable | str | PathLike):
        return SensitivityTable(asked.evaluator, network)
    if asked.evaluator is not None:
        return asked.evaluator
    if isinstance(model, Network) or data is None:
        raise InputError("Training needs a model and its data; a network takes sensitivities.")
    return ShortTraining(
        model,
        data,
        settings,
        rules=asked.rules,
        name=network.name,
        device=asked.device,
        workers=asked.workers,
    )


def _digest(network: Network) -> str:
    """Of the operators and the sizes of all tensors."""
    content = repr((network.nodes, sorted(network.tensors.items()), network.outputs))
    return sha256(content.encode()).hexdigest()[:16]
