"""The limits, and the ways to choose precisions that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.mcu import Setting
from mpsolve.mcu.fitting import fewest_bits, usage
from mpsolve.mcu.setting import input_widths
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from mpsolve.mcu import Usage
    from mpsolve.profiles.networks.network import Network

#: Bit-widths, tables and rules as in HAQ for microcontrollers.
SETTING = Setting()
METRICS = ("taylor", "hessian", "mse", "loss")
STRATEGIES = ("concurrent", "independent")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a configuration must keep.

    Attributes
    ----------
    rom, ram
        Bytes.
    """

    rom: int
    ram: int

    @classmethod
    def between(cls, network: Network, rom: float, ram: float) -> Limits:
        """Parts of the way from the fewest bits (0) to eight bits everywhere (1)."""
        least = usage(network, fewest_bits(network, SETTING), SETTING)
        most = usage(network, most_bits(network), SETTING)
        return cls(
            int(least.rom + rom * (most.rom - least.rom)),
            int(least.ram + ram * (most.ram - least.ram)),
        )

    def keep(self, used: Usage) -> bool:
        """Whether what a configuration takes is within the limits."""
        return used.rom <= self.rom and used.ram <= self.ram


def most_bits(network: Network) -> Configuration:
    """Eight bits everywhere."""
    widths = input_widths(network, SETTING)
    return Configuration(
        {name: Precision(own[-1], SETTING.bits[-1]) for name, own in widths.items()}
    )
