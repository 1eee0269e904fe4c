"""Conversions between layers of different precision, as costs of pairs of layers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.pairwise import PairwiseTerm
from mpsolve.profiles.targets.measured.ort.tensors import conversions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.model.problem import Problem
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.targets.measured.ort.tensors import Conversion, TensorType
    from mpsolve.profiles.targets.target import Latency


def with_conversions(
    problem: Problem,
    network: Network,
    costs: Mapping[TensorType, Mapping[Precision, Latency]],
) -> Problem:
    """A variant of a problem whose latency contains the conversions of tensors.

    Those at the ends of the network are added to the candidates of the layers there, all others
    become pairwise terms. A tensor that several readers need converted is converted once, but
    counted for each of them: the latency of the problem is never less than
    `mpsolve.profiles.targets.measured.conversions.conversion_total` adds to its layers.

    Parameters
    ----------
    problem
        With a cost ``latency`` in the unit of the costs, and the layers of the network. Budgets
        relative to a reference are best set afterwards.
    network
        The network.
    costs
        As `mpsolve.profiles.targets.measured.conversions.measure_conversions` returns them.
    """
    latency = problem.costs["latency"].astype(np.float64)
    terms = []
    for conversion in conversions(network):
        rule = partial(_cost, conversion, costs[conversion.tensor_type])
        if conversion.writer and conversion.reader:
            ends = (conversion.writer, conversion.reader)
            terms.append(PairwiseTerm.from_rule(problem, *ends, rule, "latency", "conversion"))
            continue
        layer = problem.index_of(conversion.writer or conversion.reader)
        own = slice(problem.offsets[layer], problem.offsets[layer + 1])
        latency[own] += [rule(p, p) for p in problem.candidates(layer)]
    return problem.replace(
        costs={**problem.costs, "latency": latency}, pairwise=(*problem.pairwise, *terms)
    )


def _cost(
    conversion: Conversion,
    costs: Mapping[Precision, Latency],
    writer: Precision,
    reader: Precision,
) -> float:
    to = conversion.to({conversion.writer: writer, conversion.reader: reader})
    return 0.0 if to is None else costs[to].value
