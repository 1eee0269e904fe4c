"""Gradients and whole Hessians of a small network by torch.func, which no metric uses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vmap
from torch.nn import functional as F

from mpsolve.training import Mode, set_mode
from mpsolve.training.sensitivity.examples import Examples
from mpsolve.training.sensitivity.fisher import Fisher
from mpsolve.training.sensitivity.hessian import Hessian, curvature
from mpsolve.training.sensitivity.operand import Operand
from mpsolve.training.sensitivity.taylor import Taylor
from tests.training.sensitivity.handmade import (
    HandMade,
    convolutional,
    images,
    rounded,
    rounded_weight,
)
from tests.training.support import normal

DATA = Examples(tuple((inputs.double(), targets) for inputs, targets in images().batches))
INPUTS, TARGETS = (torch.cat(part) for part in zip(*DATA.batches, strict=True))
#: Parameters of the layers: two convolutions, and two linear layers that read one activation.
WEIGHTS = {
    "layer0": "steps.0.weight",
    "layer3": "steps.3.weight",
    "layer7": "steps.7.weight",
    "branch0": "branches.0.weight",
}
LAYERS = pytest.mark.parametrize("layer", list(WEIGHTS))


def network() -> HandMade:
    """In double precision, in evaluation, without quantisation."""
    model = convolutional().double()
    set_mode(model, Mode.FLOAT)
    return model


def loss_of_weights(model: nn.Module, layer: str, weight: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The mean loss of a batch with other weights in one layer."""
    return F.cross_entropy(functional_call(model, {WEIGHTS[layer]: weight}, (x,)), y)


def exact(layer: str) -> tuple[Tensor, Tensor, Tensor]:
    """``(n,)`` weights and gradient, and ``(n, n)`` Hessian of the mean loss of all examples."""
    model = network()
    weight = model.get_parameter(WEIGHTS[layer]).detach()

    def loss(w: Tensor) -> Tensor:
        return loss_of_weights(model, layer, w, INPUTS, TARGETS)

    n = weight.numel()
    g, h = grad(loss)(weight), jacrev(grad(loss))(weight)
    return weight, g.detach().reshape(n), h.detach().reshape(n, n)


@LAYERS
def test_curvatures_are_quadratic_forms_of_the_hessian(layer: str) -> None:
    """Along random directions, and along the axes, whose sum is the trace."""
    model = network()
    weight, _, h = exact(layer)
    parameter = model.get_parameter(WEIGHTS[layer])
    axes = torch.eye(weight.numel(), dtype=torch.float64)
    directions = [*axes, *normal(3, weight.numel(), dtype=torch.float64)]
    found = []
    for v in directions:
        loss = F.cross_entropy(model(INPUTS), TARGETS)
        found.append(curvature(loss, [parameter], [v.reshape(weight.shape)]))
    expected = [float(v @ h @ v) for v in directions]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert sum(found[: len(axes)]) == pytest.approx(float(h.trace()))


@LAYERS
def test_hawq_within_its_own_errors(layer: str) -> None:
    """The trace over the number of weights, times the squared perturbation."""
    weight, _, h = exact(layer)
    (found,) = Hessian(0.0, 150, 150).measure(network(), DATA, Operand(layer, "weight"), (3,))
    square = float((rounded_weight(weight, 3) - weight).square().sum())
    expected = float(h.trace()) / weight.numel() * square
    assert abs(found.value - expected) < 4 * found.error < 0.5 * abs(expected)


@LAYERS
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_expansion_has_both_derivatives(layer: str, bits: int) -> None:
    """g' d + d' H d / 2."""
    weight, g, h = exact(layer)
    d = (rounded_weight(weight, bits) - weight).reshape(-1)
    (found,) = Taylor().measure(network(), DATA, Operand(layer, "weight"), (bits,))
    assert found.value == pytest.approx(float(g @ d + d @ h @ d / 2), rel=1e-9)


@LAYERS
def test_the_fisher_information_has_the_gradient_of_every_example(layer: str) -> None:
    """Mean over the examples of the sum of (g d)^2."""
    model = network()
    weight = model.get_parameter(WEIGHTS[layer]).detach()

    def loss(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return loss_of_weights(model, layer, w, x[None], y[None])

    each = vmap(grad(loss), (None, 0, 0))(weight, INPUTS, TARGETS)
    d = rounded_weight(weight, 3) - weight
    expected = float((each.detach() * d).square().flatten(1).sum(1).mean())
    (found,) = Fisher().measure(model, DATA, Operand(layer, "weight"), (3,))
    assert found.value == pytest.approx(expected, rel=1e-9)


def rest(model: HandMade, x: Tensor) -> Tensor:
    """What follows the input of the second convolution, written out."""
    steps, (branch,) = model.steps, model.branches
    x = torch.tanh(steps[3](x)).flatten(1)
    return steps[7](x) + branch(x)


def test_activations_have_the_hessian_of_each_example() -> None:
    """In the middle of the network: its trace, and the expansion along the perturbation."""
    model = network()
    hidden = F.relu(model.steps[1](model.steps[0](INPUTS))).detach()
    size = hidden[0].numel()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(rest(model, x[None]), y[None])

    g = vmap(grad(loss))(hidden, TARGETS).detach().reshape(-1, size)
    h = vmap(jacrev(grad(loss)))(hidden, TARGETS).detach().reshape(-1, size, size)
    d = (rounded(hidden, 4.0, 3) - hidden).reshape(-1, size)
    operand = Operand("layer3", "activation")
    (found,) = Taylor().measure(model, DATA, operand, (3,))
    expansion = (g * d).sum(1) + torch.einsum("ni,nij,nj->n", d, h, d) / 2
    assert found.value == pytest.approx(float(expansion.mean()), rel=1e-9)
    assert found.error == pytest.approx(float(expansion.std()) / len(INPUTS) ** 0.5, rel=1e-9)
    (found,) = Hessian(0.0, 150, 150).measure(model, DATA, operand, (3,))
    trace = float(h.diagonal(dim1=1, dim2=2).sum(1).mean())
    expected = trace / size * float(d.square().sum(1).mean())
    assert abs(found.value - expected) < 4 * found.error < 0.5 * abs(expected)
