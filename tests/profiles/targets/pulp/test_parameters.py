"""The parameters and their distributions."""

from __future__ import annotations

import numpy as np
import pytest

from mpsolve.profiles.targets.pulp import CALIBRATED, PRIOR
from mpsolve.profiles.targets.pulp.parameters import FREE, ParameterSet


def test_six_parameters_are_free() -> None:
    """The calibration changed these and nothing else."""
    assert FREE == (
        "widen_registers",
        "widen_memory",
        "requantise",
        "depthwise_output",
        "l3_bandwidth",
        "tile",
    )
    changed = [
        name
        for name in PRIOR.parameters.__slots__
        if getattr(PRIOR.parameters, name) != getattr(CALIBRATED.parameters, name)
    ]
    assert changed == list(FREE)


@pytest.mark.parametrize("chosen", [PRIOR, CALIBRATED], ids=lambda chosen: chosen.name)
def test_draws_have_the_stated_distribution(chosen: ParameterSet) -> None:
    """Logarithms with these means, standard deviations and correlations; one seed, one result."""
    draws = chosen.draws(20_000, 1)
    logs = np.log([getattr(draws, name)[:, 0] for name in FREE])
    np.testing.assert_allclose(logs.mean(1), chosen.log_values, atol=0.02)
    np.testing.assert_allclose(logs.std(1), chosen.log_sd, rtol=0.02)
    np.testing.assert_allclose(np.corrcoef(logs), chosen.correlation, atol=0.02)
    np.testing.assert_array_equal(chosen.draws(5, 2).tile, chosen.draws(5, 2).tile)
    assert draws.group == chosen.parameters.group


def test_the_calibrated_values_are_those_of_the_calibration() -> None:
    """To four digits; `tests/bench/test_pulp_calibration.py` fits them again."""
    expected = (0.6261, 1.632, 12.13, 18.38, 0.8512, 811.3)
    np.testing.assert_allclose(np.exp(CALIBRATED.log_values), expected, rtol=5e-4)
