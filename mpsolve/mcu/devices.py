"""Microcontrollers, and how much they remember.

ROM is flash on the chip. RAM is the largest block in which one tensor may lie anywhere: what a
program needs beside it (stack, buffers, the program itself in flash) is not taken off. The sizes
are those of the documents that each entry names, in units of 1024.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from mpsolve.errors import InputError

KIB = 1 << 10
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Device:
    """A microcontroller.

    Attributes
    ----------
    name
        What people call it here.
    chip
        The part whose sizes these are: the largest of its line.
    rom
        Bytes of non-volatile memory on the chip; None where it has none and weights lie outside.
    ram
        Bytes of the largest block of RAM.
    note
        What the sizes leave out.
    source
        The document that states them.
    """

    name: str
    chip: str
    rom: int | None
    ram: int
    note: str
    source: str


DEVICES = (
    Device(
        "stm32h7",
        "STM32H743xI",
        2 * MIB,
        512 * KIB,
        "1 MiB of RAM in all: AXI SRAM 512, SRAM1 to SRAM4 352, TCM 192 KiB; the AXI SRAM is taken",
        "ST DS12110 Rev 7 (April 2019), cover; RM0433, section 2 (blocks)",
    ),
    Device(
        "stm32f7",
        "STM32F767xI",
        2 * MIB,
        512 * KIB,
        "DTCM 128, SRAM1 368 and SRAM2 16 KiB, one behind the other",
        "ST RM0410, section 2.1, figure 1",
    ),
    Device(
        "stm32f746",
        "STM32F746xG",
        1 * MIB,
        320 * KIB,
        "DTCM 64, SRAM1 240 and SRAM2 16 KiB, one behind the other",
        "ST RM0385, section 2.1, figure 1",
    ),
    Device(
        "stm32f4",
        "STM32F407xG",
        1 * MIB,
        128 * KIB,
        "SRAM1 112 and SRAM2 16 KiB; 64 KiB of CCM that no bus reaches are left out",
        "ST DS8626, cover; RM0090 Rev 4, section 2.1",
    ),
    Device(
        "nrf52840",
        "nRF52840",
        1 * MIB,
        256 * KIB,
        "a Bluetooth stack takes parts of both",
        "Nordic nRF52840 Product Specification v1.7, Memory",
    ),
    Device(
        "esp32s3",
        "ESP32-S3",
        None,
        512 * KIB,
        "caches and instructions share the SRAM; flash is outside the core: give --rom",
        "Espressif ESP32-S3 Series Datasheet v2.2, Features, CPU and Memory",
    ),
    Device(
        "rp2040",
        "RP2040",
        None,
        264 * KIB,
        "six banks that may be treated as one; flash is outside, up to 16 MiB: give --rom",
        "Raspberry Pi RP2040 Datasheet, sections 2.5.2 and 2.5.3",
    ),
    Device(
        "gap8",
        "GAP8",
        None,
        512 * KIB,
        "L2; 64 KiB of L1 beside it hold tiles; flash is outside, on a HyperBus: give --rom",
        "GreenWaves, The fundamentals of GAP (comparison of GAP8 and GAP9)",
    ),
    Device(
        "gap9",
        "GAP9",
        2 * MIB,
        3 * MIB // 2,
        "L2, and 2 MiB of non-volatile memory on the chip; 128 KiB of L1 hold tiles",
        "GreenWaves, The fundamentals of GAP (comparison of GAP8 and GAP9)",
    ),
)


def device_named(name: str) -> Device:
    """The device of this name, or of this chip.

    Raises
    ------
    InputError
        If there is none; the message lists similar names.
    """
    key = name.strip().lower()
    for device in DEVICES:
        if key in (device.name, device.chip.lower()):
            return device
    names = [device.name for device in DEVICES]
    close = get_close_matches(key, names, n=2, cutoff=0.5) or names
    raise InputError(f"There is no device {name!r}; try {', '.join(close)}.")
