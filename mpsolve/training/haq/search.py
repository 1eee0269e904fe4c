"""The search of HAQ: what it needs, and where it is kept."""

from __future__ import annotations

from dataclasses import asdict, replace
from hashlib import sha256
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mpsolve.errors import InputError
from mpsolve.profiles.networks.network import Network
from mpsolve.profiles.networks.readers.torch_program import from_torch
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.profiles.table import LatencyTable
from mpsolve.storage.interruption import Interruption
from mpsolve.training.folder import open_folder
from mpsolve.training.haq.environment.memory import Memory
from mpsolve.training.haq.evaluator.table import SensitivityTable
from mpsolve.training.haq.evaluator.training import ShortTraining
from mpsolve.training.haq.run import Run
from mpsolve.training.haq.settings import HaqSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.training.data import DataSet
    from mpsolve.training.haq.episodes import HaqProgress, HaqResult
    from mpsolve.training.haq.evaluator.evaluator import Evaluator


def search_haq(
    model: nn.Module | Network,
    data: DataSet | None = None,
    *,
    rom: int | None = None,
    ram: int | None = None,
    evaluator: Evaluator | LatencyTable | str | PathLike[str] | None = None,
    settings: HaqSettings | None = None,
    rules: Rules | None = None,
    folder: str | PathLike[str] | None = None,
    seed: int | None = None,
    name: str = "",
    progress: Callable[[HaqProgress], None] | None = None,
    device: str = "auto",
    workers: int = 0,
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
    rom, ram
        Bytes for weights and tables, and for activations at their peak; None for no limit.
    evaluator
        What judges configurations: sensitivities, the file in which they were written, or one's
        own. By default `ShortTraining`, which needs a model and data.
    settings
        How it is searched.
    rules
        What to ask of activations; ``share_inputs`` must be set.
    folder
        Where to keep the run: its settings, checkpoint, one row of metrics per episode, and the
        best configuration. If there is a run with the same settings, it goes on.
    seed
        Of everything random, instead of that of the settings.
    name
        How the model is called in the records.
    progress
        Called after every episode.
    device, workers
        As in `train`.

    Raises
    ------
    InfeasibleError
        If the network does not fit even in the fewest bits; the message names the tightest node.
    InputError
        If these do not fit together.
    """
    settings, rules = settings or HaqSettings(), rules or Rules()
    settings = settings if seed is None else replace(settings, seed=seed)
    if not rules.share_inputs:
        raise InputError("Layers that read the same tensor have one action: set share_inputs.")
    network = _network(model, data, name)
    memory = Memory(network, settings.bits, rom, ram, settings.scheme, rules)
    judge = _evaluator(
        evaluator, model, data, network, settings, rules=rules, device=device, workers=workers
    )
    plain = {
        "command": "haq",
        "model": network.name,
        "network": _digest(network),
        "rom": rom,
        "ram": ram,
        "rules": asdict(rules),
        "evaluator": dict(judge.identity()),
        "haq": settings.to_json(),
    }
    place = open_folder(folder, plain) if folder else None
    search = Run(memory, judge, settings, place, progress)
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
    evaluator: Evaluator | LatencyTable | str | PathLike[str] | None,
    model: nn.Module | Network,
    data: DataSet | None,
    network: Network,
    settings: HaqSettings,
    **options: Any,
) -> Evaluator:
    if isinstance(evaluator, LatencyTable | str | PathLike):
        return SensitivityTable(evaluator, network)
    if evaluator is not None:
        return evaluator
    if isinstance(model, Network) or data is None:
        raise InputError("Training needs a model and its data; a network takes sensitivities.")
    return ShortTraining(model, data, settings, name=network.name, **options)


def _digest(network: Network) -> str:
    """Of the operators and the sizes of all tensors."""
    content = repr((network.nodes, sorted(network.tensors.items()), network.outputs))
    return sha256(content.encode()).hexdigest()[:16]
