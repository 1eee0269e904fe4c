"""Random instances with seeds, of the shapes that occur in practice, and the hard classic ones.

All costs are integers, as cycles and bits are; all numbers are synthetic.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.problem import Problem

if TYPE_CHECKING:
    from mpsolve.typing import FloatArray

#: Parameters of the projections of a transformer of 8e9 parameters.
MATRICES = (4096 * 4096, 4096 * 1024, 4096 * 14336)
#: The classes of Pisinger (1995).
CLASSES = ("uncorrelated", "weakly", "strongly", "subset-sum")


def cnn(
    layers: int,
    seed: int,
    bits_in: tuple[int, ...] = (2, 4, 8),
    bits_wt: tuple[int, ...] = (2, 4, 8),
) -> Problem:
    """Layers of a convolutional network on a processor with SIMD for narrow operands.

    A layer computes for a time that the wider of its operands decides and loads weights and
    activations for one that their widths decide; both scatter, so that a lower precision is
    sometimes slower. Its loss is the noise power of both operands, scattered as sensitivities are.
    """
    rng = np.random.default_rng([seed, layers, len(bits_in), len(bits_wt)])
    pairs = np.array(list(product(bits_in, bits_wt)), float)
    b_in, b_wt = pairs.T
    macs, weights, inputs = np.exp(rng.normal(0.0, 1.0, (3, layers, 1)))
    seconds = macs * (0.25 + 0.75 * pairs.max(1) / 8) + 0.09 * weights * b_wt + 0.01 * inputs * b_in
    scatter = 1 + 0.05 * rng.standard_normal(seconds.shape)
    sensitivity = np.exp(rng.normal(0.0, 1.0, (2, layers, 1)))
    noise = sensitivity[0] * 4.0**-b_in + sensitivity[1] * 4.0**-b_wt
    return _problem(
        f"cnn {layers}x{len(pairs)}",
        noise * np.exp(0.15 * rng.standard_normal(noise.shape)),
        1e6 * seconds * np.maximum(scatter, 0.5),
        [f"{int(a)}b/{int(b)}b" for a, b in pairs],
    )


def llm(layers: int, candidates: int, seed: int, *, timed: bool = True) -> Problem:
    """Projections of a language model with weight-only formats between 2 and 16 bits.

    The cost is a time that grows with the size of the weights and scatters or, if not ``timed``,
    that size itself: then matrices of one shape cost exactly the same.
    """
    rng = np.random.default_rng([seed, layers, candidates, timed])
    bits = np.linspace(2, 16, candidates)
    size = rng.choice(MATRICES, (layers, 1)) * bits
    sensitivity = np.exp(rng.normal(0.0, 1.2, (layers, 1)))
    loss = sensitivity * 2.0 ** (-1.2 * bits)
    return _problem(
        f"llm {layers}x{candidates}",
        loss * np.exp(0.1 * rng.standard_normal(loss.shape)),
        size * (1 + 0.05 * rng.random(loss.shape)) if timed else size,
        [f"16b/{b:g}b" for b in bits],
    )


def pisinger(kind: str, groups: int, candidates: int, limit: int, seed: int) -> Problem:
    """A class of Pisinger (1995), "A minimal algorithm for the multiple-choice knapsack problem".

    European Journal of Operational Research 83(2). Profits p become losses
    ``max(p) - p``.

    Parameters
    ----------
    kind
        One of `CLASSES`.
    groups, candidates
        The size.
    limit
        R, up to which the weights are drawn.
    seed
        Of the random numbers.
    """
    rng = np.random.default_rng([seed, groups, candidates, limit, CLASSES.index(kind)])
    shape = (groups, candidates)
    weights = rng.integers(1, limit + 1, shape)
    if kind == "uncorrelated":
        profits = rng.integers(1, limit + 1, shape)
    elif kind == "weakly":
        profits = np.maximum(weights + rng.integers(-10, 11, shape), 1)
    elif kind == "strongly":
        steps = np.sort(rng.integers(1, 2 * limit // candidates + 1, shape), axis=1)
        weights, profits = np.cumsum(steps, 1), np.cumsum(steps + 10, 1)
    else:
        profits = weights
    losses = profits.max() - profits
    return Problem.from_arrays(losses, {"cost": weights}, source=f"{kind} {groups}x{candidates}")


def scaled(problem: Problem, loss: float = 1.0, cost: float = 1.0) -> Problem:
    """The same problem in other units, which changes nothing but the size of the numbers."""
    return problem.replace(
        loss=problem.loss * loss,
        costs={name: values * cost for name, values in problem.costs.items()},
    )


def _problem(source: str, loss: FloatArray, cost: FloatArray, precisions: list[str]) -> Problem:
    costs = {"latency": np.rint(cost).astype(np.int64)}
    return Problem.from_arrays(loss, costs, precisions=precisions, source=source)
