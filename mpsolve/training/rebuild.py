"""Take back the model that fine-tuning left in the folder of its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training.checkpoint import load_checkpoint
from mpsolve.training.folder import RunFolder, read_record
from mpsolve.training.models.load import load_state, make_model
from mpsolve.training.wrapping.fixed import Tqt
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from torch import nn

    from mpsolve.training.wrapping.quantised_model import QuantisedModel


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """What a run of fine-tuning has left.

    Attributes
    ----------
    model
        The quantised model with its weights and thresholds, in evaluation, on the CPU.
    configuration
        The precision of every layer.
    name
        How the run calls the model that was fine-tuned.
    data
        What `load_data` takes to read the data set; empty if it was made by other means.
    input_shape, classes
        Those of the data set.
    """

    model: QuantisedModel
    configuration: Configuration
    name: str
    data: str
    input_shape: tuple[int, int, int]
    classes: int


def load_run(folder: str | PathLike[str], *, model: nn.Module | None = None) -> LoadedRun:
    """Take the model back that `finetune` left in a folder.

    Parameters
    ----------
    folder
        The folder of a run that is complete.
    model
        The model that was fine-tuned, with any weights, which is left as it is. By default it is
        made as ``mpsolve finetune`` made it, from its name or from its function in a file.

    Raises
    ------
    InputError
        If the folder holds no such run, the model cannot be made anew, or it is another one.
    """
    place = RunFolder(Path(folder))
    if not (place.path / "run.json").is_file():
        raise InputError(f"{folder} holds no run: it has no run.json.")
    record = read_record(place.path)
    _require_tuned(place, record["settings"])
    asked = _read(record, place.path)
    if model is None:
        model = _made_anew(asked, place.path)
    state = load_checkpoint(place.weights)
    if not isinstance(state, dict):
        raise InputError(f"{place.weights} holds no weights; fine-tune again into another folder.")
    build = Tqt(asked.configuration, asked.last_per_tensor, normed=asked.normed)
    example = torch.zeros(2, *asked.input_shape, device=next(model.parameters()).device)
    quantised = quantise_model(
        model, (example,), build, asked.rules, name=asked.model, signed_input=asked.signed_input
    ).cpu()
    load_state(quantised, state, place.weights)
    quantised.set_mode("quantise")
    quantised.eval()
    return LoadedRun(
        quantised, asked.configuration, asked.model, asked.data, asked.input_shape, asked.classes
    )


@dataclass(frozen=True)
class _Record:
    """What ``run.json`` says about the model."""

    model: str
    configuration: Configuration
    rules: Rules | None
    last_per_tensor: bool
    signed_input: bool
    normed: bool
    data: str
    input_shape: tuple[int, int, int]
    classes: int
    directory: str


def _require_tuned(place: RunFolder, settings: Mapping[str, Any]) -> None:
    command = settings.get("command")
    if command == "search":
        raise InputError(
            f"{place.path} holds a search, which learns no thresholds: fine-tune in what it has "
            f"found first (mpsolve finetune ... --configuration {place.configuration})."
        )
    if command != "finetune":
        raise InputError(
            f"{place.path} holds a run of mpsolve {command}, not of mpsolve finetune; fine-tune "
            "the model in a configuration first."
        )
    if not place.weights.is_file():
        raise InputError(
            f"{place.path} holds a run that is not complete: it has no weights.pt yet; the "
            "mpsolve finetune that began it goes on with it."
        )


def _read(record: Mapping[str, Any], folder: Path) -> _Record:
    settings, origin = record["settings"], record.get("origin")
    if not origin:
        raise InputError(
            f"{folder}/run.json does not say how the model is made, as older releases did not; "
            "fine-tune again into another folder."
        )
    try:
        rules = settings["rules"]
        channels, height, width = map(int, origin["input_shape"])
        return _Record(
            model=str(settings["model"]),
            configuration=Configuration.from_json(settings["configuration"]),
            rules=None if rules is None else Rules(**rules),
            last_per_tensor=bool(settings["last_per_tensor"]),
            signed_input=bool(settings["signed_input"]),
            normed=bool(settings["recipe"]["quantisation"]["normed_gradients"]),
            data=str(origin["data"]),
            input_shape=(channels, height, width),
            classes=int(origin["classes"]),
            directory=str(origin["directory"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{folder}/run.json is damaged; fine-tune again into another folder."
        ) from None


def _made_anew(asked: _Record, folder: Path) -> nn.Module:
    """The model by its name, or from its file: beside the present folder or the one of the run."""
    file, colon, function = asked.model.partition(":")
    name = asked.model
    if file.endswith(".py") and not Path(file).is_file():
        name = f"{Path(asked.directory, file)}{colon}{function}"
    try:
        return make_model(name, asked.classes, asked.input_shape)
    except InputError as error:
        raise InputError(
            f"{folder} was made with the model {asked.model}, which cannot be made anew: {error} "
            "Give the model itself to mpsolve.training.load_run(folder, model=...)."
        ) from None
