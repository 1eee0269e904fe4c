"""The published figures as functions of the parameters: vector arithmetic on fixed schedules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.pulp_calibration.networks import profiled_layers
from bench.pulp_calibration.published import FIGURES
from mpsolve import Configuration, Precision, Problem, free_bits
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.targets.pulp.model import cycles, layer_schedule
from mpsolve.profiles.targets.pulp.platform import (
    L1_BYTES,
    L2_BYTES_LARGE,
    L2_BYTES_SMALL,
    Isa,
    Platform,
)
from mpsolve.profiles.targets.pulp.schedule import join
from mpsolve.profiles.targets.pulp.support import PRECISIONS

if TYPE_CHECKING:
    from bench.pulp_calibration.networks import ProfiledLayer
    from mpsolve.profiles.targets.pulp.parameters import Parameters
    from mpsolve.profiles.targets.pulp.schedule import Schedule
    from mpsolve.typing import BoolArray, FloatArray, IntArray

#: Precision -> its column.
COLUMN = {precision: j for j, precision in enumerate(PRECISIONS)}
REFERENCE = COLUMN[Precision(8, 8)]
#: ``HIGHER[j, k]``: whether precision k is higher than or equal to precision j.
HIGHER = np.array([[k.is_higher_or_equal(j) for k in PRECISIONS] for j in PRECISIONS])


@dataclass(frozen=True, eq=False)
class Profile:
    """All layers of one network on one platform, ready for any parameters.

    Attributes
    ----------
    layers
        The N layers.
    schedule
        Every layer type in each of the nine precisions.
    type_of
        ``(N,)`` which layer type each layer has.
    """

    layers: tuple[ProfiledLayer, ...]
    schedule: Schedule
    type_of: IntArray

    @classmethod
    def of(cls, layers: tuple[ProfiledLayer, ...], platform: Platform) -> Profile:
        """Tile and count everything once."""
        types = list(dict.fromkeys(layer.layer_type for layer in layers))
        schedules = [layer_schedule(t, p, platform) for t in types for p in PRECISIONS]
        type_of = np.array([types.index(layer.layer_type) for layer in layers])
        return cls(layers, join(schedules), type_of)

    @cached_property
    def start(self) -> IntArray:
        """``(N,)`` the precision of each layer in the 4-bit configuration."""
        fixed, free = COLUMN[Precision(8, 4)], COLUMN[Precision(4, 4)]
        return np.array([fixed if layer.eight_bits else free for layer in self.layers])

    @cached_property
    def allowed(self) -> BoolArray:
        """``(N, 9)`` which precisions each layer may take."""
        eight = np.array([p.b_in == 8 for p in PRECISIONS])
        return np.array([eight | (not layer.eight_bits) for layer in self.layers])

    @cached_property
    def reachable(self) -> BoolArray:
        """``(N, 9)`` the precisions that the heuristic may give each layer."""
        return self.allowed & HIGHER[self.start]

    def latencies(self, parameters: Parameters) -> FloatArray:
        """``(N, 9)`` model cycles of each layer in each precision; ``(D, N, 9)`` for D sets."""
        values = cycles(self.schedule, parameters)
        by_type = np.reshape(values, (*np.shape(values)[:-1], -1, len(PRECISIONS)))
        return by_type[..., self.type_of, :]

    def changes(self, parameters: Parameters) -> tuple[FloatArray, FloatArray]:
        """The latency at 4 bits, and after the heuristic, in per cent more than in 8b/8b.

        After the heuristic every layer has the least latency of all precisions that are not lower,
        which is what `mpsolve.free_bits` returns.
        """
        latencies = self.latencies(parameters)
        reference = latencies[..., REFERENCE].sum(-1)
        start = latencies[..., np.arange(len(self.layers)), self.start].sum(-1)
        raised = np.where(self.reachable, latencies, np.inf).min(-1).sum(-1)
        return 100 * (start / reference - 1), 100 * (raised / reference - 1)

    def heuristic(self, parameters: Parameters) -> Configuration:
        """The configuration that Free Bits makes of the 4-bit one, as its authors' code does."""
        latencies = self.latencies(parameters)
        rows = [np.flatnonzero(mask) for mask in self.allowed]
        values = [row[own].tolist() for row, own in zip(latencies, rows, strict=True)]
        problem = Problem.from_arrays(
            [[0.0] * len(own) for own in rows],
            {"latency": values},
            precisions=[[PRECISIONS[j] for j in own] for own in rows],
            provenance=Provenance.MODELLED,
        )
        answer = free_bits(problem, "4b/4b", strict=True).configuration
        assert answer is not None
        return answer


Profiles = dict[tuple[str, Isa], Profile]


def profiles(l1_bytes: int = L1_BYTES) -> Profiles:
    """Both networks on the three platforms."""
    networks = {
        "MobileNetV1": (profiled_layers("mobilenet_v1_0.75"), L2_BYTES_SMALL),
        "MobileNetV2": (profiled_layers("mobilenet_v2"), L2_BYTES_LARGE),
    }
    return {
        (name, isa): Profile.of(layers, Platform(isa, l2_bytes, l1_bytes))
        for name, (layers, l2_bytes) in networks.items()
        for isa in Isa
    }


def modelled(profiles: Profiles, parameters: Parameters) -> FloatArray:
    """What the model says of the published `FIGURES`: ``(12,)``, or ``(D, 12)`` for D sets."""
    changes = {key: profile.changes(parameters) for key, profile in profiles.items()}
    columns = [changes[f.network, f.isa][f.configuration == "4b+FB"] for f in FIGURES]
    return np.stack(np.broadcast_arrays(*columns), axis=-1)
