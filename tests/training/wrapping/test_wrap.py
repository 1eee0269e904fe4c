"""A wrapped model computes what its user wrote, on quantised values."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training import (
    BayesianBits,
    Build,
    Edmips,
    FixedPrecision,
    Mode,
    QuantisedModel,
    Tqt,
    UniformQuantiser,
    quantise_model,
)
from tests.training.support import assert_close
from tests.training.wrapping.models import MODELS, Small, images, randomise

BUILDS: tuple[Build, ...] = (
    FixedPrecision(),
    Tqt(),
    BayesianBits(),
    BayesianBits(locked=True, decomposition="residual"),
    Edmips(),
)


def build(name: str, quantisers: Build) -> tuple[nn.Module, QuantisedModel, Tensor]:
    """A model, the same model with observed quantisers, and an input."""
    kind, x = MODELS[name]
    model = randomise(kind())
    wrapped = quantise_model(model, (x,), quantisers)
    wrapped.observe([x])
    return model, wrapped, x


def flat(outputs: Any) -> list[Tensor]:
    """Outputs as a list."""
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("training", [False, True])
def test_in_float_nothing_changes(name: str, training: bool) -> None:
    """Outputs, and the statistics of batch normalisation, are the same to the last bit."""
    model, wrapped, x = build(name, FixedPrecision())
    model.train(training)
    wrapped.train(training)
    wrapped.set_mode(Mode.FLOAT)
    torch.manual_seed(0)
    expected = flat(model(x.clone()))
    torch.manual_seed(0)
    assert all(map(torch.equal, flat(wrapped(x.clone())), expected))
    state = wrapped.state_dict()
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", MODELS)
def test_fine_grids_change_little(name: str) -> None:
    """With 16 bits the outputs differ by some 2^-16 of their size."""
    model, wrapped, x = build(name, FixedPrecision())
    wrapped.apply_configuration({layer.name: Precision(16, 16) for layer in wrapped.network.layers})
    for group in wrapped.groups:
        if not group.layers:
            quantiser = wrapped.activation_quantisers[group.name]
            assert isinstance(quantiser, UniformQuantiser)
            quantiser.set_bits(16)
    for ours, expected in zip(flat(wrapped(x)), flat(model(x)), strict=True):
        assert_close(ours, expected, 1e-3)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("quantisers", BUILDS, ids=lambda b: type(b).__name__)
def test_layers_and_adders_read_values_of_their_grids(name: str, quantisers: Build) -> None:
    """Whatever lies between a quantiser and its readers, they could compute in integers."""
    _, wrapped, x = build(name, quantisers)
    values: dict[fx.Node, Any] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            values[n] = super().run_node(n)
            return values[n]

    with torch.no_grad():
        Recorder(wrapped.program).run(x)
    layers = iter(node for node in wrapped.network.nodes if node.layer_type is not None)
    seen = 0
    for node in values:
        if node.op != "call_function" or node.target not in (F.linear, F.conv2d, F.conv1d):
            continue
        layer = next(layers).layer
        read, weight = values[node.args[0]], values[node.args[1]]  # type: ignore[index]
        quantiser = wrapped.quantiser(layer, "activation")
        scale = quantiser.scale_for(read)
        assert_close(quantiser.integers(read) * scale, read, 1e-5)
        assert len(weight.unique()) <= 2 ** wrapped.configuration[layer].b_wt * len(weight)
        own = wrapped.weight(layer)
        weights = wrapped.quantiser(layer, "weight")
        steps = weights.scale_for(own).reshape(-1, *[1] * (own.ndim - 1))
        assert_close(weights.integers(own) * steps, weight, 1e-5)
        seen += 1
    assert seen >= 3 - (name == "signal")
    assert next(layers, None) is None


@torch.no_grad()
def test_a_residual_network_by_hand() -> None:
    """Forward of `Small` with the fake quantisation of torch, at several precisions."""
    model = randomise(Small())
    assert isinstance(model, Small)
    x = images()
    configuration = {
        "stem": Precision(8, 4),
        "dw": Precision(8, 2),
        "pw": Precision(4, 8),
        "fc": Precision(8, 4),
    }
    wrapped = quantise_model(model, (x,), FixedPrecision(configuration, last_per_tensor=True))
    wrapped.observe([x])

    def activation(value: Tensor, most: Tensor, bits: int, signed: bool) -> Tensor:
        if signed:
            half = 2 ** (bits - 1)
            return torch.fake_quantize_per_tensor_affine(
                value, float(most) / half, 0, -half, half - 1
            )
        top = 2**bits - 1
        return torch.fake_quantize_per_tensor_affine(value, float(most) / top, 0, 0, top)

    def weights(module: nn.Module, bits: int, whole: bool = False) -> Tensor:
        w = module.get_parameter("weight").detach()
        half = 2 ** (bits - 1)
        if whole:
            return activation(w, w.abs().max(), bits, True)
        scale = w.abs().flatten(1).amax(1) / half
        zeros = torch.zeros(len(w), dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(w, scale, zeros, 0, -half, half - 1)

    def float_adder() -> list[Tensor]:
        first = F.relu(model.bn1(model.stem(x)))
        second = model.bn3(model.pw(model.act(model.bn2(model.dw(first)))))
        both = first + second
        return [first, second, both, F.adaptive_avg_pool2d(both, 1)]

    shared = torch.stack([value.abs().max() for value in float_adder()]).max()
    q = activation(x, x.abs().max(), 8, True)
    first = F.relu(model.bn1(F.conv2d(q, weights(model.stem, 4), None, 1, 1)))
    first = activation(first, shared, 8, True)
    y = model.act(model.bn2(F.conv2d(first, weights(model.dw, 2), None, 1, 1, 1, 4)))
    y = activation(y, torch.tensor(6.0), 4, False)
    second = model.bn3(F.conv2d(y, weights(model.pw, 8), model.pw.bias))
    total = activation(first + activation(second, shared, 8, True), shared, 8, True)
    pooled = activation(total.mean((2, 3)), shared, 8, True)
    expected = F.linear(pooled, weights(model.fc, 4, whole=True), model.fc.bias)
    assert_close(wrapped(x), expected, 1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("quantisers", BUILDS, ids=lambda b: type(b).__name__)
def test_everything_learns(name: str, quantisers: Build) -> None:
    """Every parameter that the output depends on has a finite gradient, in place or not."""
    _, wrapped, x = build(name, quantisers)
    wrapped.train()
    torch.manual_seed(0)
    torch.stack([y.square().mean() for y in flat(wrapped(x.clone()))]).sum().backward()
    for key, parameter in wrapped.named_parameters():
        if "unused" in key:
            continue
        assert parameter.grad is not None, key
        assert bool(parameter.grad.isfinite().all()), key


@pytest.mark.parametrize("quantisers", BUILDS, ids=lambda b: type(b).__name__)
def test_copies_are_alike_and_independent(quantisers: Build) -> None:
    """deepcopy, pickle and state dictionaries carry everything; sharing stays as it is."""
    _, wrapped, x = build("in place", quantisers)
    expected = wrapped(x.clone())
    fresh = quantise_model(randomise(MODELS["in place"][0](), 7), (x,), quantisers)
    assert not torch.equal(fresh(x.clone()), expected)
    fresh.load_state_dict(wrapped.state_dict())
    copies = [copy.deepcopy(wrapped), pickle.loads(pickle.dumps(wrapped)), fresh]
    for other in copies:
        assert torch.equal(other(x.clone()), expected)
        assert len(list(other.parameters())) == len(list(wrapped.parameters()))
        assert other.configuration == wrapped.configuration
        with torch.no_grad():
            other.weight("conv1").zero_()
    assert torch.equal(wrapped(x.clone()), expected)


def test_the_model_of_the_user_is_left_alone() -> None:
    """Its mode, its parameters and its statistics."""
    model = Small().train()
    before = copy.deepcopy(model.state_dict())
    wrapped = quantise_model(model, (images(),), Tqt())
    assert model.training
    assert wrapped.training
    assert all(module.training for module in wrapped.modules())
    wrapped(images())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_checkpoints_of_the_user_load() -> None:
    """Keys are those of the model; learned thresholds start anew from the loaded weights."""
    other = randomise(Small(), 5)
    with torch.no_grad():
        other.fc.weight.mul_(8)  # type: ignore[operator, union-attr]
    wrapped = quantise_model(randomise(Small()), (images(),), Tqt())
    keys = [key for key in wrapped.state_dict() if not key.startswith("quantisers.")]
    assert sorted(keys) == sorted(other.state_dict())
    wrapped.load_float(other.state_dict())
    with wrapped.mode("float"):
        assert torch.equal(wrapped(images()), other(images()))
    threshold = wrapped.quantiser("fc", "weight").threshold_for(images())
    assert_close(threshold, other.get_parameter("fc.weight").abs().amax(1))
    with pytest.raises(InputError, match=r'Missing key.*"fc\.bias"'):
        state = {key: value for key, value in other.state_dict().items() if key != "fc.bias"}
        wrapped.load_float(state)


def test_functions_and_modules_are_alike() -> None:
    """However an activation is written, its quantiser is the same."""

    class Net(nn.Module):
        def __init__(self, act: Any) -> None:
            super().__init__()
            self.a, self.act, self.b = nn.Linear(3, 4), act, nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.b(self.act(self.a(x)))
            return y

    def clamped(x: Tensor) -> Tensor:
        return torch.clamp(x, 0, 6)

    def method(x: Tensor) -> Tensor:
        return x.clamp_(0.0, max=6.0)

    relu6s = (nn.ReLU6(), F.relu6, nn.Hardtanh(0, 6), clamped, method)
    act: Any
    for act in relu6s:
        group = quantise_model(Net(act), (torch.ones(1, 3),), Tqt()).group_of("b")
        assert (group.signed, group.bound) == (False, 6.0)
    for act in (nn.ReLU(), F.relu, torch.relu, torch.relu_):
        group = quantise_model(Net(act), (torch.ones(1, 3),), Tqt()).group_of("b")
        assert (group.signed, group.bound) == (False, None)
    for act in (nn.Tanh(), nn.Hardtanh(), nn.SiLU(), nn.Identity()):
        group = quantise_model(Net(act), (torch.ones(1, 3),), Tqt()).group_of("b")
        assert (group.signed, group.bound) == (True, None)


def test_weights_and_sums_as_functions() -> None:
    """A parameter that a function uses is a layer; the sum over everything stays a float."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w, self.fc = nn.Parameter(torch.ones(4, 3)), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.fc(F.relu(F.linear(x, weight=self.w))).sum(1)
            return y * x.sum()

    wrapped = quantise_model(Net(), (torch.ones(2, 3),), FixedPrecision())
    assert wrapped.weights == {"w": "w", "fc": "fc.weight"}
    assert [(g.name, g.layers) for g in wrapped.groups] == [("x", ("w",)), ("w", ("fc",))]


