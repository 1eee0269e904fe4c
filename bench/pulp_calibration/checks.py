"""What Free Bits says about latencies beside the twelve ratios: no calibration sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.pulp_calibration.figures import (
    COLUMN,
    REFERENCE,
    Profile,
    modelled,
    profiles,
)
from bench.pulp_calibration.fit import PUBLISHED
from bench.pulp_calibration.networks import profiled_layers
from bench.pulp_calibration.published import (
    CONTRADICTED_GAIN,
    DORY_CYCLES,
    HEURISTIC_GAIN,
    RAISED_LAYERS,
)
from mpsolve import Precision
from mpsolve.profiles.targets.pulp.parameters import CALIBRATED
from mpsolve.profiles.targets.pulp.platform import Isa, Platform
from mpsolve.profiles.targets.pulp.support import PRECISIONS

if TYPE_CHECKING:
    from bench.pulp_calibration.figures import Profiles
    from mpsolve.profiles.targets.pulp.parameters import Parameters
    from mpsolve.typing import FloatArray, NumberArray

#: Other sizes of L1 in bytes, at which the calibrated parameters are tried.
L1_SIZES = (36_700, 44_000, 56_000)
DRAWS, SEED = 400, 0


@dataclass(frozen=True, slots=True)
class Check:
    """One statement, what was published about it, and what the model says."""

    statement: str
    published: str
    modelled: str


def checks(profiles: Profiles, parameters: Parameters) -> tuple[Check, ...]:
    """All statements, of MobileNetV1 0.75 unless they say otherwise."""
    v1 = {isa: profiles["MobileNetV1", isa] for isa in Isa}
    gains = {
        network: _gain(profiles[network, Isa.XPULPNNV1], parameters)
        for network in ("MobileNetV1", "MobileNetV2")
    }
    depthwise = _ratios(v1[Isa.XPULPV2], parameters, "dw", "4b/4b")
    nnv1 = _ratios(v1[Isa.XPULPNNV1], parameters, "pw", "8b/4b")
    nnv2 = _ratios(v1[Isa.XPULPNNV2], parameters, "pw", "8b/4b")
    others = _given_to_others(v1[Isa.XPULPV2], parameters)
    small = Profile.of(profiled_layers("mobilenet_v1_128"), Platform(Isa.XPULPV2))
    cycles = small.latencies(parameters)[:, REFERENCE].sum()
    return (
        Check(
            "layers that the heuristic raises from 4b/4b on XpulpNNv1",
            str(RAISED_LAYERS),
            str(raised_layers(v1[Isa.XPULPNNV1], parameters)),
        ),
        Check(
            "latency that it saves there (follows from two of the figures)",
            f"{HEURISTIC_GAIN:g} %",
            f"{gains['MobileNetV1']:.1f} %",
        ),
        Check(
            "latency that it saves there of MobileNetV2 (two of the figures say 41.4 %)",
            f"{CONTRADICTED_GAIN:g} %",
            f"{gains['MobileNetV2']:.1f} %",
        ),
        Check(
            "depthwise layers that 4b/4b makes faster than 8b/8b on XpulpV2",
            "some",
            f"{(depthwise < 1).sum()} of {len(depthwise)}",
        ),
        Check(
            "pointwise layers that 8b/4b makes slower than 8b/8b on XpulpNNv1",
            "yes",
            f"{(nnv1 > 1).sum()} of {len(nnv1)}, median {np.median(nnv1):.1f}x",
        ),
        Check("the same on XpulpNNv2", "no", f"{(nnv2 > 1).sum()} of {len(nnv2)}"),
        Check(
            "other than depthwise layers that the heuristic raises to 8b/8b on XpulpV2",
            "many",
            f"{others.count(Precision(8, 8))} of {len(others)}",
        ),
        Check(
            "cycles of MobileNetV1 1.0 at 128 x 128 in 8b/8b (DORY, on GAP8)",
            f"{DORY_CYCLES / 1e6:.1f} M",
            f"{cycles / 1e6:.1f} M",
        ),
    )


def _ratios(profile: Profile, parameters: Parameters, kind: str, precision: str) -> FloatArray:
    """Latencies of the layers of a kind in a precision, over those at 8b/8b."""
    latencies = profile.latencies(parameters)[_kinds(profile) == kind]
    return latencies[:, COLUMN[Precision.parse(precision)]] / latencies[:, REFERENCE]


def _gain(profile: Profile, parameters: Parameters) -> float:
    """Per cent of the latency at 4 bits that the heuristic saves."""
    start, raised = profile.changes(parameters)
    return float(100 * (1 - (100 + raised) / (100 + start)))


def _given_to_others(profile: Profile, parameters: Parameters) -> list[Precision]:
    """What the heuristic gives the layers that are not depthwise."""
    found = profile.heuristic(parameters).values()
    return [p for p, kind in zip(found, _kinds(profile), strict=True) if kind != "dw"]


def _kinds(profile: Profile) -> NumberArray:
    return np.array([layer.layer_type.kind for layer in profile.layers])


def raised_layers(profile: Profile, parameters: Parameters) -> int:
    """Layers that the heuristic changes; it does so only where that is strictly faster."""
    found = profile.heuristic(parameters).values()
    return sum(p != PRECISIONS[j] for p, j in zip(found, profile.start, strict=True))


def l1_errors() -> dict[int, float]:
    """Bytes of L1 -> mean error in points of the calibrated parameters, not fitted again."""
    return {
        size: float(np.abs(modelled(profiles(size), CALIBRATED.parameters) - PUBLISHED).mean())
        for size in L1_SIZES
    }


@dataclass(frozen=True, slots=True)
class Spread:
    """What the posterior of the parameters leaves open, over both networks and all platforms.

    Attributes
    ----------
    median, p95
        Least and largest of six medians and 95th percentiles of the standard deviation of
        ``log(latency / latency at 8b/8b)`` of a layer.
    same_choice
        Least and largest part of all layers and draws in which the heuristic takes the same
        precision as at the most probable parameters.
    """

    median: tuple[float, float]
    p95: tuple[float, float]
    same_choice: tuple[float, float]


def spread(profiles: Profiles) -> Spread:
    """From draws of the posterior with a fixed seed."""
    draws = CALIBRATED.draws(DRAWS, SEED)
    medians, p95s, same = [], [], []
    for profile in profiles.values():
        latencies = profile.latencies(draws)
        ratios = np.log(latencies / latencies[..., REFERENCE, None])
        deviations = ratios.std(0)[profile.allowed & (np.arange(len(PRECISIONS)) != REFERENCE)]
        medians.append(float(np.median(deviations)))
        p95s.append(float(np.quantile(deviations, 0.95)))
        fastest = np.where(profile.reachable, latencies, np.inf).argmin(-1)
        expected = profile.latencies(CALIBRATED.parameters)
        usual = np.where(profile.reachable, expected, np.inf).argmin(-1)
        same.append(float((fastest == usual).mean()))
    return Spread(*((min(values), max(values)) for values in (medians, p95s, same)))
