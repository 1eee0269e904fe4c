"""The most probable parameters given published figures, and how far they are known.

The figures are taken to deviate from the model by independent normal errors of `FIGURE_SD` points,
and the logarithms of the free parameters from their a-priori values by normal errors of
`PRIOR_LOG_SD`. The maximum of the posterior is then a nonlinear least-squares problem, solved by
SciPy; the posterior covariance is that of the problem linearised there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.pulp_calibration.figures import modelled
from bench.pulp_calibration.published import FIGURES
from mpsolve.profiles.targets.pulp.parameters import FREE, PRIOR, ParameterSet
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.pulp_calibration.figures import Profiles
    from mpsolve.typing import FloatArray

#: Percentage points that a figure may miss: rounding, other versions, and what is not modelled.
FIGURE_SD = 3.0
#: Of logarithms, for derivatives by central differences.
STEP = 1e-4

PUBLISHED = np.array([figure.change for figure in FIGURES])


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The result of a calibration.

    Attributes
    ----------
    fitted
        The parameters with their posterior.
    misfit
        Half the sum of squares at the optimum: the negative logarithm of the posterior.
    """

    fitted: ParameterSet
    misfit: float


def fit(profiles: Profiles, used: Sequence[int] = tuple(range(len(FIGURES)))) -> Fit:
    """Calibrate on some of the figures.

    Parameters
    ----------
    profiles
        What the figures are computed from.
    used
        Indices of the figures that the calibration may see.
    """
    require("scipy", "bench", "The calibration")
    from scipy.optimize import least_squares

    figures = np.array(used)

    def residuals(log_values: FloatArray) -> FloatArray:
        """``(..., F + 6)`` of ``(..., 6)``."""
        changes = modelled(profiles, PRIOR.at(log_values))[..., figures]
        misses = (changes - PUBLISHED[figures]) / FIGURE_SD
        return np.concatenate([misses, (log_values - PRIOR.log_values) / PRIOR.log_sd], -1)

    def jacobian(log_values: FloatArray) -> FloatArray:
        """``(F + 6, 6)``."""
        steps = STEP * np.eye(len(FREE))
        both = residuals(np.concatenate([log_values + steps, log_values - steps]))
        ahead, behind = np.split(both, 2)
        return (ahead - behind).T / (2 * STEP)

    found = least_squares(residuals, PRIOR.log_values, jacobian, method="lm", xtol=1e-12)
    slopes = jacobian(found.x)
    covariance = np.linalg.inv(slopes.T @ slopes)
    log_sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(log_sd, log_sd)
    fitted = ParameterSet("fitted", PRIOR.at(found.x), log_sd, correlation)
    return Fit(fitted, float(found.cost))
