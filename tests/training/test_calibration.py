"""The thresholds that quantisation begins with."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from mpsolve.training import (
    BayesianBits,
    Build,
    Edmips,
    FixedPrecision,
    Tqt,
    load_data,
    load_recipe,
    quantise_model,
)
from mpsolve.training.calibration import calibrate, signed_input
from mpsolve.training.data import TensorSplit
from mpsolve.training.recipes import QuantisationSettings
from tests.training.small import small_data
from tests.training.support import normal
from tests.training.wrapping.models import Small, randomise

IMAGES = normal(24, 3, 8, 8, seed=5)
SPLIT = TensorSplit(IMAGES, torch.zeros(24, dtype=torch.int64))


def small() -> nn.Module:
    """The same network every time."""
    torch.manual_seed(0)
    return randomise(Small())


def thresholds(batch_size: int = 24, **settings: Any) -> dict[str, float]:
    """The thresholds of the activations of `Small` by layer that reads them."""
    wrapped = quantise_model(small(), (IMAGES[:2],), FixedPrecision())
    calibrate(wrapped, SPLIT, QuantisationSettings(**settings), batch_size)
    return {
        name: wrapped.quantiser(name, "activation").threshold_for(IMAGES).item()
        for name in ("stem", "dw", "pw", "fc")
    }


def largest() -> dict[str, float]:
    """The largest magnitudes of what the layers of `Small` read, and of what is added."""
    model, seen = small(), {}
    for name in ("stem", "dw", "pw", "bn3"):
        hook = lambda _, given, out, name=name: seen.update({name: (given[0], out)})  # noqa: E731
        model.get_submodule(name).register_forward_hook(hook)
    with torch.no_grad():
        model(IMAGES)
    skip, way = seen["dw"][0], seen["bn3"][1]
    total = max(float(x.abs().max()) for x in (skip, way, skip + way))
    return {
        "stem": float(seen["stem"][0].abs().max()),
        "pw": float(seen["pw"][0].abs().max()),
        "adder": total,
    }


def test_a_number_is_the_bound_of_all_activations_but_the_input() -> None:
    """It does not exceed what ReLU6 lets pass."""
    seen = largest()
    found = thresholds(activation_clip=9.0, adder_clip=3.0)
    assert found == pytest.approx({"stem": seen["stem"], "dw": 3.0, "pw": 6.0, "fc": 3.0})
    assert thresholds(activation_clip=2.0, adder_clip=3.0)["pw"] == 2.0


def test_max_is_the_largest_magnitude_seen() -> None:
    """In one batch it is that of all the examples; adders have one bound."""
    seen = largest()
    found = thresholds(activation_clip="max", adder_clip="max")
    assert found == pytest.approx(
        {"stem": seen["stem"], "dw": seen["adder"], "pw": 6.0, "fc": seen["adder"]}, rel=1e-5
    )


@pytest.mark.parametrize("build", [FixedPrecision(), Tqt(), BayesianBits(), Edmips()])
@pytest.mark.parametrize("factor", [0.1, 30.0])
def test_after_plain_relu_max_follows_the_data(build: Build, factor: float) -> None:
    """Whatever the size of activations, where a number clips or wastes codes."""
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 6)
    with torch.no_grad():
        first.weight.mul_(factor)
    model = nn.Sequential(first, nn.ReLU(), second, nn.ReLU6(), nn.Flatten(), nn.Linear(5, 2))
    with torch.no_grad():
        greatest = float(first(IMAGES).max())
    for clip, expected in (("max", greatest), (6.0, 6.0)):
        wrapped = quantise_model(model.eval(), (IMAGES[:2],), build)
        calibrate(wrapped, SPLIT, QuantisationSettings(activation_clip=clip), 24)
        found = [
            float(wrapped.quantiser(layer, "activation").threshold_for(IMAGES).detach())
            for layer in ("0", "2", "5")
        ]
        assert found == pytest.approx([float(IMAGES.abs().max()), expected, 6.0])


def test_several_batches_give_their_moving_average() -> None:
    """With the decay 0.9, in a random but fixed order."""
    one = thresholds(8)["stem"]
    assert one == thresholds(8)["stem"]
    assert min(float(x.abs().max()) for x in IMAGES) <= one <= float(IMAGES.abs().max())


@pytest.mark.parametrize(
    ("data", "override", "expected"),
    [
        ("digits", "", False),
        ("digits", "quantisation.signed_input=true", True),
        ("small", "", True),
        ("small", "quantisation.signed_input=false", False),
        ("synthetic:gratings,count=40", "", True),
    ],
)
def test_the_input_has_a_sign_if_the_data_have(data: str, override: str, expected: bool) -> None:
    """Pixels of 0 to 16 have none; Gaussian ones have, whatever their normalisation says."""
    known = small_data() if data == "small" else load_data(data)
    assert known.normalisation.signed is (data != "small" and expected and not override)
    recipe = load_recipe("tqt_digits", [override] if override else [])
    assert signed_input(known, recipe) is expected


def test_learned_thresholds_of_weights_begin_anew() -> None:
    """At the largest magnitudes that the weights have now."""
    wrapped = quantise_model(randomise(Small()), (IMAGES[:2],), Tqt())
    with torch.no_grad():
        wrapped.weight("dw").mul_(3)
    calibrate(wrapped, SPLIT, QuantisationSettings(), 8)
    weight = wrapped.weight("dw")
    assert isinstance(weight, nn.Parameter)
    expected = weight.detach().flatten(1).abs().amax(1)
    found = wrapped.quantiser("dw", "weight").threshold_for(weight).detach()
    torch.testing.assert_close(found, expected)
