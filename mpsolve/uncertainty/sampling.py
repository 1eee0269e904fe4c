"""Tables as they might have been measured: numbers drawn around those that a problem states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import FloatArray

#: How errors are distributed; see `resampled`.
Noise = Literal["normal", "log-normal", "shared"]
NOISES: tuple[Noise, ...] = get_args(Noise)


def resampled(problem: Problem, seed: int, sample: int, noise: Noise = "normal") -> Problem:
    """A problem with other numbers where it has standard deviations; its limits are unchanged.

    Parameters
    ----------
    problem
        The problem; its numbers are taken for the means.
    seed, sample
        Non-negative integers that fix the draw; samples of one seed are independent.
    noise
        ``"normal"``: every number has a normal error of its own; a cost that is not negative is
        drawn from the part of the distribution that is not negative either. ``"log-normal"``:
        every number has a positive factor of its own, with the mean and the standard deviation
        stated. ``"shared"``: all numbers of one cost, or of the loss, are off by the same normal
        number of their standard deviations, as by a clock that runs fast; costs end at 0.

    Raises
    ------
    InputError
        If nothing deviates, or a number without a logarithm does under ``"log-normal"``.
    """
    if noise not in NOISES:
        raise InputError(f"noise is one of {', '.join(NOISES)}, not {noise!r}.")
    if not problem.deviations:
        raise InputError(
            "Nothing deviates: add columns such as latency_std to the table, or state standard "
            "deviations with Problem.with_deviations."
        )
    rng = np.random.default_rng([seed, sample])
    costs, loss = dict(problem.costs), problem.loss
    for name, deviation in problem.deviations.items():
        mean = (loss if name == "loss" else costs[name]).astype(np.float64)
        if noise == "log-normal":
            drawn = _log_normal(problem, name, rng, mean, deviation)
        else:
            drawn = _normal(rng, mean, deviation, name != "loss", noise == "shared")
        if name == "loss":
            loss = drawn
        else:
            costs[name] = drawn
    return problem.replace(loss=loss, costs=costs, deviations={})


def _normal(
    rng: np.random.Generator,
    mean: FloatArray,
    deviation: FloatArray,
    truncated: bool,
    shared: bool,
) -> FloatArray:
    floor = np.where(mean >= 0, 0.0, -np.inf) if truncated else np.full(len(mean), -np.inf)
    if shared:
        return np.maximum(mean + deviation * rng.standard_normal(), floor)
    drawn = rng.normal(mean, deviation)
    while len(below := np.flatnonzero(drawn < floor)):  # at most half of those drawn again
        drawn[below] = rng.normal(mean[below], deviation[below])
    return drawn


def _log_normal(
    problem: Problem,
    name: str,
    rng: np.random.Generator,
    mean: FloatArray,
    deviation: FloatArray,
) -> FloatArray:
    wrong = (mean <= 0) & (deviation > 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        layer = problem.layers[problem.layer_index[row]]
        raise InputError(
            f"{name} of layer {layer} at {problem.precisions[row]} is {mean[row]:g}, which no "
            "log-normal number can be; use another kind of noise."
        )
    positive = np.where(mean > 0, mean, 1.0)
    variance = np.log1p((deviation / positive) ** 2)
    factor = np.exp(rng.normal(-variance / 2, np.sqrt(variance)))
    return np.where(deviation > 0, mean * factor, mean)
