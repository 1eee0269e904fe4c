"""What becomes of single operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpsolve import InputError
from mpsolve.deploy import Add, AveragePool, Conv, Flatten, Linear, MaxPool
from mpsolve.deploy.interpreter import run_all
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training import agreement, integerise
from tests.training.deployment.networks import Residual, conv, images, quantised, randomise
from tests.training.support import normal

if TYPE_CHECKING:
    from collections.abc import Callable


class Function(nn.Module):
    """A convolution, what a function makes of its output, and a convolution."""

    def __init__(self, function: Callable[[Any, Tensor], Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)
        for name, part in parts.items():
            self.add_module(name, part)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.function(self, self.first(x)))
        return y


def test_one_layer_by_hand() -> None:
    """Step 1/2 in, weights of step 1, gamma -2, sigma 2, mean 3, beta 1, step 1/2 out."""
    first_layer, norm = nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0.0)
    model = nn.Sequential(first_layer, norm, nn.ReLU(), nn.Conv2d(1, 1, 1, bias=False))
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        first_layer.weight.fill_(3.0)
        for tensor, value in (
            (norm.weight, -2.0),
            (norm.bias, 1.0),
            (norm.running_mean, 3.0),
            (norm.running_var, 4.0),
        ):
            tensor.fill_(value)
    x = torch.tensor([[-3.0, -1.0], [0.0, 2.0]]).reshape(1, 1, 2, 2)
    wrapped = quantised(model.eval(), x)
    first, second = (wrapped.activation_quantisers[group.name] for group in wrapped.groups)
    first.set_threshold(64.0)
    second.set_threshold(127.5)
    wrapped.quantiser("0", "weight").set_threshold(128.0)
    network = integerise(wrapped)
    assert network.input_scale == 0.5
    values = run_all(network.graph, network.input_codes(x))
    # -2 (3 x - 3) / 2 + 1 = 4 - 3 x, which is 13, 7, 4 and -2
    codes = values[network.graph.nodes[0].output]
    np.testing.assert_array_equal(codes.ravel(), [26, 14, 8, 0])


def test_a_rectified_sum_of_signed_tensors_is_clipped_as_in_the_model() -> None:
    """It keeps its sign bit and half of its codes; kernels would keep more of its values."""
    x = images(16)
    wrapped = quantised(randomise(Residual(), 2), x)
    exact, kernels = integerise(wrapped), integerise(wrapped, clip="kernels")
    values = run_all(exact.graph, exact.input_codes(4 * x))
    assert values["relu"].min() == 0
    assert values["relu"].max() == 127
    assert exact.graph["relu"].signed
    found = agreement(exact, wrapped, 4 * x)
    assert found["stem.0"].own.rate < 0.01
    wide = run_all(kernels.graph, kernels.input_codes(4 * x))
    assert not kernels.graph["relu"].signed
    assert wide["relu"].max() > 127
    np.testing.assert_array_equal(np.minimum(wide["relu"], 127), values["relu"])


def test_relu6_below_a_learned_threshold_still_clips() -> None:
    """With a threshold of 8, the code of 6 is 191.25."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU6(), nn.Conv2d(4, 2, 1))
    x = 20 * images(8)
    wrapped = quantised(randomise(model), x)
    wrapped.quantiser("2", "activation").set_threshold(8.0)
    exact, kernels = integerise(wrapped), integerise(wrapped, clip="kernels")
    for network, largest in ((exact, 191), (kernels, 255)):
        written = network.graph.nodes[0].output
        assert run_all(network.graph, network.input_codes(x))[written].max() == largest


def test_an_exact_clip_cannot_be_written_for_dory() -> None:
    """The message names an adder or a Clip."""
    pytest.importorskip("onnx")
    from mpsolve.deploy.dory_emitter import to_dory

    network = integerise(quantised(randomise(Residual()), images()))
    with pytest.raises(InputError, match="clips to fewer codes"):
        to_dory(network.graph)


