"""Precisions and modes of a wrapped model."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.training import (
    BayesianBits,
    FixedPrecision,
    Mode,
    Quantiser,
    Tqt,
    quantise_model,
)
from tests.training.wrapping.models import MODELS, Inverted, Shared, images, randomise

KIND, X = MODELS["in place"]
MODEL = randomise(KIND())
FIXED = quantise_model(MODEL, (X,), FixedPrecision())
LEARNED = quantise_model(MODEL, (X,), Tqt())
SEARCHED = quantise_model(MODEL, (X,), BayesianBits())

#: Layers that read one tensor have one b_in; images and adders keep 8 bits.
BITS = st.integers(2, 8)
CONFIGURATIONS = st.builds(
    lambda shared, conv2, weights: Configuration(
        dict(
            zip(
                ("stem", "conv1", "conv2", "downsample.0", "fc"),
                map(Precision, (8, shared, conv2, shared, 8), weights),
                strict=True,
            )
        )
    ),
    BITS,
    BITS,
    st.lists(BITS, min_size=5, max_size=5),
)


@settings(max_examples=10, deadline=None)
@given(CONFIGURATIONS)
def test_configurations_are_applied_and_read_back(configuration: Configuration) -> None:
    """A model built for a configuration computes what one computes that got it later."""
    for model in (FIXED, LEARNED):
        model.apply_configuration(configuration)
        assert model.configuration == configuration
    built = quantise_model(MODEL, (X,), FixedPrecision(configuration))
    assert built.configuration == configuration
    with torch.no_grad():
        assert torch.equal(built(X.clone()), FIXED(X.clone()))


ALL = dict.fromkeys(("stem", "conv1", "conv2", "downsample.0", "fc"), Precision(8, 8))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"conv1": Precision(4, 8)}, "conv1 and downsample.0 read activations of one quantiser"),
        ({"stem": Precision(4, 8)}, "stem reads x, which has at least 8 bits"),
        ({"fc": Precision(4, 8)}, "fc reads conv2, which has at least 8 bits"),
        ({"fc": Precision(8, 4.5)}, "fc: b_wt must be a whole number of bits, not 4.5"),
        ({"fc": Precision(8, 1)}, "A signed grid has 2 to 16 bits, not 1"),
        ({"other": Precision(8, 8)}, "has no layer 'other'"),
    ],
)
def test_impossible_configurations(changed: dict[str, Precision], message: str) -> None:
    """One sentence names the layers, and nothing has been changed."""
    for model in (FIXED, LEARNED):
        model.apply_configuration(ALL)
        with pytest.raises(InputError, match=message):
            model.apply_configuration({"conv2": Precision(4, 4), **(ALL | changed)})
        assert model.configuration == ALL
    if "other" not in changed:
        with pytest.raises(InputError, match=message):
            quantise_model(MODEL, (X,), Tqt(ALL | changed))


def test_incomplete_configurations() -> None:
    """A layer without a precision is named."""
    incomplete = {name: precision for name, precision in ALL.items() if name != "conv2"}
    with pytest.raises(InputError, match="says nothing about layer conv2"):
        FIXED.apply_configuration(incomplete)
    with pytest.raises(InputError, match="says nothing about layer conv2"):
        quantise_model(MODEL, (X,), FixedPrecision(incomplete))


def test_precisions_that_are_searched() -> None:
    """They are read from the gates, and cannot be set."""
    assert SEARCHED.configuration == ALL
    assert all(isinstance(p, Precision) for p in SEARCHED.configuration.values())
    with pytest.raises(InputError, match=r"precision of .* is searched"):
        SEARCHED.apply_configuration(ALL)
    with pytest.raises(InputError, match="precision of conv1 is searched"):
        SEARCHED.quantise_only("conv1", "weight", 4).__enter__()


@pytest.mark.parametrize("operand", ["activation", "weight"])
def test_one_operand_at_a_time(operand: str) -> None:
    """All other quantisers hand their inputs on; modes and bits are as before in the end."""
    model = quantise_model(MODEL, (X,), FixedPrecision())
    model.observe([X])
    model.weight_quantisers["fc"].mode = Mode.FLOAT
    modes = [m.mode for m in model.modules() if isinstance(m, Quantiser)]
    chosen = model.quantiser("conv2", operand)  # type: ignore[arg-type]
    with model.quantise_only("conv2", operand, 3):  # type: ignore[arg-type]
        active = [
            m for m in model.modules() if isinstance(m, Quantiser) and m.mode is Mode.QUANTISE
        ]
        assert active == [chosen]
        assert chosen.grid.bits == 3
        ours = model(X.clone())

    other = copy.deepcopy(MODEL)
    conv = other.get_submodule("conv2")
    if operand == "weight":
        with torch.no_grad():
            weight = conv.get_parameter("weight")
            scale = weight.abs().flatten(1).amax(1).reshape(-1, 1, 1, 1) / 4
            weight.copy_((weight / scale).round().clamp(-4, 3) * scale)
    else:

        def to_three_bits(module: nn.Module, inputs: tuple[Tensor]) -> Tensor:
            scale = inputs[0].max() / 7
            return (inputs[0] / scale).round() * scale

        conv.register_forward_pre_hook(to_three_bits)
    expected = other(X.clone())
    torch.testing.assert_close(ours, expected)
    assert modes == [m.mode for m in model.modules() if isinstance(m, Quantiser)]
    assert model.configuration == ALL


def test_bad_names_and_bits() -> None:
    """Unknown layers, operands and bit-widths leave the model as it was."""
    for layer, operand, bits, message in (
        ("conv9", "weight", 4, "no layer 'conv9'"),
        ("conv1", "bias", 4, "An operand is activation or weight, not 'bias'"),
        ("conv1", "weight", 40, "grid has 2 to 16 bits"),
    ):
        with (
            pytest.raises(InputError, match=message),
            FIXED.quantise_only(layer, operand, bits),  # type: ignore[arg-type]
        ):
            pass
    assert {m.mode for m in FIXED.modules() if isinstance(m, Quantiser)} == {Mode.QUANTISE}


def test_shared_and_dotted_names() -> None:
    """Quantisers are found by the names of layers and groups, whatever these contain."""
    shared = quantise_model(Shared(), (torch.ones(1, 6),), FixedPrecision())
    assert list(shared.weight_quantisers) == ["first", "fc", "last"]
    assert list(shared.activation_quantisers) == ["x", "first", "fc#2"]
    dotted = quantise_model(Inverted(), (images(),), FixedPrecision())
    assert dotted.group_of("head").name == "layers.0.6"
    assert dotted.weights["layers.1.3"] == "layers.1.3.weight"
    assert "quantisers.activations/layers/0/6.threshold" in dotted.state_dict()


def test_devices() -> None:
    """Everything moves, the thresholds in the making among it."""
    moved = quantise_model(MODEL, (X,), Tqt()).to("meta")
    assert {tensor.device.type for tensor in (*moved.parameters(), *moved.buffers())} == {"meta"}
