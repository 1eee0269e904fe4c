"""The parameters of the model: what one of each counted thing costs.

Six are free. Their a-priori values were read from sources before any comparison with published
figures; which six to free, and how wide their priors are, was chosen after a first comparison.
The calibrated values maximise the posterior given the twelve ratios of Table I of Free Bits:
``python -m bench.pulp_calibration`` computes them again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeAlias

import numpy as np

from mpsolve.typing import FloatArray, NumberArray

#: One number, or a column of several, ``(D, 1)``: then everything is computed D times at once.
Value: TypeAlias = float | NumberArray


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Cycles unless it says otherwise; the defaults are the a-priori values.

    Attributes
    ----------
    widen_registers, widen_memory
        Cycles per counted instruction that widens weights, on XpulpV2 and on XpulpNNv1.
    requantise
        Per 8-bit output: constants, multiplication, shift, clip, store.
    depthwise_output
        Per output of a depthwise kernel, beside its products and requantisation.
    l3_bandwidth
        Bytes per cycle between HyperRAM and L2.
    tile
        Per tile: DORY's bookkeeping, barriers and the call of the kernel.
    group, call
        Per group of four output channels, and per call of a matrix multiplication.
    im2col_row, depthwise_row
        Per kernel row of an im2col column, and per input row of a depthwise column.
    contention
        Factor for conflicts in L1 and in the instruction cache.
    launch
        To start and join the cores.
    dma_bandwidth, dma_line, dma_start
        Bytes per cycle between L2 and L1, the least cycles per line, and those per transfer.
    layer
        Per layer.
    l3_request
        Per request to HyperRAM.
    """

    widen_registers: Value = 1.0
    widen_memory: Value = 1.0
    requantise: Value = 15.0
    depthwise_output: Value = 24.0
    l3_bandwidth: Value = 0.8
    tile: Value = 600.0
    group: Value = 22.0
    call: Value = 45.0
    im2col_row: Value = 18.0
    depthwise_row: Value = 7.0
    contention: Value = 1.08
    launch: Value = 150.0
    dma_bandwidth: Value = 8.0
    dma_line: Value = 1.9
    dma_start: Value = 60.0
    layer: Value = 2500.0
    l3_request: Value = 1500.0


#: The free parameters, in the order of all arrays below.
FREE = tuple(field.name for field in fields(Parameters))[:6]
#: Standard deviations of the logarithms before the calibration.
PRIOR_LOG_SD = (0.7, 0.7, 0.35, 0.35, 0.5, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class ParameterSet:
    """Parameters, and how far they are known: the logarithms of the free ones are normal.

    Attributes
    ----------
    name
        What `mpsolve.profiles.targets.pulp.PulpModel` calls the set.
    parameters
        Their most probable values.
    log_sd
        ``(6,)`` standard deviations of the logarithms of the free ones.
    correlation
        ``(6, 6)`` how they deviate together.
    """

    name: str
    parameters: Parameters
    log_sd: FloatArray
    correlation: FloatArray

    @property
    def log_values(self) -> FloatArray:
        """``(6,)`` the logarithms of the free parameters."""
        return np.log([getattr(self.parameters, name) for name in FREE])

    @property
    def log_root(self) -> FloatArray:
        """``(6, 6)`` lower triangular; times its transpose it is the covariance of logarithms."""
        root: FloatArray = self.log_sd[:, None] * np.linalg.cholesky(self.correlation)
        return root

    def at(self, log_values: FloatArray) -> Parameters:
        """The set with other free parameters: ``(6,)`` logarithms, or ``(D, 6)`` for D sets."""
        values = np.exp(log_values)
        free = values if values.ndim == 1 else values.T[:, :, None]
        return replace(self.parameters, **dict(zip(FREE, free, strict=True)))

    def draws(self, number: int, seed: int) -> Parameters:
        """Random parameters of this distribution, ``number`` at once."""
        normal = np.random.default_rng(seed).standard_normal((number, len(FREE)))
        return self.at(self.log_values + normal @ self.log_root.T)


PRIOR = ParameterSet("prior", Parameters(), np.array(PRIOR_LOG_SD), np.eye(len(FREE)))
CALIBRATED = ParameterSet(
    "calibrated",
    Parameters(
        widen_registers=0.6261439235444842,
        widen_memory=1.6320876167227403,
        requantise=12.134822964237967,
        depthwise_output=18.376673678768338,
        l3_bandwidth=0.8511514445967419,
        tile=811.3384117164878,
    ),
    np.array([0.0806, 0.0796, 0.2222, 0.3244, 0.4889, 0.4645]),
    np.array(
        [
            [1.000, 0.735, 0.553, 0.364, -0.280, 0.694],
            [0.735, 1.000, 0.561, 0.397, -0.266, 0.605],
            [0.553, 0.561, 1.000, 0.013, -0.068, 0.428],
            [0.364, 0.397, 0.013, 1.000, 0.052, -0.005],
            [-0.280, -0.266, -0.068, 0.052, 1.000, 0.012],
            [0.694, 0.605, 0.428, -0.005, 0.012, 1.000],
        ]
    ),
)
PARAMETER_SETS = {chosen.name: chosen for chosen in (CALIBRATED, PRIOR)}
