"""How well the model predicts figures that the calibration has not seen."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.pulp_calibration.figures import modelled
from bench.pulp_calibration.fit import PUBLISHED, fit
from bench.pulp_calibration.published import FIGURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.pulp_calibration.figures import Profiles
    from mpsolve.typing import FloatArray


def pair_errors(profiles: Profiles) -> FloatArray:
    """``(12, 12)`` points; row i, column j: figure i where i and j are held out together.

    Figures are held out in pairs, since two of them say almost the same: MobileNetV1 and
    MobileNetV2 at 4 bits on XpulpV2. The diagonal is not a number.
    """
    errors = np.full((len(FIGURES), len(FIGURES)), np.nan)
    for i, j in combinations(range(len(FIGURES)), 2):
        error = _errors_without(profiles, (i, j))
        errors[i, j], errors[j, i] = error[i], error[j]
    return errors


def network_errors(profiles: Profiles) -> dict[str, FloatArray]:
    """Network -> ``(6,)`` errors of its figures where only those of the other are fitted."""
    networks = np.array([figure.network for figure in FIGURES])
    own = {name: np.flatnonzero(networks == name).tolist() for name in dict.fromkeys(networks)}
    return {name: _errors_without(profiles, figures)[figures] for name, figures in own.items()}


def _errors_without(profiles: Profiles, held_out: Sequence[int]) -> FloatArray:
    used = [i for i in range(len(FIGURES)) if i not in held_out]
    found: FloatArray = modelled(profiles, fit(profiles, used).fitted.parameters) - PUBLISHED
    return found
