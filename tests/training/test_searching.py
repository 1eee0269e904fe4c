"""Searches from end to end."""

from __future__ import annotations

import copy
import json
from math import log, prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from mpsolve import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.profiles.table import LatencyTable
from mpsolve.training import (
    BayesianBits,
    FixedPrecision,
    bop_regulariser,
    build_model,
    load_data,
    load_recipe,
    quantise_model,
    search_precisions,
    train,
)
from mpsolve.training.evaluate import evaluate
from mpsolve.training.outcome import Stop
from mpsolve.training.wrapping.searched import choice
from tests.training.runs import gates_of, interrupt_at, kept, searching
from tests.training.small import small_data, small_model

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from mpsolve.training import DataSet, SearchResult

#: MACs of ds_cnn_small on 8 x 8 pixels, by hand: outputs, times what each sums.
MACS = {
    "conv0": 16 * 64 * 9,
    "b0.dw": 16 * 64 * 9,
    "b0.pw": 32 * 64 * 16,
    "b1.dw": 32 * 16 * 9,
    "b1.pw": 32 * 16 * 32,
    "b2.dw": 32 * 16 * 9,
    "b2.pw": 64 * 16 * 32,
    "fc": 10 * 64,
}


@pytest.fixture(scope="module")
def digits() -> tuple[nn.Module, DataSet]:
    """A network that knows the digits, roughly."""
    data = load_data("digits")
    model = build_model("ds_cnn_small", seed=0)
    train(model, data, load_recipe("full_precision_digits", ["epochs=4"]))
    return model, data


@pytest.fixture(scope="module")
def results(digits: tuple[nn.Module, DataSet]) -> dict[tuple[float, bool], SearchResult]:
    """Short searches by strength, and locked."""
    fast = load_recipe("bayesian_bits_digits", ["epochs=2", "optimisers.gates.learning_rate=0.2"])
    return {
        (strength, locked): search_precisions(
            *digits, strength=strength, locked=locked, recipe=fast
        )
        for strength, locked in ((0.001, False), (0.12, False), (0.12, True))
    }


def test_a_larger_strength_leaves_fewer_bit_operations(
    results: dict[tuple[float, bool], SearchResult],
) -> None:
    """And both configurations still classify."""
    weak, strong = results[0.001, False], results[0.12, False]
    assert strong.relative_bops < 0.6 * weak.relative_bops
    for result in (weak, strong):
        assert result.accuracy is not None
        assert result.accuracy > 0.6


def test_costs_are_those_of_the_configuration(
    results: dict[tuple[float, bool], SearchResult],
) -> None:
    """Bit operations by hand, in the result and in the figures of the last epoch."""
    for result in results.values():
        assert list(result.configuration) == list(MACS)
        bops = sum(MACS[k] * p.b_in * p.b_wt for k, p in result.configuration.items())
        expected = bops / sum(64 * macs for macs in MACS.values())
        assert result.relative_bops == pytest.approx(expected)
        assert result.history[-1]["relative_bops"] == pytest.approx(expected)
        assert result.effective_bits == pytest.approx(8 * sqrt(expected))


def test_the_accuracy_is_that_of_the_configuration_alone(
    digits: tuple[nn.Module, DataSet], results: dict[tuple[float, bool], SearchResult]
) -> None:
    """A model of fixed precision with the same weights and statistics has it as well."""
    model, data = digits
    for result in results.values():
        fixed = quantise_model(
            model,
            (torch.zeros(2, 1, 8, 8),),
            FixedPrecision(result.configuration),
            signed_input=False,
        )
        state = result.model.state_dict()
        own = {k: v for k, v in state.items() if not k.startswith("quantisers.")}
        fixed.load_float(own)
        for name, quantiser in fixed.activation_quantisers.items():
            quantiser.set_threshold(
                result.model.activation_quantisers[name].threshold_for(own["fc.bias"])
            )
        assert evaluate(fixed, data.validation).accuracy == result.accuracy


def test_locked_layers_share_their_gates(
    results: dict[tuple[float, bool], SearchResult],
) -> None:
    """All but the first layer, whose input has 8 bits, have equal bit-widths."""
    result = results[0.12, True]
    for name, precision in result.configuration.items():
        activation, weight = (
            choice(result.model.quantiser(name, operand)) for operand in ("activation", "weight")
        )
        if name == "conv0":
            assert precision.b_in == 8
        else:
            assert activation is weight
            assert precision.b_in == precision.b_wt
    assert len(gates_of(result.model)) == 2 * 8
    assert len(gates_of(results[0.12, False].model)) == 2 * (8 + 7)


def test_the_regulariser_of_mobilenet_v1() -> None:
    """MobileNetV1-0.75 at 224 pixels, all gates at 2: the sum of the MACs, term by term."""
    with torch.device("meta"):
        model = build_model("mobilenet_v1_0.75")
    model = model.to_empty(device="cpu")
    wrapped = quantise_model(model, (torch.zeros(1, 3, 224, 224),), BayesianBits())
    assert bop_regulariser(wrapped.layers()).item() == pytest.approx(249.678333, abs=2e-4)


def test_the_extra_loss_is_strength_times_regulariser(digits: tuple[nn.Module, DataSet]) -> None:
    """With gates that hardly move, the recorded one is the closed form at their first values."""
    recipe = load_recipe(
        "bayesian_bits_digits",
        ["epochs=1", "batch_size=600", "optimisers.gates.learning_rate=1e-9"],
    )
    result = search_precisions(*digits, strength=0.5, recipe=recipe)
    q = 1 / (1 + torch.tensor(-(2 - 0.5 * log(0.1 / 1.1)), dtype=torch.float64).exp().item())
    most = max(MACS.values())
    times = sum(macs * (1 if name == "conv0" else 2) for name, macs in MACS.items())
    assert result.history[0]["extra_loss"] == pytest.approx(
        0.5 * (4 * q + 8 * q * q) * times / most, rel=1e-5
    )


