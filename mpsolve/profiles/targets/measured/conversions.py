"""What it costs that neighbouring layers differ in precision.

Between an int8 layer and a float layer a tensor is dequantised, or quantised, and brought into the
memory layout of the reader. That is no part of either layer, so it is measured apart;
`mpsolve.building.conversions` adds it to a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.profiles.targets.measured.measure_all import measure_all
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8
from mpsolve.profiles.targets.measured.ort.runtime import empty_call
from mpsolve.profiles.targets.measured.ort.tensors import conversion_call, conversions, needed
from mpsolve.profiles.targets.measured.protocol import interleaved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.targets.measured.cpu import CpuTarget
    from mpsolve.profiles.targets.measured.measure_all import Progress
    from mpsolve.profiles.targets.measured.ort.tensors import TensorType
    from mpsolve.profiles.targets.target import Latency
    from mpsolve.typing import FloatArray


class Converter:
    """Takes samples of conversions, as `CpuTarget` takes them of layers."""

    def __init__(self, target: CpuTarget) -> None:
        self._threads = target.threads
        self.record = target.record
        self.timing = target.timing

    def precisions(self, tensor_type: TensorType) -> tuple[Precision, ...]:
        """To float32 and to int8."""
        return (FLOAT, INT8)

    def samples(
        self, tensor_type: TensorType, precisions: Iterable[Precision]
    ) -> dict[Precision, FloatArray]:
        """One pass: ``(rounds,)`` microseconds of converting a tensor into each precision."""
        wanted = tuple(precisions)
        calls: dict[Precision | None, Callable[[], object]] = {None: empty_call(self._threads)}
        calls |= {p: conversion_call(tensor_type, p, self._threads) for p in wanted}
        samples = interleaved(calls, self.timing)
        return {p: np.maximum(samples[p] - samples[None], 0.0) for p in wanted}


def measure_conversions(
    target: CpuTarget,
    network: Network,
    store: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> dict[TensorType, dict[Precision, Latency]]:
    """The cost of converting every tensor of a network that may have to be.

    Parameters
    ----------
    target
        Whose options hold, and into whose store the samples may go.
    network
        The network.
    store, progress
        As for `MeasuredTarget.measure_all`.
    """
    types = dict.fromkeys(conversion.tensor_type for conversion in conversions(network))
    return measure_all(Converter(target), types, store, progress)


def conversion_total(
    network: Network,
    costs: Mapping[TensorType, Mapping[Precision, Latency]],
    configuration: Mapping[str, Precision],
) -> float:
    """Microseconds that a configuration spends on conversions."""
    converted = needed(conversions(network), configuration)
    return sum(costs[tensor_type][to].value for (_, to), tensor_type in converted.items())
