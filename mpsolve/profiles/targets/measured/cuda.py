"""A GPU of this machine, measured through torch.

**This target has never been run on a GPU.** What it shares with the CPU, the protocol, the
statistics and the store, is tested there, and so are its layers in the precisions that torch has
on a CPU; nobody has seen its timer, its 8-bit floats or its 4-bit weights at work.

A run is timed by events on the device, after the second-level cache was overwritten: weights and
activations come from memory. Overwriting takes longer than launching the kernels behind it, so
that the host is no part of the time.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.targets.measured.layer_sampler import LayerSampler
from mpsolve.profiles.targets.measured.protocol import Timing, interleaved
from mpsolve.profiles.targets.measured.record import Record
from mpsolve.profiles.targets.measured.torch_layers import candidates, import_torch, layer_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.typing import FloatArray

#: What is overwritten before every run: more than the second-level cache of any GPU so far.
FLUSH_BYTES = 256 * 2**20


class CudaTarget(LayerSampler):
    """The first CUDA device, as a `MeasuredTarget`; it offers nothing where there is none.

    Layers compute one image or sequence in float32 (without TF32), float16 and bfloat16; linear
    and pointwise ones also, where torch has the kernel for their shape on the device, in int8,
    8-bit floats and with 4-bit weights. ``refusals`` tells why the others are not offered.

    Parameters
    ----------
    passes, rounds, sample_us
        See `Timing`.
    """

    name = "cuda"

    def __init__(self, passes: int = 5, rounds: int = 8, sample_us: float = 2000.0) -> None:
        super().__init__(Timing(passes, rounds, sample_us=sample_us))

    @cached_property
    def unavailable(self) -> str:
        """Why nothing can be measured, in one sentence; "" if there is a device."""
        torch = import_torch()
        return "" if torch.cuda.is_available() else f"torch {torch.__version__} finds no GPU."

    @cached_property
    def record(self) -> Record:
        """The circumstances."""
        torch = import_torch()
        device = "no GPU" if self.unavailable else torch.cuda.get_device_name(0)
        options = {**asdict(self.timing), "cuda": str(torch.version.cuda)}
        return Record.here(self.name, ("torch",), options, device)

    @property
    def description(self) -> str:
        """One sentence for people."""
        return "The first CUDA device of this machine, measured through torch."

    @property
    def source(self) -> str:
        """What was measured with which versions, and how far to trust it."""
        return f"Medians of layers measured one by one on {self.record}."

    def unsupported(self, layer_type: LayerType) -> str:
        """Why nothing is offered for a layer type, in one sentence; "" if something is."""
        return self.unavailable or super().unsupported(layer_type)

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
            if why := self.verdicts(layer_type).get(precision, "torch has no such kernel"):
                raise InputError(f"The GPU does not offer {layer_type} at {precision}: {why}")
        with plain_float32():
            calls = {p: layer_call(layer_type, p, "cuda") for p in wanted}
            return interleaved(calls, self.timing, events())

    def tried(self, layer_type: LayerType) -> dict[Precision, str]:
        """The formats for layers of this kind, judged by running them."""
        return {p: self._verdict(layer_type, p) for p in candidates(layer_type)}

    def _verdict(self, layer_type: LayerType, precision: Precision) -> str:
        if self.unavailable:
            return self.unavailable
        try:
            layer_call(layer_type, precision, "cuda")()
            import_torch().cuda.synchronize()
        except Exception as error:  # torch raises what it likes
            return str(error).splitlines()[0]
        return ""


def events() -> Callable[[Callable[[], object], int], float]:
    """A timer of calls on the device, for `interleaved`."""
    torch = import_torch()
    flushed = torch.empty(FLUSH_BYTES, dtype=torch.int8, device="cuda")

    def sample(call: Callable[[], object], runs: int) -> float:
        pairs = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(runs)]
        for begin, end in pairs:
            flushed.zero_()
            begin.record()
            call()
            end.record()
        torch.cuda.synchronize()
        return 1000 * sum(begin.elapsed_time(end) for begin, end in pairs) / runs

    return sample


@contextmanager
def plain_float32() -> Iterator[None]:
    """No TF32, whose products are rounded to 11 bits, and the fastest convolution algorithms."""
    backends = import_torch().backends
    before = backends.cuda.matmul.allow_tf32
    backends.cuda.matmul.allow_tf32 = False
    try:
        with backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            yield
    finally:
        backends.cuda.matmul.allow_tf32 = before
