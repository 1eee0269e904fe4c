"""Which activations share a quantiser, and what else is shared."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training import (
    BayesianBits,
    BayesianBitsQuantiser,
    Build,
    Edmips,
    EdmipsQuantiser,
    FixedPrecision,
    Gates,
    GroupThreshold,
    QuantisedModel,
    Tqt,
    TqtQuantiser,
    UniformQuantiser,
    bop_regulariser,
    parameter_groups,
    quantise_model,
)
from mpsolve.training.quantisers.grid import Grid
from tests.training.support import assert_close
from tests.training.wrapping.models import MODELS, Small, randomise

#: Model -> group: the layers that read it, its least bits, its sign, its bound, its calls.
EXPECTED: dict[str, dict[str, tuple[Any, ...]]] = {
    "small": {
        "x": (("stem",), 8, True, None, 1),
        "stem": (("dw", "fc"), 8, True, None, 4),
        "dw": (("pw",), 0, False, 6.0, 1),
    },
    "in place": {
        "x": (("stem",), 8, True, None, 1),
        "stem": (("conv1", "downsample.0"), 0, False, None, 1),
        "conv1": (("conv2",), 0, False, None, 1),
        "conv2": (("fc",), 8, True, None, 4),
    },
    "inverted": {
        "x": (("layers.0.0",), 8, True, None, 1),
        "layers.0.0": (("layers.0.3",), 0, False, 6.0, 1),
        "layers.0.3": (("layers.0.6",), 0, False, 6.0, 1),
        "layers.0.6": (("layers.1.0", "head"), 8, True, None, 3),
        "layers.1.0": (("layers.1.3",), 0, False, 6.0, 1),
        "layers.1.3": (("layers.1.6",), 0, False, 6.0, 1),
    },
    "shared": {
        "x": (("first",), 8, True, None, 1),
        "first": (("fc",), 0, False, None, 2),
        "fc#2": (("last",), 0, False, None, 1),
    },
    "branches": {
        "x": (("stem.0",), 8, True, None, 1),
        "stem.0": (("left.0", "right.0"), 0, False, 6.0, 1),
        "left.0": (("end",), 0, False, None, 2),
    },
    "signal": {
        "x": (("conv",), 8, True, None, 1),
        "conv": (("next",), 0, False, None, 2),
    },
}


def wrapped(name: str, build: Build, rules: Rules | None = None) -> QuantisedModel:
    """A model with quantisers."""
    kind, x = MODELS[name]
    return quantise_model(randomise(kind()), (x,), build, rules)


@pytest.mark.parametrize("name", MODELS)
def test_groups_by_hand(name: str) -> None:
    """Readers, least bits, signs, bounds and the number of values, read off the models."""
    model = wrapped(name, FixedPrecision())
    found = {g.name: (g.layers, g.least, g.signed, g.bound, g.calls) for g in model.groups}
    assert found == EXPECTED[name]
    targets = [str(node.target) for node in model.program.graph.nodes if node.op == "call_module"]
    calls = {
        name: targets.count(f"quantisers.activations/{name.replace('.', '/')}") for name in found
    }
    assert calls == {name: group[-1] for name, group in found.items()}


def test_an_input_without_a_sign() -> None:
    """What pools hand on of it, and sums with it, have one only if something else has."""

    class Inputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 4, 1)
            self.third = nn.Conv2d(3, 4, 1)

        def forward(self, relu: Tensor) -> tuple[Tensor, Tensor]:
            y = F.relu(self.first(F.max_pool2d(relu, 3, 1, 1)))
            return self.second(relu + y), self.third(F.hardswish(relu))

    for signed in (True, False):
        model = quantise_model(
            Inputs().eval(), (torch.zeros(2, 3, 4, 4),), FixedPrecision(), signed_input=signed
        )
        found = {layer: model.group_of(layer).signed for layer in ("first", "second", "third")}
        assert found == {"first": signed, "second": signed, "third": True}
        assert model.quantiser("first", "activation").grid.signed is signed


def test_an_adder_has_one_threshold() -> None:
    """All that it reads and writes, through two stages of pools and readers, is one parameter."""
    model = wrapped("in place", Tqt())
    quantiser = model.quantiser("fc", "activation")
    assert isinstance(quantiser, TqtQuantiser)
    assert model.group_of("fc").tensors[:3] == ("conv2", "downsample.0", "add")
    assert len(parameter_groups(model).thresholds) == len(model.groups) + len(model.network.layers)


def test_without_a_rule_adders_join_nothing() -> None:
    """Each tensor has its own quantiser, whose precision its readers choose."""
    model = wrapped("small", BayesianBits(), Rules(input_bits=4, adder_bits=None))
    assert [(g.name, g.layers, g.least) for g in model.groups] == [
        ("x", ("stem",), 4),
        ("stem", ("dw",), 0),
        ("dw", ("pw",), 0),
        ("pw", (), 8),
        ("add", ("fc",), 0),
    ]
    assert [layer.activation.precisions for layer in model.layers()] == [
        (4, 8),
        (2, 4, 8),
        (2, 4, 8),
        (2, 4, 8),
    ]
    assert isinstance(model.activation_quantisers["pw"], UniformQuantiser)


@pytest.mark.parametrize("name", MODELS)
def test_gates_are_free_or_locked(name: str) -> None:
    """Locked, an activation and the weights of its readers have one object, unless it is fixed."""
    for locked in (False, True):
        model = wrapped(name, BayesianBits(locked=locked))
        expected = 0
        for group in model.groups:
            activation = model.activation_quantisers[group.name]
            weights = [model.quantiser(layer, "weight") for layer in group.layers]
            assert all(isinstance(weight, BayesianBitsQuantiser) for weight in weights)
            own = {id(weight.gates) for weight in weights}
            if group.least == 8:
                assert isinstance(activation, UniformQuantiser)
                assert activation.grid.bits == 8
                expected += len(weights)
                assert len(own) == len(weights)
                continue
            assert isinstance(activation, BayesianBitsQuantiser)
            if locked:
                assert own == {id(activation.gates)}
                expected += 1
            else:
                assert id(activation.gates) not in own
                expected += 1 + len(weights)
        assert sum(isinstance(module, Gates) for module in model.modules()) == expected


def test_the_regulariser_sees_every_layer() -> None:
    """At the start each set of gates costs 11.228190 times the relative MACs of its layer."""
    model = wrapped("small", BayesianBits())
    macs = {"stem": 4 * 27 * 64, "dw": 4 * 9 * 64, "pw": 16 * 64, "fc": 20}
    layers = model.layers()
    assert {layer.name: layer.macs for layer in layers} == macs
    price = sum(macs.values()) + macs["pw"]  # only the activation between dw and pw is searched
    assert bop_regulariser(layers).item() == pytest.approx(
        11.228190 * price / macs["stem"], rel=1e-6
    )
    with_latencies = model.layers({"pw": [[1, 2, 3]] * 3})
    assert with_latencies[2].latencies is not None


def test_edmips_mixes_where_there_is_a_choice() -> None:
    """Weights everywhere, activations unless they are fixed."""
    model = wrapped("small", Edmips(precisions=(4, 8)))
    kinds = {name: type(q) for name, q in model.activation_quantisers.items()}
    assert kinds == {"x": UniformQuantiser, "stem": UniformQuantiser, "dw": EdmipsQuantiser}
    assert all(isinstance(q, EdmipsQuantiser) for q in model.weight_quantisers.values())


def test_the_last_layer_may_have_one_threshold() -> None:
    """All others have one per output channel."""
    for build in (
        FixedPrecision(last_per_tensor=True),
        Tqt(last_per_tensor=True),
        BayesianBits(last_per_tensor=True),
        Edmips(last_per_tensor=True),
    ):
        found = {name: q.channels for name, q in wrapped("small", build).weight_quantisers.items()}
        assert found == {"stem": 4, "dw": 4, "pw": 4, "fc": None}


def test_observed_thresholds_are_those_of_the_largest_member() -> None:
    """Per batch the largest of all values of a group, then a moving average over batches."""
    x = MODELS["small"][1]
    model = randomise(Small())
    assert isinstance(model, Small)
    quantised = quantise_model(model, (x,), FixedPrecision())
    batches = [x, 3 * x, 0.1 * x]
    quantised.train().observe((batch,) for batch in batches)
    assert all(module.training for module in quantised.modules())

    def largest(batch: Tensor) -> float:
        first = torch.relu(model.bn1(model.stem(batch)))
        second = model.bn3(model.pw(model.act(model.bn2(model.dw(first)))))
        return max(value.abs().max().item() for value in (first, second, first + second))

    average = largest(batches[0])
    for batch in batches[1:]:
        average = 0.9 * average + 0.1 * largest(batch)
    threshold = quantised.quantiser("fc", "activation").threshold_for(x)
    assert float(threshold) == pytest.approx(average, rel=1e-6)
    assert float(quantised.quantiser("pw", "activation").threshold_for(x)) == 6.0


def test_an_unfinished_inference_is_forgotten() -> None:
    """The average counts whole inferences."""
    observer = GroupThreshold(2)
    grid = Grid(8, signed=True)
    assert float(observer(torch.tensor([9.0]), grid)) == 9.0
    observer.restart()
    observer(torch.tensor([1.0]), grid)
    assert_close(observer(torch.tensor([-2.0]), grid), torch.tensor(2.0))
    assert_close(observer(torch.tensor([12.0]), grid), torch.tensor(2.0))
    assert_close(observer(torch.tensor([4.0]), grid), torch.tensor(3.0))
    assert int(observer.batches) == 2


def test_layers_of_one_module_are_quantised_once() -> None:
    """The weights of a layer that is called twice are quantised once per inference."""
    model = wrapped("shared", FixedPrecision())
    calls = []
    model.weight_quantisers["fc"].register_forward_hook(lambda *_: calls.append(1))
    model(MODELS["shared"][1])
    assert len(calls) == 1


def test_what_nobody_reads_stays_in_float() -> None:
    """The second output of the model is no mean of quantised values that is quantised again."""
    model = wrapped("signal", FixedPrecision())
    output = next(node for node in model.program.graph.nodes if node.op == "output")
    first, second = output.args[0]
    assert (first.target, second.target) == (torch.conv1d, "mean")
    assert isinstance(model, nn.Module)