@pytest.mark.parametrize("algorithm", ["bayesian_bits", "edmips"])
def test_an_interruption_changes_nothing(tmp_path: Path, algorithm: Any) -> None:
    """Weights, thresholds, gates, statistics, figures and configuration: to the last bit."""
    method: Any = algorithm.replace("_", "-")

    def run(name: str, at: tuple[int, int] = (-1, 0)) -> SearchResult:
        torch.manual_seed(sum(name.encode()))
        return search_precisions(
            small_model().train(),
            small_data(),
            method,
            0.01,
            recipe=searching("seed=3", algorithm=algorithm),
            folder=tmp_path / name,
            progress=interrupt_at(*at),
        )

    straight = run("straight")
    assert straight.trained.stopped is Stop.FINISHED
    broken = run("broken", at=(1, 2))
    assert (broken.trained.stopped, broken.accuracy) == (Stop.INTERRUPTED, None)
    assert not (tmp_path / "broken" / "weights.pt").exists()
    assert Configuration.read(tmp_path / "broken" / "configuration.json") == broken.configuration
    resumed = run("broken")
    assert kept(tmp_path / "broken") == kept(tmp_path / "straight")
    assert resumed.accuracy == straight.accuracy
    assert run("broken").configuration == straight.configuration  # a complete one is read


def test_the_seed_decides(tmp_path: Path) -> None:
    """The draws of the gates are a function of it, and the model is left as it is."""
    model = small_model()
    before = copy.deepcopy(model.state_dict())
    runs = [
        gates_of(
            search_precisions(
                model, small_data(), strength=0.01, recipe=searching(), seed=seed
            ).model
        )
        for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_gates_rest_until_quantisation_starts() -> None:
    """Before, nothing is added to the loss and they have no gradient."""
    recipe = searching("quantisation.start_epoch=2")
    result = search_precisions(small_model(), small_data(), strength=0.1, recipe=recipe)
    added = [figures["extra_loss"] for figures in result.history]
    assert added[:2] == [0, 0]
    assert added[2] > 0
    assert result.history[1]["expected_bits.weights"] == result.history[0]["expected_bits.weights"]
    assert result.history[2]["expected_bits.weights"] < result.history[1]["expected_bits.weights"]


@pytest.mark.parametrize("regulariser", ["joint", "latency"])
def test_other_regularisers_press_as_well(regulariser: Any) -> None:
    """The latency here is the product of the bits, so that both have the same minimum."""
    precisions = [Precision(a, w) for a in (2, 4, 8) for w in (2, 4, 8)]
    table = LatencyTable(
        layers=("0", "5"),
        offsets=np.array([0, 9, 18]),
        precisions=tuple(precisions * 2),
        columns={"latency": np.array([p.b_in * p.b_wt for p in precisions * 2])},
    )
    result = search_precisions(
        small_model(),
        small_data(),
        strength=100,
        recipe=searching(),
        regulariser=regulariser,
        table=table if regulariser == "latency" else None,
    )
    assert result.configuration == {"0": Precision(8, 2), "5": Precision(2, 2)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "darts"}, "no search 'darts'; there are bayesian-bits, edmips"),
        ({"method": "edmips"}, "bayesian_bits_digits is a recipe for bayesian_bits, not for edm"),
        ({"strength": -1}, "number from 0 on, not -1"),
        ({"regulariser": "energy"}, "there are bop, joint, latency"),
        ({"regulariser": "latency"}, "needs a latency table"),
        ({"recipe": "tqt_digits"}, "is a recipe for tqt, not for bayesian-bits"),
        ({"recipe": searching("quantisation.start_epoch=3")}, "which never comes"),
        (
            {"method": "edmips", "locked": True, "recipe": "edmips_digits"},
            "no gates that could be locked",
        ),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    """In one sentence, before anything is trained."""
    settings: dict[str, Any] = {"strength": 0.1, "recipe": searching()} | options
    with pytest.raises(InputError, match=words):
        search_precisions(small_model(), small_data(), **settings)


def test_a_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    """The message says what is different; a longer run of the same goes on."""
    settings: dict[str, Any] = {"strength": 0.01, "folder": tmp_path / "a"}
    search_precisions(small_model(), small_data(), recipe=searching(), **settings)
    with pytest.raises(InputError, match=r"holds a run with strength 0\.01, not 0\.02; name"):
        search_precisions(
            small_model(), small_data(), recipe=searching(), **settings | {"strength": 0.02}
        )
    with pytest.raises(InputError, match=r"locked false, not true; name"):
        search_precisions(small_model(), small_data(), recipe=searching(), locked=True, **settings)
    with pytest.raises(InputError, match="initial_weights"):
        search_precisions(small_model(1), small_data(), recipe=searching(), **settings)
    longer = search_precisions(
        small_model(), small_data(), recipe=searching("epochs=4"), **settings
    )
    assert longer.trained.epochs == 4
    record = json.loads((tmp_path / "a" / "run.json").read_text())
    assert record["settings"]["recipe"]["epochs"] == 4
    assert record["versions"]["torch"] == torch.__version__


def test_macs_by_hand_sum_to_those_of_the_network() -> None:
    """The table above is that of the network: weights times positions."""
    model = build_model("ds_cnn_small")
    positions = {"conv0": 64, "b0.dw": 64, "b0.pw": 64, "fc": 1}
    for name, macs in MACS.items():
        weights = prod(model.get_submodule(name).weight.shape)  # type: ignore[arg-type]
        assert macs == weights * positions.get(name, 16)
