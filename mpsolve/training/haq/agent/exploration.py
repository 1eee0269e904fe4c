"""Exploration: actions from a normal distribution that is cut off at 0 and 1."""

from __future__ import annotations

from statistics import NormalDist
from sys import float_info
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpsolve.training.haq.settings import AgentSettings


def truncated_normal(mean: float, sigma: float, u: float) -> float:
    """The quantile ``u`` of a normal distribution that is truncated to [0, 1].

    A uniform ``u`` gives a draw.

    Parameters
    ----------
    mean
        From 0 to 1, so that no draw comes from a tail alone.
    sigma
        The standard deviation before truncation, greater than 0.
    u
        From 0 to 1.

    Examples
    --------
    >>> truncated_normal(0.5, 0.1, 0.5)
    0.5
    """
    normal = NormalDist(mean, sigma)
    low, high = normal.cdf(0.0), normal.cdf(1.0)
    inner = min(max(low + u * (high - low), float_info.min), 1 - float_info.epsilon / 2)
    return min(max(normal.inv_cdf(inner), 0.0), 1.0)


def sigma(settings: AgentSettings, episode: int) -> float:
    """The standard deviation so many episodes after the warm-up."""
    return max(settings.sigma * settings.decay**episode, float_info.epsilon)
