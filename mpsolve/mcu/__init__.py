"""Fitting a microcontroller: weights into its ROM (M1) and activations into its RAM (M2).

Rusci, Fariselli, Capotondi and Benini, "Leveraging automated mixed-low-precision quantization for
tiny edge microcontrollers", ITEM 2020, section 3.1, solved exactly, and for pairs of limits.
"""

from mpsolve.mcu.devices import DEVICES as DEVICES
from mpsolve.mcu.devices import Device as Device
from mpsolve.mcu.devices import device_named as device_named
from mpsolve.mcu.families import family as family
from mpsolve.mcu.fitting import Fit as Fit
from mpsolve.mcu.fitting import Usage as Usage
from mpsolve.mcu.fitting import fit as fit
from mpsolve.mcu.front import rom_front as rom_front
from mpsolve.mcu.setting import Setting as Setting
from mpsolve.mcu.setting import mcu_problem as mcu_problem
from mpsolve.mcu.steps import Step as Step
from mpsolve.mcu.steps import memory_map as memory_map
from mpsolve.mcu.surfaces import Surface as Surface
from mpsolve.mcu.surfaces import surface as surface
