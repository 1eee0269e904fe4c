"""The latency of a layer: an analytic model of DORY-style execution on an 8-core PULP cluster.

    layer = L + sum over pieces of max(piece, L3 transfer) + what L3 transfers nobody hides
    piece = sum over tiles of (max(compute, DMA) + O) + the first load + the last store

with the overheads L per layer and O per tile. No layer has been compared with a measurement;
``docs/pulp_model.md`` says how far the model can be trusted, and where every term comes from.

DORY and the kernels that it calls, PULP-NN-mixed, are Apache-2.0; nothing of them is copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError
from mpsolve.profiles.targets.pulp.geometry import Geometry
from mpsolve.profiles.targets.pulp.schedule import schedule
from mpsolve.profiles.targets.pulp.support import unsupported

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.targets.pulp.parameters import Parameters
    from mpsolve.profiles.targets.pulp.platform import Platform
    from mpsolve.profiles.targets.pulp.schedule import Schedule
    from mpsolve.typing import NumberArray


def layer_cycles(
    layer_type: LayerType, precision: Precision, platform: Platform, parameters: Parameters
) -> float:
    """Model cycles of one layer in one precision, with 8-bit outputs.

    Raises
    ------
    InputError
        If the model cannot express the layer in this precision.
    """
    return float(cycles(layer_schedule(layer_type, precision, platform), parameters)[0])


def layer_schedule(layer_type: LayerType, precision: Precision, platform: Platform) -> Schedule:
    """What is executed for one layer in one precision; the errors are those of `layer_cycles`."""
    if reason := unsupported(layer_type, precision, platform):
        raise InputError(reason)
    found = schedule(Geometry.of(layer_type, int(precision.b_in), int(precision.b_wt)), platform)
    assert found, (layer_type, precision)
    return found


def cycles(schedule: Schedule, p: Parameters) -> NumberArray:
    """Model cycles of every layer of a schedule.

    Returns
    -------
    ``(S,)``, or ``(D, S)`` where the parameters are columns of D values.
    """
    load, weights = schedule.loads.cycles(p), schedule.weights.cycles(p)
    store = schedule.stores.cycles(p)
    dma = (
        schedule.loads.share * load
        + schedule.weights.share * weights
        + schedule.stores.share * store
    )
    tile = np.maximum(schedule.counts.cycles(p), dma) + p.tile
    tiles = np.add.reduceat(schedule.repeats * tile, schedule.starts, axis=-1)
    first_load = (load + weights)[..., schedule.starts] + 2 * p.dma_start
    piece = tiles + first_load + store[..., schedule.ends]
    return p.layer + schedule.streaming.cycles(piece, p)
