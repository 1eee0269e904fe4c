"""The model that a person named: a known network or a function of a file, and its weights."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mpsolve.errors import InputError
from mpsolve.training.checkpoint import load_checkpoint
from mpsolve.training.evaluate import evaluating
from mpsolve.training.models.build import build_model
from mpsolve.training.naming import model_name
from mpsolve.training.wrapping.insertion import HOME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from mpsolve.training.data import DataSet


def load_model(text: str, data: DataSet, *, seed: int = 0) -> nn.Module:
    """Make the model that a person named.

    Parameters
    ----------
    text
        ``NAME`` of `build_model`, or ``FILE.py:FUNCTION``, where calling the function, or class,
        without arguments gives the model. ``:WEIGHTS`` may follow: a file with a state dictionary,
        a checkpoint of training, or the folder of a run.
    data
        What the model is to classify.
    seed
        Of random weights.

    Raises
    ------
    InputError
        If anything about it goes wrong.
    """
    name = model_name(text)
    model = make_model(name, data.classes, data.input_shape, seed=seed)
    if weights := text.removeprefix(name).removeprefix(":"):
        load_weights(model, weights)
    _check(model, data, text)
    return model


def make_model(
    name: str, classes: int, input_shape: tuple[int, int, int], *, seed: int = 0
) -> nn.Module:
    """Make a model without its weights.

    Parameters
    ----------
    name
        ``NAME`` of `build_model`, or ``FILE.py:FUNCTION``.
    classes, input_shape
        As in `build_model`; a function of a file does not learn of them.
    seed
        Of random weights.

    Raises
    ------
    InputError
        If there is no such model, or its function fails.
    """
    file, _, function = name.partition(":")
    if not file.endswith(".py"):
        return build_model(name, classes, input_shape, seed=seed)
    if not function:
        raise InputError(f"{file} lacks a function; write {file}:FUNCTION.")
    return _called(Path(file), function, seed)


def load_weights(model: nn.Module, path: str) -> None:
    """Load a state dictionary, a checkpoint of training, or the end of a run.

    What quantisers hold is left out.

    Raises
    ------
    InputError
        If the file is none of these, or belongs to another model.
    """
    file = Path(path) / "weights.pt" if Path(path).is_dir() else Path(path)
    state: Any = load_checkpoint(file)
    for key in ("model", "state_dict"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not (
        isinstance(state, dict)
        and state
        and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in state.items())
    ):
        raise InputError(f"{file} holds no weights; it must be a state dictionary.")
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    state = {name: value for name, value in state.items() if not name.startswith(f"{HOME}.")}
    load_state(model, state, file)


def load_state(model: nn.Module, state: Mapping[str, torch.Tensor], file: object) -> None:
    """Load a state dictionary that was read from a file.

    Raises
    ------
    InputError
        If an entry is missing, unknown or of another shape.
    """
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split()).partition(": ")[2]
        short = reason if len(reason) < 200 else f"{reason[:200]}..."
        raise InputError(f"{file} belongs to another model: {short}") from None


def _called(file: Path, function: str, seed: int) -> nn.Module:
    module = _imported(file)
    make = getattr(module, function, None)
    if make is None:
        names = [n for n, value in vars(module).items() if callable(value) and n[:1] != "_"]
        similar = get_close_matches(function, names, n=1)
        hint = f"did you mean {similar[0]}?" if similar else f"it has {', '.join(names) or 'none'}."
        raise InputError(f"{file} has no function {function!r}; {hint}")
    if not callable(make):
        raise InputError(f"{file}: {function} is no function; name one that returns the model.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = make()
        except Exception as error:
            raise InputError(f"{file}: {function}() failed: {_said(error)}") from error
    if not isinstance(model, nn.Module):
        raise InputError(
            f"{file}: {function}() returned {type(model).__name__}; it must be a torch.nn.Module."
        )
    return model


def _imported(file: Path) -> ModuleType:
    """The module in a file, which may import its neighbours."""
    if not file.is_file():
        raise InputError(f"There is no file {file}.")
    path = file.resolve()
    name = f"_mpsolve_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    spec = spec_from_file_location(name, path)
    assert spec and spec.loader  # the file is called .py
    module = module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickle look for it
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(f"{file} cannot be imported: {_said(error)}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _check(model: nn.Module, data: DataSet, text: str) -> None:
    """Refuse a model that does not map the inputs to as many classes as there are."""
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    shape = " x ".join(map(str, data.input_shape))
    try:
        with evaluating(model), torch.no_grad():
            scores = model(torch.zeros(2, *data.input_shape, device=device))
    except Exception as error:
        raise InputError(f"{text} cannot take inputs of {shape}: {_said(error)}") from error
    if not isinstance(scores, torch.Tensor) or scores.shape != (2, data.classes):
        got = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise InputError(
            f"{text} must map 2 inputs of {shape} to scores of shape (2, {data.classes}) for "
            f"{data.name}; it returns {got}."
        )


def _said(error: Exception) -> str:
    """An error of somebody else's code in one sentence."""
    text = " ".join(str(error).split())
    short = text if len(text) < 200 else f"{text[:200]}..."
    return f"{type(error).__name__}: {short}".rstrip(": ").rstrip(".") + "."
