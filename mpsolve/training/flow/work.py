"""The pieces of work of a flow: each leaves a folder from which it goes on, and plain results.

A piece that was interrupted returns None.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from mpsolve.deploy.session import has_onnxruntime
from mpsolve.profiles.write import write_csv
from mpsolve.training.data import TensorSplit, load_data
from mpsolve.training.data.splits import sample
from mpsolve.training.deployment.accuracy import classify
from mpsolve.training.deployment.agreement import agreement
from mpsolve.training.deployment.export import export
from mpsolve.training.deployment.integerise import integerise
from mpsolve.training.evaluate import evaluate
from mpsolve.training.finetuning import finetune
from mpsolve.training.flow.settings import SEARCHES
from mpsolve.training.full_precision import train_full_precision
from mpsolve.training.models.load import load_model, load_weights
from mpsolve.training.outcome import DivergenceError
from mpsolve.training.searching import search_precisions
from mpsolve.training.sensitivity.measure import measure_sensitivities
from mpsolve.training.sensitivity.prepare import prepare
from mpsolve.training.threads import one_thread
from mpsolve.training.wrapping.fixed import FixedPrecision
from mpsolve.training.wrapping.wrap import quantise_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import nn

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.precision import Precision
    from mpsolve.training.data import DataSet
    from mpsolve.training.flow.settings import FlowSettings
    from mpsolve.training.progress import Progress
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

#: Is told what part of a piece of work is done, from 0 to 1.
Tell: TypeAlias = "Callable[[float], None]"
Result: TypeAlias = "dict[str, Any] | None"


@one_thread()
def train_float(settings: FlowSettings, seed: int, device: str, folder: Path, tell: Tell) -> Result:
    """Train the network in full precision, or judge the weights that it came with."""
    data = data_of(settings)
    if settings.trained:
        model = load_model(settings.network, data, seed=seed)
        return {
            "validation_accuracy": evaluate(model, data.validation).accuracy,
            "test_accuracy": evaluate(model, data.test).accuracy,
        }
    done = train_full_precision(
        load_model(settings.network, data, seed=seed),
        data,
        settings.recipe("full_precision", seed),
        folder=folder,
        name=settings.name,
        progress=_part(tell),
        device=device,
    )
    if done.accuracy is None:
        return None
    validation = evaluate(done.model, data.validation).accuracy
    return {"validation_accuracy": validation, "test_accuracy": done.accuracy}


@one_thread()
def search(
    settings: FlowSettings,
    seed: int,
    device: str,
    searched: tuple[str, float],
    trained: Path,
    folder: Path,
    tell: Tell,
) -> Result:
    """Search a configuration, by name and strength, from the weights in a folder."""
    name, strength = searched
    data, kind = data_of(settings), SEARCHES[name]
    found = search_precisions(
        model_of(settings, seed, trained),
        data,
        kind.method,
        strength,
        recipe=settings.recipe(kind.algorithm, seed),
        locked=kind.locked or None,
        rules=settings.rules,
        folder=folder,
        name=settings.name,
        progress=_part(tell),
        device=device,
    )
    if found.accuracy is None:
        return None
    return {
        "configuration": found.configuration.to_json(),
        "relative_bops": found.relative_bops,
        "validation_accuracy": found.accuracy,
    }


@one_thread()
def measure(
    settings: FlowSettings,
    seed: int,
    metric: str,
    candidates: Mapping[str, Sequence[Precision]],
    trained: Path,
    folder: Path,
    tell: Tell,
) -> Result:
    """Measure the sensitivities of all candidates, in ``sensitivities.csv``."""
    data = data_of(settings)
    model = model_of(settings, seed, trained)
    quantised, examples = prepare(
        model, data, settings.examples, seed=seed, rules=settings.rules, name=settings.name
    )
    folder.mkdir(parents=True, exist_ok=True)
    table = measure_sensitivities(
        quantised,
        examples,
        metric,
        candidates,
        checkpoint=folder / "checkpoint.jsonl",
        progress=_part(tell),
    )
    write_csv(table, folder / "sensitivities.csv")
    return {}


@one_thread()
def tune(
    settings: FlowSettings,
    seed: int,
    device: str,
    configuration: Configuration,
    trained: Path,
    folder: Path,
    tell: Tell,
) -> Result:
    """Fine-tune a configuration, make integers of it, and check that they agree."""
    data = data_of(settings)
    try:
        done = finetune(
            model_of(settings, seed, trained),
            configuration,
            data,
            settings.recipe("tqt", seed),
            rules=settings.rules,
            last_per_tensor=True,  # so that the largest integer is the class
            folder=folder,
            name=settings.name,
            progress=_part(tell),
            device=device,
        )
    except DivergenceError as error:
        return {"failed": str(error)}
    if done.accuracy is None:
        return None
    model = done.model.to("cpu")
    validation = evaluate(model, data.validation)
    return {
        "validation_accuracy": validation.accuracy,
        "validation_loss": validation.loss,
        "test_accuracy": done.accuracy,
        **_integer(model, data, settings.images, folder),
    }


def _integer(model: QuantisedModel, data: DataSet, count: int, folder: Path) -> dict[str, Any]:
    """How the integer network does on random test images.

    ``onnxruntime`` says whether ONNX Runtime computed them bit by bit as the interpreter did; it
    is None where it is not installed. `export` raises an error when it did not.
    """
    network = integerise(model)
    images, labels = sample(data.test, count)
    if has_onnxruntime():
        export(network, folder / "integer", images=images)
    classified = classify(network, model, TensorSplit(images, labels))
    compared = agreement(network, model, images)
    return {
        "images": classified.images,
        "integer_correct": classified.correct,
        "quantised_correct": classified.model_correct,
        "same_class": classified.same,
        "onnxruntime": has_onnxruntime() or None,
        "largest_own_difference": max((n.own.largest for n in compared.nodes[:-1]), default=0),
    }


@lru_cache(maxsize=2)
def _data(text: str) -> DataSet:
    return load_data(text)


def data_of(settings: FlowSettings) -> DataSet:
    """The data set, read once per process."""
    return _data(settings.data)


def model_of(settings: FlowSettings, seed: int, trained: Path) -> nn.Module:
    """The network in full precision, as `train_float` has left it in a folder."""
    model = load_model(settings.network, data_of(settings), seed=seed)
    if not settings.trained:
        load_weights(model, str(trained))
    return model


def traced(settings: FlowSettings, seed: int) -> QuantisedModel:
    """The network with quantisers, whose graph is profiled."""
    data = data_of(settings)
    example = torch.zeros(2, *data.input_shape)
    model = load_model(settings.network, data, seed=seed)
    return quantise_model(model, (example,), FixedPrecision(), settings.rules, name=settings.name)


def _part(tell: Tell) -> Callable[[Progress], None]:
    return lambda progress: tell(progress.part)
