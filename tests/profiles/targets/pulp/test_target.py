"""The targets: what they offer, refuse and say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings

from mpsolve import InputError, Precision, Provenance
from mpsolve.profiles.networks import LayerType
from mpsolve.profiles.targets.pulp import CALIBRATED, PULP_MODELS, Isa, Platform, PulpModel
from mpsolve.profiles.targets.pulp.model import cycles, layer_schedule
from mpsolve.profiles.targets.pulp.platform import L2_BYTES_LARGE, L2_BYTES_SMALL
from mpsolve.profiles.targets.pulp.support import PRECISIONS
from tests.profiles.targets.pulp.helpers import (
    NETWORKS,
    chain,
    convolutions,
    layer_types,
    modelled_rows,
)

if TYPE_CHECKING:
    from mpsolve.profiles.targets.target import Target

EIGHT = Precision(8, 8)
LAYER = LayerType("pw", 64, 64, (14, 14), (14, 14))


def test_three_targets_say_what_they_are() -> None:
    """Models by name, unit, provenance and description."""
    assert list(PULP_MODELS) == [
        "pulp8-xpulpv2-model",
        "pulp8-xpulpnnv1-model",
        "pulp8-xpulpnnv2-model",
    ]
    for name, model in PULP_MODELS.items():
        target: Target = model
        assert target.name == name
        assert target.unit == "model cycles"
        assert target.provenance is Provenance.MODELLED
        assert target.description.startswith("Analytic model of an 8-core PULP cluster with Xpulp")
        assert "no layer was measured" in target.source
    assert "not calibrated" in PulpModel(Isa.XPULPV2, "prior").source


@pytest.mark.parametrize("network", NETWORKS)
def test_latencies_are_those_of_the_tables(network: str) -> None:
    """The target for a network of as many layers has the L2 of its table; every row agrees."""
    types = layer_types(network)
    for model in PULP_MODELS.values():
        target = model.for_network(chain(len(types)))
        for layer, precision, expected in modelled_rows(network)[::7]:
            latency = target.latency(types[layer], precision)
            assert round(latency.value) == expected[model.isa]


def test_larger_networks_have_a_larger_l2() -> None:
    """MobileNetV1 has 28 layers and 392,000 bytes, MobileNetV2 53 and 505,360, as in Free Bits."""
    model = PulpModel(Isa.XPULPNNV1)
    assert model.for_network(chain(28)).l2 == L2_BYTES_SMALL == 392_000
    assert model.for_network(chain(53)).l2 == L2_BYTES_LARGE == 505_360
    assert PulpModel(Isa.XPULPNNV1, l2=10**6).for_network(chain(28)).l2 == 10**6
    assert model.platform.l2_bytes == L2_BYTES_SMALL


def test_deviations_agree_with_the_first_order_where_that_holds() -> None:
    """For nearly all layers of MobileNetV2, draws and error propagation agree within 20 %.

    Where some draws are bound by HyperRAM and others are not, the first order at the most probable
    parameters sees only one of the two: that is why the target draws.
    """
    target = PulpModel(Isa.XPULPNNV1, l2=L2_BYTES_LARGE)
    step = 1e-3 * CALIBRATED.log_root.T
    logs = np.concatenate([CALIBRATED.log_values + step, CALIBRATED.log_values - step])
    ratios = []
    for layer in layer_types("mobilenet_v2_1.00_224").values():
        for precision in PRECISIONS:
            schedule = layer_schedule(layer, precision, target.platform)
            ahead, behind = np.split(cycles(schedule, CALIBRATED.at(logs))[:, 0], 2)
            first_order = np.sqrt(np.sum(((ahead - behind) / 2e-3) ** 2))
            ratios.append(first_order / target.latency(layer, precision).deviation)
    within = np.abs(np.array(ratios) - 1) < 0.2
    assert within.mean() > 0.95
    assert np.median(ratios) == pytest.approx(0.94, abs=0.03)
    assert min(ratios) < 0.5


def test_a_priori_parameters_are_less_certain() -> None:
    """Their deviations are larger, and their latencies others."""
    for precision in (EIGHT, Precision(8, 4), Precision(4, 4)):
        calibrated = PulpModel(Isa.XPULPNNV1).latency(LAYER, precision)
        prior = PulpModel(Isa.XPULPNNV1, "prior").latency(LAYER, precision)
        assert calibrated.value != prior.value
        assert calibrated.deviation is not None
        assert prior.deviation is not None
        assert 0 < calibrated.deviation < prior.deviation


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (LayerType("conv", 8, 8, (9, 9), (9, 9), groups=2), "depthwise or have one group"),
        (
            LayerType("dw", 8, 16, (9, 9), (9, 9), (3, 3), (1, 1), (1, 1), groups=8),
            "one output channel per input channel",
        ),
        (
            LayerType("conv", 8, 8, (9, 9), (9, 9), (3, 3), (1, 1), (2, 2), (2, 2)),
            "not dilated",
        ),
        (
            LayerType("conv", 8, 8, (9, 9), (9, 9), (1, 3), (1, 1), (0, 1)),
            "the same in height and width",
        ),
        (LayerType("conv", 8, 8, (9, 9), (9, 5), (3, 3), (1, 2), (1, 1)), "the same in height"),
        (LayerType("pw", 8, 8, (1, 100), (1, 100)), "one dimension are computed by other kernels"),
        (LayerType("linear", 8, 8, (1, 16), (1, 16)), "takes one vector"),
        (
            LayerType("conv", 8, 8, (9, 9), (11, 11), (1, 1), (1, 1), (1, 1)),
            "does not follow from its windows",
        ),
        (
            LayerType("conv", 512, 512, (7, 7), (7, 7), (3, 3), (1, 1), (1, 1)),
            "No tile of conv-512-512-7x7-k3-p1 at 8b/8b fits into 35,000 bytes of L1",
        ),
        (
            LayerType("conv", 512, 512, (56, 56), (56, 56), (3, 3), (1, 1), (1, 1)),
            "so that two pieces fit into 392,000 bytes of L2",
        ),
    ],
)
def test_what_cannot_be_executed_is_not_offered(layer: LayerType, reason: str) -> None:
    """No precision, one sentence why, and the same sentence for who asks for a latency."""
    for model in PULP_MODELS.values():
        assert model.precisions(layer) == ()
        sentence = model.unsupported(layer)
        assert sentence is not None
        assert reason in sentence
        assert sentence.endswith(".")
        with pytest.raises(InputError) as caught:
            model.latency(layer, EIGHT)
        assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "layer",
    [
        LAYER,
        LayerType("pw", 64, 10),
        LayerType("conv", 3, 16, (48, 64), (24, 32), (5, 5), (2, 2), (2, 2)),
        LayerType("conv", 3, 16, (32, 32), (30, 30), (3, 3)),
        LayerType("conv", 3, 16, (224, 224), (112, 112), (3, 3), (2, 2), (0, 0)),
        LayerType("dw", 20, 20, (49, 10), (25, 5), (3, 3), (2, 2), (1, 1), groups=20),
        LayerType("pw", 64, 64, (100, 1), (100, 1)),
        LayerType("linear", 256, 10),
    ],
    ids=str,
)
def test_usual_layers_are_offered_in_nine_precisions(layer: LayerType) -> None:
    """Other sizes, kernels, strides and paddings than those of the calibration."""
    for model in PULP_MODELS.values():
        assert model.unsupported(layer) is None
        assert model.precisions(layer) == PRECISIONS
        for precision in PRECISIONS:
            latency = model.latency(layer, precision)
            assert latency.deviation is not None
            assert 0 < latency.deviation < latency.value


def test_a_layer_may_fit_in_narrow_precisions_alone() -> None:
    """Of 10,000 inputs and the weights of one output, L1 holds two copies of 2 bits, not of 8."""
    layer = LayerType("linear", 10_000, 8)
    model = PulpModel(Isa.XPULPNNV2)
    assert Precision(2, 2) in model.precisions(layer)
    assert EIGHT not in model.precisions(layer)
    assert model.unsupported(layer) is None


@settings(max_examples=40)
@given(convolutions())
def test_what_is_offered_has_a_latency(layer: LayerType) -> None:
    """And what is not offered is refused."""
    model = PulpModel(Isa.XPULPNNV1)
    offered = model.precisions(layer)
    assert bool(offered) == (model.unsupported(layer) is None)
    for precision in PRECISIONS:
        if precision in offered:
            assert model.latency(layer, precision).value > 0
        else:
            with pytest.raises(InputError):
                model.latency(layer, precision)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("xpulpv3",), "no platform 'xpulpv3'; there are xpulpv2, xpulpnnv1, xpulpnnv2"),
        (("xpulpv2", "guessed"), "no parameters 'guessed'; there are calibrated, prior"),
        (("xpulpv2", "prior", 0), "positive number of bytes, not 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: tuple[Any, ...], sentence: str) -> None:
    """In one sentence that lists what there is."""
    with pytest.raises(InputError, match=sentence):
        PulpModel(*arguments)


def test_a_platform_may_be_named_by_its_text() -> None:
    """The enumeration is text."""
    named: Any = "xpulpv2"
    assert PulpModel(named) == PULP_MODELS["pulp8-xpulpv2-model"]
    assert Platform(Isa.XPULPV2).l1_bytes == 35_000