def test_tensors_of_different_steps_are_rescaled_to_be_added() -> None:
    """Where adders do not join groups, each input keeps its step, and sums differ by 1 or 2."""

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.last = conv(3, 4), conv(3, 4), nn.Conv2d(4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.last(F.relu(F.relu(self.a(x)) + self.b(x)))
            return y

    x = images(32)
    wrapped = quantised(randomise(Sum(), 3), x, rules=Rules(adder_bits=None))
    network = integerise(wrapped)
    adder = next(node for node in network.graph.nodes if isinstance(node, Add))
    scales = [network.scales[name] for name in (*adder.inputs, adder.output)]
    assert len(set(scales)) == 3
    requants = (adder.first, adder.second)
    coarsest = max(scales)
    for requant, scale in zip(requants, scales, strict=False):
        assert (requant is None) == (scale == coarsest)
    found = agreement(network, wrapped, x)
    # Two roundings of half a step each before the model's own.
    assert 0 < found[adder.name].own.largest <= 2
    assert found[adder.name].own.rate < 0.5


def test_a_layer_that_is_called_twice_is_two_nodes() -> None:
    """The nodes have the same weights."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared, self.last = nn.Linear(6, 6), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.last(F.relu(self.shared(F.relu(self.shared(x)))))
            return y

    x = normal(20, 6)
    wrapped = quantised(randomise(Twice()), x)
    network = integerise(wrapped)
    first, second, _ = network.graph.layers
    np.testing.assert_array_equal(first.weights, second.weights)
    found = agreement(network, wrapped, x)
    assert found.same_class == 20
    assert max(node.own.largest for node in found.nodes) <= 1


def test_a_channel_without_weights_keeps_its_bias() -> None:
    """Also in the last layer, whose integer bias must not overflow."""
    first, last = nn.Conv2d(3, 4, 1), nn.Linear(16, 3)
    model = randomise(nn.Sequential(first, nn.ReLU(), nn.Flatten(), last))
    with torch.no_grad():
        first.weight[1] = 0
        last.weight[2] = 0
    x = images(8, size=2)
    wrapped = quantised(model, x, last_per_tensor=False)
    network = integerise(wrapped)
    scores = network.scores(network.input_codes(x))
    np.testing.assert_allclose(scores, wrapped(x).detach().numpy(), atol=0.05)
    assert not network.comparable


def test_an_activation_of_codes_is_a_window_of_one_pixel() -> None:
    """The sum is read by an adder as it is, and rectified by a layer."""

    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
            self.last = nn.Conv2d(4, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.a(x) + self.b(x)
            y: Tensor = self.last(x + self.c(F.relu(x)))
            return y

    x = images(8)
    wrapped = quantised(randomise(PreActivation()), x)
    network = integerise(wrapped)
    relu = next(node for node in network.graph.nodes if isinstance(node, AveragePool))
    assert relu.area == 1
    assert agreement(network, wrapped, x)[relu.name].own.largest == 0


KINDS: dict[str, tuple[Callable[[Any, Tensor], Tensor], type]] = {
    "mean over pixels": (lambda _, x: F.relu(x).mean((2, 3), keepdim=True), AveragePool),
    "mean of everything": (lambda _, x: F.adaptive_avg_pool2d(F.relu(x), 1), AveragePool),
    "mean of quarters": (lambda _, x: F.adaptive_avg_pool2d(F.relu(x), (2, 4)), AveragePool),
    "mean of windows": (lambda _, x: F.avg_pool2d(F.relu(x), (2, 1), (1, 2)), AveragePool),
    "greatest": (lambda _, x: F.max_pool2d(F.relu(x), 3, 2, 1), MaxPool),
    "greatest before the activation": (lambda _, x: F.relu(F.max_pool2d(x, 2)), MaxPool),
    "no activation": (lambda _, x: F.max_pool2d(x, (3, 2), (1, 2), (1, 0)), MaxPool),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pools(kind: str) -> None:
    """Each is one node that agrees with the model within 1, and maxima hardly ever differ.

    The mean of two codes ends in one half in every other case, and half of those go to the lower
    code in the model.
    """
    function, node_type = KINDS[kind]
    x = images(16)
    wrapped = quantised(randomise(Function(function)), x)
    network = integerise(wrapped)
    pools = [n for n in network.graph.nodes if not isinstance(n, Conv | Linear | Flatten)]
    assert [type(pool) for pool in pools] == [node_type]
    for node in agreement(network, wrapped, x).nodes[:-1]:
        assert node.own.largest <= 1
        assert node.own.rate <= (0.3 if node_type is AveragePool else 0.005)


FLAT: dict[str, Callable[[Tensor], Tensor]] = {
    "flatten": lambda x: x.flatten(1),
    "view": lambda x: x.view(x.size(0), -1),
    "reshape": lambda x: torch.reshape(x, (-1, 4)),
    "squeeze": lambda x: x.squeeze(-1).squeeze(-1),
    "mean": lambda x: x.mean(dim=[-1, -2]),
    "torch.flatten": lambda x: torch.flatten(x, start_dim=1),
}


@pytest.mark.parametrize("way", FLAT)
def test_every_way_to_flatten(way: str) -> None:
    """Each ends in one node."""

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(3, 4, 1), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.last(FLAT[way](F.avg_pool2d(F.relu(self.first(x)), 8)))
            return y

    x = images(8)
    wrapped = quantised(randomise(Head()), x)
    network = integerise(wrapped)
    assert sum(isinstance(node, Flatten) for node in network.graph.nodes) == 1
    assert agreement(network, wrapped, x).same_class == 8


UNSUPPORTED: dict[str, tuple[nn.Module, str]] = {
    "sigmoid": (Function(lambda _, x: torch.sigmoid(x)), "sigmoid cannot .* the operator sigmoid"),
    "number": (Function(lambda _, x: F.relu(x) + 3), "adds a number"),
    "product": (Function(lambda _, x: F.relu(x) * 2), "mul cannot"),
    "difference": (Function(lambda _, x: F.relu(x) - F.relu6(x)), "sub cannot"),
    "concatenation": (Function(lambda _, x: torch.cat([x[:, :2], x[:, :2]], 1)), "cannot"),
    "dilation": (
        Function(lambda m, x: m.wide(F.relu(x)), wide=nn.Conv2d(4, 4, 3, padding=2, dilation=2)),
        "dilated",
    ),
    "padded mean": (Function(lambda _, x: F.avg_pool2d(F.relu(x), 3, 1, 1)), "padding"),
    "late batch normalisation": (
        Function(lambda m, x: m.norm(F.relu(x)), norm=nn.BatchNorm2d(4)),
        "must follow a layer",
    ),
    "uneven windows": (Function(lambda _, x: F.adaptive_avg_pool2d(F.relu(x), 3)), "divide"),
    "activation behind the last layer": (
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()),
        "the output must be that of a layer",
    ),
    "one dimension": (nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 4, 1)), "cannot"),
}


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_what_has_no_integer_form_is_named(what: str) -> None:
    """One sentence with the node of the traced model."""
    model, message = UNSUPPORTED[what]
    wrapped = quantised(randomise(model), images())
    with pytest.raises(InputError, match=message) as caught:
        integerise(wrapped)
    assert str(caught.value).count("\n") == 0


def test_settings_are_checked() -> None:
    """Clips and formats have names."""
    wrapped = quantised(randomise(Residual()), images())
    with pytest.raises(InputError, match="exact or kernels"):
        integerise(wrapped, clip="none")  # type: ignore[arg-type]


def test_the_model_stays_as_it_was() -> None:
    """Modes of quantisers and modules, parameters and statistics."""
    wrapped = quantised(randomise(Residual()), images()).train()
    wrapped.set_mode("observe")
    before = {name: value.clone() for name, value in wrapped.state_dict().items()}
    agreement(integerise(wrapped), wrapped, images())
    assert all(module.training for module in wrapped.modules())
    assert {q.mode for q in wrapped.activation_quantisers.values()} == {"observe"}
    for name, value in wrapped.state_dict().items():
        assert torch.equal(value, before[name]), name