class Untraceable(nn.Module):
    """Looks at values."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.shape[0] > 1 else x + 1


class Attention(nn.Module):
    """A module of torch that holds layers, which torch.fx does not look into."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(self.attention(x, x, x, need_weights=False)[0])
        return y


class TwoMinds(nn.Module):
    """Has a layer in evaluation that it has not in training."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.a(x)
        return y if self.training else self.b(y)


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (
            nn.Sequential(nn.Linear(3, 3), Untraceable()),
            (2, 3),
            r"torch\.fx cannot trace module 1 of Sequential \(.*control flow",
        ),
        (Attention(), (1, 2, 4), r"see different networks: layer 1 is fc and attention"),
        (TwoMinds(), (2, 3), r"TwoMinds computes something else in training"),
        (nn.Sequential(nn.ReLU()), (2, 3), r"no layer with weights"),
    ],
    ids=["control flow", "attention", "modes", "nothing"],
)
def test_models_that_cannot_be_wrapped(
    model: nn.Module, shape: tuple[int, ...], message: str
) -> None:
    """One sentence says why."""
    with pytest.raises(InputError, match=message) as error:
        quantise_model(model, (torch.ones(shape),), FixedPrecision())
    assert "\n" not in str(error.value)


def test_what_cannot_be_asked() -> None:
    """A submodule may not take the place of the quantisers, nor layers convert shared inputs."""
    model = nn.Sequential()
    model.add_module("quantisers", nn.Linear(3, 3))
    with pytest.raises(InputError, match="has a module called quantisers"):
        quantise_model(model, (torch.ones(1, 3),), FixedPrecision())
    with pytest.raises(InputError, match="share_inputs"):
        quantise_model(Small(), (images(),), FixedPrecision(), Rules(share_inputs=False))
