"""The machine: an 8-core PULP cluster with one of three instruction sets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CORES = 8
#: 64,000 bytes less the stacks, of 3,800 bytes for core 0 and of 3,600 for the other seven (DORY,
#: Hardware_targets/PULP/PULP_gvsoc/HW_description.json).
L1_BYTES = 64_000 - 3_800 - 7 * 3_600
#: What DORY's example configurations leave of 512 KB for MobileNetV1 beside 120 kB of code, and of
#: 640 KiB for MobileNetV2, whose code is larger (Free Bits, section 4.1), beside 150 kB.
L2_BYTES_SMALL = 512_000 - 120_000
L2_BYTES_LARGE = 640 * 1024 - 150_000


class Isa(StrEnum):
    """An extension of the RISC-V instruction set (Free Bits, section 4.1).

    XpulpV2 has SIMD arithmetic for 8-bit operands only, XpulpNNv1 for 2, 4 and 8 bits of equal
    width, and XpulpNNv2 widens the narrower operand in hardware.
    """

    XPULPV2 = "xpulpv2"
    XPULPNNV1 = "xpulpnnv1"
    XPULPNNV2 = "xpulpnnv2"

    def operand_bits(self, b_in: int, b_wt: int) -> int:
        """The width at which the multiplier sees both operands."""
        return 8 if self is Isa.XPULPV2 else max(b_in, b_wt)


@dataclass(frozen=True, slots=True)
class Platform:
    """What the model must know of the machine.

    Attributes
    ----------
    isa
        Instruction set of the cores.
    l2_bytes
        L2 memory for tensors, in bytes.
    l1_bytes
        L1 memory for tiles, in bytes.
    """

    isa: Isa
    l2_bytes: int = L2_BYTES_SMALL
    l1_bytes: int = L1_BYTES
