"""Calls that run nothing but what is to be timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.profiles.targets.measured.ort.kernels import bare
from mpsolve.profiles.targets.measured.ort.model import layer_model
from mpsolve.profiles.targets.measured.ort.runtime import (
    Call,
    bound,
    optimised,
    random_inputs,
    session,
)

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType

#: Of one kernel, at most.
COPIES = 32


@dataclass(frozen=True, eq=False, slots=True)
class Train:
    """A call that runs so many copies of a kernel, each with weights of its own."""

    call: Call
    copies: int


def train(layer_type: LayerType, precision: Precision, weights_mib: float, threads: int) -> Train:
    """The kernel of a layer type, so often that it reads ``weights_mib`` MiB of weights."""
    size = layer_type.weights * precision.b_wt / 8
    copies = int(max(1, min(COPIES, -(-weights_mib * 2**20 // size))))
    best = optimised(layer_model(layer_type, precision, copies), threads)
    whole = session(best.SerializeToString(), threads, optimise=False)
    part = bare(best, random_inputs(whole))
    return Train(bound(session(part.model, threads, optimise=False), part.inputs), copies)
