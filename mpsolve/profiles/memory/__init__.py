"""Memory of microcontrollers: ROM for weights and tables (M1), RAM for activations (M2)."""

from mpsolve.profiles.memory.liveness import Moment as Moment
from mpsolve.profiles.memory.liveness import live_tensors as live_tensors
from mpsolve.profiles.memory.order import Order as Order
from mpsolve.profiles.memory.order import best_order as best_order
from mpsolve.profiles.memory.ram import Peak as Peak
from mpsolve.profiles.memory.ram import peak_ram as peak_ram
from mpsolve.profiles.memory.rom import rom_bytes as rom_bytes
from mpsolve.profiles.memory.rom import rom_costs as rom_costs
from mpsolve.profiles.memory.rom import rom_total as rom_total
from mpsolve.profiles.memory.schemes import SCHEMES as SCHEMES
