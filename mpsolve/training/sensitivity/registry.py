"""The metrics by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.training.sensitivity.fisher import Fisher
from mpsolve.training.sensitivity.gradient import Gradient
from mpsolve.training.sensitivity.hessian import Hessian
from mpsolve.training.sensitivity.kl import Kl
from mpsolve.training.sensitivity.linearity import Linearity
from mpsolve.training.sensitivity.loss import LossIncrease, PairedLossIncrease
from mpsolve.training.sensitivity.mse import Mse
from mpsolve.training.sensitivity.names import NAMES
from mpsolve.training.sensitivity.taylor import Taylor

if TYPE_CHECKING:
    from mpsolve.training.sensitivity.metric import Metric

_MADE = (
    *(Hessian(), Taylor(), Mse(), Kl(), Gradient(), Fisher(), Linearity()),
    *(LossIncrease(), PairedLossIncrease()),
)
#: Name -> the metric with its usual settings.
METRICS: dict[str, Metric] = dict(zip(NAMES, _MADE, strict=True))


def metric_named(name: str) -> Metric:
    """A metric by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in METRICS:
        raise InputError(f"There is no metric {name!r}; choose one of {', '.join(METRICS)}.")
    return METRICS[name]
