"""What the commands that train have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mpsolve.cli.completions import complete_files
from mpsolve.cli.options import Command, Decorator, output_options
from mpsolve.cli.output import write_error
from mpsolve.errors import InputError
from mpsolve.storage.optional import importing
from mpsolve.training.options import TrainOptions

if TYPE_CHECKING:
    from torch import nn

    from mpsolve.training import DataSet, Recipe, Trained

#: Shown in the help of every command that trains.
MODEL_HELP = """MODEL is the name of a known network (ds_cnn, ds_cnn_small, lenet,
    mobilenet_v1_0.75, mobilenet_v2, resnet8, resnet18, ...) or FILE.py:FUNCTION, where FUNCTION()
    returns the torch module. The weights may follow after a colon: a state dictionary, or the
    folder of a run."""

device_option: Decorator = click.option(
    "--device",
    default=TrainOptions.device,
    show_default=True,
    help="cpu, cuda, cuda:1, or auto: CUDA where there is some.",
)
workers_option: Decorator = click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=TrainOptions.workers,
    show_default=True,
    help="Processes that read examples ahead.",
)
folder_option: Decorator = click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    required=True,
    shell_complete=complete_files,
    help="Where the run is kept; a run that was stopped goes on from there.",
)

_OPTIONS: tuple[Decorator, ...] = (
    click.argument("model", shell_complete=complete_files),
    click.option(
        "--data",
        metavar="DATA",
        required=True,
        help="digits, synthetic:KIND, cifar10:FOLDER or imagefolder:FOLDER, with options after "
        "commas.",
    ),
    folder_option,
    click.option(
        "--recipe",
        metavar="NAME|FILE",
        shell_complete=complete_files,
        help="How to train: a recipe by name, or a .toml file.  [default: that of the network]",
    ),
    click.option(
        "--set",
        "overrides",
        metavar="SETTING=VALUE",
        multiple=True,
        help="Change a setting of the recipe, such as epochs=3; repeat for others.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        help="Seed of everything random.  [default: that of the recipe]",
    ),
    device_option,
    workers_option,
    click.option(
        "--checkpoint-batches",
        type=click.IntRange(min=1),
        metavar="N",
        help="Write the checkpoint also after every N batches.  [default: after epochs alone]",
    ),
)


def training_options(command: Command) -> Command:
    """MODEL, the data and how to train; see `prepare`."""
    command = output_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is trained, on what, and how.

    Attributes
    ----------
    model, data, recipe
        What the options name.
    name
        The model without its weights.
    """

    model: nn.Module
    data: DataSet
    recipe: Recipe
    name: str


def prepare(
    model: str,
    data: str,
    algorithm: str,
    recipe: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    *,
    trained: bool = True,
) -> Prepared:
    """Read what the options name; all arguments are their texts.

    Parameters
    ----------
    algorithm
        What the recipe must be for.
    trained
        Whether the model must have weights.

    Raises
    ------
    InputError
        If any of them is not understood.
    MissingDependencyError
        If torch is not installed.
    """
    require_torch()
    from mpsolve.training.data import load_data
    from mpsolve.training.models.load import load_model
    from mpsolve.training.naming import model_name
    from mpsolve.training.recipes import chosen_recipe, recipe_for

    known, name = load_data(data), model_name(model)
    named = recipe or recipe_for(algorithm, name, data)
    read = chosen_recipe(named, algorithm, overrides=overrides, seed=seed)
    if trained:
        _check_trained(model, name, data)
    return Prepared(load_model(model, known, seed=read.seed), known, read, name)


def reporting(as_json: bool, quiet: bool) -> tuple[bool, bool]:
    """``--json`` and ``--quiet``; of several processes under torchrun, the first one reports."""
    first = os.environ.get("RANK", "0") == "0"
    return (as_json, quiet) if first else (False, True)


def load_trained(model: str, data: str, seed: int) -> tuple[nn.Module, DataSet, str]:
    """A model with its weights, the data set, and the name of the model without its weights.

    Raises
    ------
    InputError
        If either is not understood, or the model has no weights.
    MissingDependencyError
        If torch is not installed.
    """
    require_torch()
    from mpsolve.training.data import load_data
    from mpsolve.training.models.load import load_model
    from mpsolve.training.naming import model_name

    known, name = load_data(data), model_name(model)
    _check_trained(model, name, data)
    return load_model(model, known, seed=seed), known, name


def require_torch() -> None:
    """Refuse to go on without torch.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    with importing("torch", "training", "Training"):
        import torch  # noqa: F401


def _check_trained(model: str, name: str, data: str) -> None:
    if model == name and not name.partition(":")[0].endswith(".py"):
        raise InputError(
            f"{name} by itself has random weights: train it (mpsolve train {name} --data {data} "
            f"-o run), then write {name}:run."
        )


def tell_interrupted(trained: Trained, recipe: Recipe, folder: object) -> None:
    """Say how to go on."""
    write_error(
        f"Interrupted after {trained.epochs} of {recipe.epochs} epochs; the same command goes on "
        f"from {folder}."
    )


def training_json(trained: Trained) -> dict[str, Any]:
    """How training went, as plain data."""
    return {
        "epochs": trained.epochs,
        "stopped": trained.stopped.name.lower(),
        "history": [dict(figures) for figures in trained.history],
    }


def validation(trained: Trained) -> str:
    """The accuracy on the validation split, of the weights that training ended with."""
    if not trained.history:
        return "no epoch"
    return f"validation accuracy {trained.history[-1]['validation_accuracy']:.2%}"
