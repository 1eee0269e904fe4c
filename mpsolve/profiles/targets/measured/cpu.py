"""The processor of this machine, measured through ONNX Runtime."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.profiles.targets.measured.layer_sampler import LayerSampler
from mpsolve.profiles.targets.measured.ort.formats import candidates
from mpsolve.profiles.targets.measured.ort.offered import why_not
from mpsolve.profiles.targets.measured.ort.runtime import empty_call
from mpsolve.profiles.targets.measured.ort.train import train
from mpsolve.profiles.targets.measured.protocol import Timing, interleaved
from mpsolve.profiles.targets.measured.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.typing import FloatArray


class CpuTarget(LayerSampler):
    """The processor that runs this, as a `MeasuredTarget`.

    A layer type is offered in float32, in int8 (8b/8b) and, if it is linear, with weights of 4 and
    8 bits (`formats`), each only where the optimised model shows that the kernel of that precision
    runs; `refusals` tells the others. The latency is that of the kernel: a call of the runtime
    less an empty call, on one image or sequence, in the kernel's own memory layout. An int8 layer
    writes 8-bit outputs whatever reads them, and what it takes to convert tensors between layers
    of different precision is measured apart (`conversions`).

    Parameters
    ----------
    threads
        Of one operator.
    weights_mib
        A layer is run as often in a row, each time with other weights, as it takes to read so many
        MiB of weights, at most `train.COPIES` times. So its weights come from where they lie
        during an inference, which is rarely the fastest cache, while its input and output are as
        near as if a neighbour had just used them. 0 runs one copy again and again.
    passes, rounds, sample_us
        See `Timing`.

    Raises
    ------
    InputError
        If an option makes no sense.
    """

    name = "cpu"

    def __init__(
        self,
        threads: int = 1,
        weights_mib: float = 32.0,
        passes: int = 5,
        rounds: int = 8,
        sample_us: float = 4000.0,
    ) -> None:
        if not isinstance(threads, int) or threads < 1 or not 0 <= weights_mib < float("inf"):
            raise InputError("Measure with at least 1 thread and a finite amount of weights.")
        self.threads = threads
        self.weights_mib = weights_mib
        super().__init__(Timing(passes, rounds, sample_us=sample_us))

    @cached_property
    def record(self) -> Record:
        """The circumstances."""
        options = {"threads": self.threads, "weights_mib": self.weights_mib, **asdict(self.timing)}
        return Record.here(self.name, ("onnxruntime", "onnx"), options)

    @property
    def description(self) -> str:
        """One sentence for people."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"The processor of this machine on {threads}, measured through ONNX Runtime."

    @property
    def source(self) -> str:
        """What was measured with which versions, and how far to trust it."""
        return f"Medians of kernels measured one by one on {self.record}."

    def samples(
        self, layer_type: LayerType, precisions: Iterable[Precision]
    ) -> dict[Precision, FloatArray]:
        """One pass: ``(rounds,)`` microseconds of a layer type in each precision.

        Raises
        ------
        InputError
            If a precision is not offered.
        """
        for precision in (wanted := tuple(precisions)):
            if precision not in self.precisions(layer_type):
                why = self.refusals(layer_type).get(precision, "it has no such kernel")
                raise InputError(f"The CPU does not offer {layer_type} at {precision}: {why}.")
        trains = {p: train(layer_type, p, self.weights_mib, self.threads) for p in wanted}
        calls: dict[Precision | None, Callable[[], object]] = {None: empty_call(self.threads)}
        calls |= {p: own.call for p, own in trains.items()}
        samples = interleaved(calls, self.timing)
        kernels = {p: np.maximum(samples[p] - samples[None], 0.0) for p in wanted}
        return {p: kernels[p] / own.copies for p, own in trains.items()}

    def tried(self, layer_type: LayerType) -> dict[Precision, str]:
        """The formats for layers of this kind, judged by the kernels that run."""
        tried = candidates(layer_type.kind)
        return {p: why_not(layer_type, p, self.threads) for p in tried}
