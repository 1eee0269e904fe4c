"""Everything that the command finds out, as numbers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.pulp_calibration.checks import Check, Spread, checks, l1_errors, spread
from bench.pulp_calibration.figures import modelled, profiles
from bench.pulp_calibration.fit import PUBLISHED, fit
from bench.pulp_calibration.held_out import network_errors, pair_errors
from bench.pulp_calibration.published import FIGURES
from mpsolve.profiles.targets.pulp.parameters import CALIBRATED, FREE, PRIOR, ParameterSet

if TYPE_CHECKING:
    from mpsolve.typing import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """A calibration and its examination; changes in per cent, errors in points.

    Attributes
    ----------
    fitted
        The parameters that were found just now.
    prior, calibrated
        ``(12,)`` the figures at the a-priori parameters and at those that the target uses.
    checks, prior_checks
        What the calibration does not see, at the calibrated and at the a-priori parameters.
    spread
        What the posterior leaves open.
    l1
        Bytes of L1 -> mean error; None if that was left out.
    pairs
        ``(12, 12)`` errors of figures that were held out in pairs; None likewise.
    networks
        Network -> errors of its figures where the other network alone was fitted; None likewise.
    seconds
        What it took.
    """

    fitted: ParameterSet
    prior: FloatArray
    calibrated: FloatArray
    checks: tuple[Check, ...]
    prior_checks: tuple[Check, ...]
    spread: Spread
    l1: dict[int, float] | None
    pairs: FloatArray | None
    networks: dict[str, FloatArray] | None
    seconds: float

    @property
    def errors(self) -> FloatArray:
        """``(12,)`` of the calibrated parameters."""
        return self.calibrated - PUBLISHED

    def plain(self) -> dict[str, Any]:
        """As maps, lists and numbers, for JSON."""
        figures = [
            {
                "figure": str(figure),
                "published": figure.change,
                "a_priori": self.prior[i],
                "calibrated": self.calibrated[i],
                "held_out": None if self.pairs is None else _without_nan(self.pairs[i]),
            }
            for i, figure in enumerate(FIGURES)
        ]
        parameters = {
            name: {
                "a_priori": getattr(PRIOR.parameters, name),
                "calibrated": getattr(CALIBRATED.parameters, name),
                "fitted": float(getattr(self.fitted.parameters, name)),
                "log_sd": CALIBRATED.log_sd[j],
                "log_sd_fitted": self.fitted.log_sd[j],
            }
            for j, name in enumerate(FREE)
        }
        return {
            "provenance": "modelled",
            "parameters": parameters,
            "correlation": self.fitted.correlation.tolist(),
            "figures": figures,
            "checks": {
                c.statement: {
                    "published": c.published,
                    "a_priori": before.modelled,
                    "calibrated": c.modelled,
                }
                for c, before in zip(self.checks, self.prior_checks, strict=True)
            },
            "mean_error_by_l1_bytes": self.l1,
            "networks_held_out": self.networks
            and {name: errors.tolist() for name, errors in self.networks.items()},
            "seconds": self.seconds,
        }


def examine(*, quick: bool = False) -> Results:
    """Calibrate, and examine what came out; ``quick`` leaves out what fits or tiles again."""
    began = time.perf_counter()
    ready = profiles()
    return Results(
        fitted=fit(ready).fitted,
        prior=modelled(ready, PRIOR.parameters),
        calibrated=modelled(ready, CALIBRATED.parameters),
        checks=checks(ready, CALIBRATED.parameters),
        prior_checks=checks(ready, PRIOR.parameters),
        spread=spread(ready),
        l1=None if quick else l1_errors(),
        pairs=None if quick else pair_errors(ready),
        networks=None if quick else network_errors(ready),
        seconds=time.perf_counter() - began,
    )


def _without_nan(row: FloatArray) -> list[float]:
    found: list[float] = row[~np.isnan(row)].tolist()
    return found
