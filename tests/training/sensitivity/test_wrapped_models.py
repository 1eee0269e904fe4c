"""Sensitivities of models as people write them, with quantisers put in by `quantise_model`."""

from __future__ import annotations

import copy
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.enumeration import brute_force
from mpsolve import Configuration, InputError, Precision, Problem, solve
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.profiles.read import read_table
from mpsolve.profiles.table import LatencyTable
from mpsolve.profiles.write import write_csv
from mpsolve.training import (
    METRICS,
    Edmips,
    Examples,
    FixedPrecision,
    Mode,
    QuantisedModel,
    cross_terms,
    measure_sensitivities,
    predictiveness,
    quantise_model,
    with_sensitivity,
)
from mpsolve.training.sensitivity.hessian import Hessian
from mpsolve.training.sensitivity.observation import layer_outputs
from mpsolve.training.sensitivity.operand import measuring
from tests.training.sensitivity.handmade import rounded_weight
from tests.training.support import normal
from tests.training.wrapping.models import InPlace, Small, images, randomise

if TYPE_CHECKING:
    from pathlib import Path

MODELS = (Small, InPlace)
PRECISIONS = [Precision(8, 8), Precision(8, 2), Precision(4, 4)]
DATA = Examples(
    tuple((images(5, seed=seed), torch.arange(5)) for seed in (1, 2)),
)


def wrapped(kind: type[nn.Module], seed: int = 0) -> tuple[nn.Module, QuantisedModel]:
    """A model and the same with quantisers, observed on the examples."""
    torch.manual_seed(seed)
    model = randomise(kind())
    rules = Rules(input_bits=None, adder_bits=None)
    quantised = quantise_model(model, (images(),), FixedPrecision(), rules)
    quantised.observe([inputs for inputs, _ in DATA.batches])
    return model, quantised


def mean_loss(model: nn.Module) -> float:
    inputs, targets = (torch.cat(part) for part in zip(*DATA.batches, strict=True))
    with torch.no_grad():
        return float(cross_entropy(model(inputs), targets))


@pytest.mark.parametrize("kind", MODELS)
def test_weights_cost_what_replacing_them_costs(kind: type[nn.Module]) -> None:
    """In the model of the user, layer by layer."""
    model, quantised = wrapped(kind)
    own = [Precision(8, 8), Precision(8, 3)]
    table = measure_sensitivities(quantised, DATA, "loss", own)
    differences = table.columns["sensitivity_measured"].reshape(-1, 2) @ [-1, 1]
    for layer, difference in zip(table.layers, differences, strict=True):
        losses = []
        for bits in (8, 3):
            changed = copy.deepcopy(model)
            weight: Tensor = attrgetter(quantised.weights[layer])(changed)
            weight.data = rounded_weight(weight.data, bits)
            losses.append(mean_loss(changed))
        assert np.isclose(difference, losses[1] - losses[0], atol=1e-6)


@pytest.mark.parametrize("kind", MODELS)
def test_outputs_are_those_of_the_modules_of_the_user(kind: type[nn.Module]) -> None:
    """Before batch normalisation, and before anything changes them in place."""
    model, quantised = wrapped(kind)
    inputs = images(3)
    for layer in quantised.network.layers:
        expected: list[Tensor] = []
        module = model.get_submodule(layer.name)
        handle = module.register_forward_hook(
            lambda m, args, y, expected=expected: expected.append(y.detach().clone())
        )
        model(inputs)
        handle.remove()
        with measuring(quantised), layer_outputs(quantised, [layer.name]) as outputs:
            quantised(inputs)
        assert len(outputs) == 1
        assert torch.allclose(outputs[0], expected[0], atol=1e-6)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", METRICS)
def test_every_metric_measures_every_layer(kind: type[nn.Module], name: str) -> None:
    """Residual blocks, shared activations and operations in place included."""
    _, quantised = wrapped(kind)
    before = {key: value.clone() for key, value in quantised.state_dict().items()}
    metric = Hessian(most=10) if name == "hessian" else METRICS[name]
    table = measure_sensitivities(quantised, DATA, metric, PRECISIONS)
    assert table.layers == tuple(layer.name for layer in quantised.network.layers)
    assert (table.columns["sensitivity_measured"] != 0).all()
    assert all(torch.equal(v, before[key]) for key, v in quantised.state_dict().items())
    report = predictiveness(quantised, DATA, table, 8)
    assert -1 <= report.kendall.value <= 1


def test_layers_that_read_one_activation_count_it_once() -> None:
    """The two branches of a residual block, and their cross term."""
    _, quantised = wrapped(InPlace)
    assert quantised.group_of("conv1").layers == ("conv1", "downsample.0")
    own = [Precision(3, 4)]
    table = measure_sensitivities(quantised, DATA, "loss-pairs", own)
    assert table.b_in_groups[1] == table.b_in_groups[3] == "conv1"
    (term,) = cross_terms(quantised, DATA, table, [("conv1", "downsample.0")])
    with measuring(quantised):
        base = mean_loss(quantised)
        was = quantised.configuration
        both = dict(was) | dict.fromkeys(("conv1", "downsample.0"), Precision(3, 4))
        quantised.apply_configuration(Configuration(both))
        quantised.quantiser("conv1", "activation").mode = Mode.QUANTISE
        for layer in ("conv1", "downsample.0"):
            quantised.quantiser(layer, "weight").mode = Mode.QUANTISE
        joint = mean_loss(quantised) - base
        quantised.apply_configuration(was)
    measured = table.columns["sensitivity_measured"]
    total = measured[1] + measured[3] + term.values[0, 0]
    assert np.isclose(total, joint, atol=1e-6)


def test_searched_precisions_are_not_measured() -> None:
    """They have no single bit-width to set."""
    searched = quantise_model(randomise(Small()), (images(),), Edmips())
    for name in ("kl", "loss-pairs"):
        with pytest.raises(InputError, match="is searched; it cannot be set"):
            measure_sensitivities(searched, DATA, name, PRECISIONS)


def test_a_mean_is_not_the_loss_of_each_example() -> None:
    """A loss function must return one number for each of them."""
    _, quantised = wrapped(Small)
    data = Examples(DATA.batches, cross_entropy)
    with pytest.raises(InputError, match=r"of 5 examples have shape \(\); return one number"):
        measure_sensitivities(quantised, data, "loss", PRECISIONS)


def test_a_table_with_sensitivities_is_solved(tmp_path: Path) -> None:
    """The least sum within a budget, by enumeration, from the file that was written."""
    _, quantised = wrapped(Small)
    sensitivities = measure_sensitivities(quantised, DATA, "mse", PRECISIONS)
    layers = sensitivities.layers
    cycles = normal(3 * len(layers), seed=4).abs().mul(100).int().numpy().astype(np.int64)
    latencies = LatencyTable(
        layers, sensitivities.offsets, sensitivities.precisions, {"latency": cycles}
    )
    joined = with_sensitivity(latencies, sensitivities)
    write_csv(joined, tmp_path / "joined.csv")
    problem = Problem.from_table(read_table(tmp_path / "joined.csv"), budgets={"latency": "0.7x"})
    assert problem.loss_name == "sensitivity"
    assert np.array_equal(problem.deviations["loss"], sensitivities.deviations["sensitivity"])
    found = solve(problem)
    assert brute_force(problem).agrees(found.loss)
