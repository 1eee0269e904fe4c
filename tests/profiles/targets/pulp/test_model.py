"""The model as a whole, against tables that an independent implementation wrote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import InputError, Precision
from mpsolve.profiles.networks import LayerType
from mpsolve.profiles.targets.pulp import CALIBRATED, PRIOR, Isa, Platform, layer_cycles
from mpsolve.profiles.targets.pulp.geometry import Geometry
from mpsolve.profiles.targets.pulp.l3 import pieces
from mpsolve.profiles.targets.pulp.model import cycles, layer_schedule
from mpsolve.profiles.targets.pulp.schedule import join
from mpsolve.profiles.targets.pulp.support import PRECISIONS, unsupported
from tests.profiles.targets.pulp.helpers import (
    NETWORKS,
    convolutions,
    layer_types,
    modelled_rows,
)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("isa", Isa)
def test_every_row_of_the_tables_is_reproduced(network: str, isa: Isa) -> None:
    """Twelve tables of whole model cycles, 4,221 latencies: none is off by more than rounding."""
    types, platform = layer_types(network), Platform(isa, NETWORKS[network])
    rows = modelled_rows(network)
    assert {layer for layer, _, _ in rows} == set(types)
    for layer, precision, expected in rows:
        found = layer_cycles(types[layer], precision, platform, CALIBRATED.parameters)
        assert abs(found - expected[isa]) <= 0.5, (layer, precision)


def test_the_size_of_l2_matters() -> None:
    """With the larger L2, 42 rows of MobileNetV1 0.75 differ: those whose layers are streamed."""
    network = "mobilenet_v1_0.75_224"
    types = layer_types(network)
    platform = Platform(Isa.XPULPV2, NETWORKS["mobilenet_v2_1.00_224"])
    differing = [
        abs(layer_cycles(types[layer], precision, platform, CALIBRATED.parameters) - table[isa]) > 1
        for layer, precision, table in modelled_rows(network)
        for isa in [Isa.XPULPV2]
    ]
    assert sum(differing) == 42


@settings(max_examples=60)
@given(convolutions(), st.sampled_from(PRECISIONS), st.sampled_from(Isa))
def test_what_is_stored_is_the_output(layer: LayerType, precision: Precision, isa: Isa) -> None:
    """The tiles of a piece cover its output once, and take a positive number of cycles."""
    platform = Platform(isa)
    if unsupported(layer, precision, platform):
        return
    schedule = layer_schedule(layer, precision, platform)
    streamed = pieces(Geometry.of(layer, int(precision.b_in), int(precision.b_wt)), 392_000)
    assert streamed is not None
    assert (schedule.repeats * schedule.stores.size).sum() == streamed[0].out_bytes
    assert 0 < float(cycles(schedule, PRIOR.parameters)[0]) < np.inf


def test_many_layers_and_many_parameters_at_once() -> None:
    """Joined schedules and columns of parameters give what single ones give."""
    types = list(layer_types("mobilenet_v2_1.00_224").values())[:12]
    platform = Platform(Isa.XPULPNNV1)
    schedules = [layer_schedule(t, p, platform) for t in types for p in PRECISIONS]
    logs = CALIBRATED.log_values + np.arange(-2, 3)[:, None] * 0.1
    together = cycles(join(schedules), CALIBRATED.at(logs))
    one_by_one = [[cycles(s, CALIBRATED.at(log))[0] for s in schedules] for log in logs]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "precision", "sentence"),
    [
        (LayerType("pw", 8, 8), Precision(16, 8), "compute 2, 4 and 8 bits, not 16b/8b"),
        (LayerType("conv", 8, 8, (9, 9), (9, 9), groups=2), Precision(8, 8), "have one group"),
    ],
)
def test_what_the_model_cannot_express_is_refused(
    layer: LayerType, precision: Precision, sentence: str
) -> None:
    """In the words of `unsupported`."""
    with pytest.raises(InputError, match=sentence):
        layer_cycles(layer, precision, Platform(Isa.XPULPV2), PRIOR.parameters)
