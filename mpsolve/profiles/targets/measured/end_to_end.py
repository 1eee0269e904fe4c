"""Whole networks against the sums of their layers.

A latency table assumes that a network takes as long as its layers one after the other (Free Bits,
section 3.2). Here the network is built at some configurations, run, and compared with the sum of
its layers, and with that of its layers and conversions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import InputError, UnsupportedError
from mpsolve.model.configuration import Configuration
from mpsolve.profiles.targets.measured.conversions import conversion_total
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8
from mpsolve.profiles.targets.measured.ort.kernels import FLOAT_KERNELS, INT8_KERNELS, kernels
from mpsolve.profiles.targets.measured.ort.model import network_model
from mpsolve.profiles.targets.measured.ort.runtime import bound, optimised, random_inputs, session
from mpsolve.profiles.targets.measured.protocol import Summary, by_clock, interleaved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.profiles.targets.measured.cpu import CpuTarget
    from mpsolve.profiles.targets.measured.ort.runtime import Call
    from mpsolve.profiles.targets.measured.ort.tensors import TensorType
    from mpsolve.profiles.targets.target import Latency
    from mpsolve.typing import FloatArray

#: Runs of a network for each round of its layers.
RUNS = 5
#: Runs of the same network before one that counts.
BEFORE = 5


@dataclass(frozen=True, slots=True)
class Additivity:
    """One configuration: what its network takes, and what the parts add up to.

    Attributes
    ----------
    name
        Of the configuration.
    layers_us, conversions_us
        The sums over its layers and over the tensors that it converts, in microseconds.
    measured
        The whole network, in microseconds.
    """

    name: str
    layers_us: float
    conversions_us: float
    measured: Summary

    @property
    def predicted_us(self) -> float:
        """Layers and conversions."""
        return self.layers_us + self.conversions_us

    @property
    def ratio(self) -> float:
        """The whole network over the sum of its parts: 1 if latencies add up.

        Infinite where no part takes longer than an empty call.
        """
        return self.measured.median / self.predicted_us if self.predicted_us else float("inf")

    @property
    def error(self) -> float:
        """How far the prediction is off, as a part of the measurement: negative if too low."""
        return self.predicted_us / self.measured.median - 1

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "configuration": self.name,
            "layers_us": self.layers_us,
            "conversions_us": self.conversions_us,
            "measured_us": self.measured.median,
            "measured_us_std": self.measured.error,
            "ratio": self.ratio,
        }


def additivity(
    network: Network,
    table: LatencyTable,
    costs: Mapping[TensorType, Mapping[Precision, Latency]],
    configurations: Mapping[str, Mapping[str, Precision]],
    target: CpuTarget,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Additivity, ...]:
    """Measure a network at several configurations and compare it with the sum of its parts.

    Parameters
    ----------
    network
        The network.
    table
        The latencies of its layers, in microseconds.
    costs
        Those of conversions, as `measure_conversions` returns them.
    configurations
        Name -> layer -> precision.
    target
        Whose options hold.
    progress
        Called after every pass over all configurations.
    """
    measured = measure_networks(network, configurations, target, progress)
    return tuple(
        Additivity(
            name,
            layer_total(table, configuration),
            conversion_total(network, costs, configuration),
            measured[name],
        )
        for name, configuration in configurations.items()
    )


def measure_networks(
    network: Network,
    configurations: Mapping[str, Mapping[str, Precision]],
    target: CpuTarget,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Summary]:
    """Microseconds of a whole network at each of several configurations, measured in turn.

    Every sample is a single run: a run of milliseconds that is not interrupted is the rule even on
    a busy machine, several in a row are not.

    Raises
    ------
    UnsupportedError
        If ONNX Runtime does not run a layer in its precision.
    """
    passes: dict[str, list[FloatArray]] = {name: [] for name in configurations}
    timing = replace(target.timing, rounds=RUNS * target.timing.rounds, sample_us=0)
    for number in range(timing.passes):
        calls = {
            name: network_call(network, configuration, target.threads)
            for name, configuration in configurations.items()
        }
        for name, samples in interleaved(calls, timing, after_itself).items():
            passes[name].append(samples)
        if progress:
            progress(network.name, number + 1, timing.passes)
    return {name: Summary.of(np.array(own)) for name, own in passes.items()}


def after_itself(call: Callable[[], object], runs: int) -> float:
    """As `by_clock`, after some runs that do not count, as in a series of inferences.

    On the processor of docs/cpu_table.md the first run after other networks took 1.07 (float32) to
    1.2 times (int8) as long as the sixth.
    """
    for _ in range(BEFORE):
        call()
    return by_clock(call, runs)


def network_call(
    network: Network, configuration: Mapping[str, Precision], threads: int = 1
) -> Call:
    """A call of a whole network, with inputs and outputs in float32.

    Raises
    ------
    UnsupportedError
        If ONNX Runtime does not run a layer in its precision.
    """
    best = optimised(network_model(network, configuration), threads)
    if (found := running(kernels(best))) != (asked := asked_for(network, configuration)):
        raise UnsupportedError(
            f"{network.name}: ONNX Runtime runs {_listed(found)} instead of {_listed(asked)}."
        )
    run = session(best.SerializeToString(), threads, optimise=False)
    return bound(run, random_inputs(run))


def running(operators: list[str]) -> Counter[str]:
    """How many layers run in which kind of kernel."""
    kinds = {**dict.fromkeys(FLOAT_KERNELS, "float32"), **dict.fromkeys(INT8_KERNELS, "int8")}
    kinds["MatMulNBits"] = "weight-only"
    return Counter(kinds[operator] for operator in operators if operator in kinds)


def asked_for(network: Network, configuration: Mapping[str, Precision]) -> Counter[str]:
    """How many layers of a configuration want which kind of kernel."""
    kinds = {FLOAT: "float32", INT8: "int8"}
    nodes = (node for node in network.nodes if node.layer_type is not None)
    return Counter(kinds.get(configuration[node.layer], "weight-only") for node in nodes)


def layer_total(table: LatencyTable, configuration: Mapping[str, Precision]) -> float:
    """The sum of the latencies of a table's layers at a configuration."""
    total = 0.0
    for i, layer in enumerate(table.layers):
        first, last = table.offsets[i : i + 2]
        own = table.precisions[first:last]
        if configuration[layer] not in own:
            raise InputError(f"{table.source} has no {configuration[layer]} for layer {layer}.")
        total += table.columns["latency"][first + own.index(configuration[layer])]
    return float(total)


def random_configurations(
    table: LatencyTable, count: int, seed: int = 0
) -> dict[str, Configuration]:
    """Configurations whose layers draw one of float32 and int8, from mostly the one to the other.

    Parameters
    ----------
    table
        Whose layers have both.
    count
        How many.
    seed
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = {}
    for i in range(count):
        share = (i + 1) / (count + 1)
        int8 = rng.random(len(table.layers)) < share
        drawn[f"random {i + 1}"] = Configuration(
            {layer: INT8 if q else FLOAT for layer, q in zip(table.layers, int8, strict=True)}
        )
    return drawn


def usual_configurations(table: LatencyTable, mixed: int = 2) -> dict[str, Configuration]:
    """Float32 and int8 everywhere, as far as all layers have them, and some of both."""
    offered = [
        table.precisions[first:last]
        for first, last in zip(table.offsets[:-1], table.offsets[1:], strict=True)
    ]
    everywhere = {
        name: Configuration(dict.fromkeys(table.layers, precision))
        for name, precision in (("float32", FLOAT), ("int8", INT8))
        if all(precision in own for own in offered)
    }
    drawn = random_configurations(table, mixed) if len(everywhere) == 2 else {}
    return everywhere | drawn


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
