"""Rules of pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.deploy.dory_rules.attributes import label, numbers
from mpsolve.deploy.dory_rules.worst_case import pool_area

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.deploy.dory_rules.file import DoryFile


def pools_state_their_geometry(file: DoryFile) -> Iterator[str]:
    """DORY knows no defaults of kernel and stride.

    Layer_node.py: populate_Layer_node.
    """
    for node in file.nodes:
        if node.op_type in ("AveragePool", "MaxPool"):
            names = ("kernel_shape", "strides")
            if missing := [name for name in names if numbers(node, name) is None]:
                yield f"{label(node)}: it must state its attributes {', '.join(missing)}."


def global_pools_and_no_others_are_called_global(file: DoryFile) -> Iterator[str]:
    """The kernel of a node becomes the whole image if "Global" is in its name, not its operator.

    Layer_node.py: 'Global' in node_iterating.name.
    """
    for node in file.nodes:
        if (node.op_type == "GlobalAveragePool") != ("Global" in node.name):
            yield (
                f"{label(node)}: 'Global' must be in the name of a global pool, and in no other; "
                f"this one is {node.name!r}."
            )


def average_pools_have_no_pads(file: DoryFile) -> Iterator[str]:
    """Kernels leave pads out of the sum, but not out of the area that they divide by.

    pulp-nn-mixed, pulp_nn_avgpool_*.
    """
    for node in file.nodes:
        if node.op_type == "AveragePool" and any(numbers(node, "pads") or ()):
            yield f"{label(node)}: averages of padded windows are not what kernels compute."


def pool_multipliers_are_multiples_of_the_area(file: DoryFile) -> Iterator[str]:
    """Kernels divide the multiplier by the area of the window, as integers, before they use it.

    pulp-nn-mixed, pulp_nn_avgpool_*; quantlib, dory_passes.py: AlignAvgPoolPass.
    """
    for node in file.nodes:
        requant = file.requantisation_of(node) if "Average" in node.op_type else None
        values = None if requant is None else file.constant(requant.mul)
        area = pool_area(file, node) if requant is not None else 0
        if requant is not None and values is not None and area and (values % area).any():
            yield (
                f"{label(requant.mul)}: its multiplier must be a multiple of the {area} pixels of "
                "a window."
            )


def means_of_unsigned_codes_are_not_negative(file: DoryFile) -> Iterator[str]:
    """Kernels sum and shift unsigned codes without a sign, which turns a negative result large.

    pulp-nn-mixed, pulp_nn_avgpool_*: uint32_t sum.
    """
    for node in file.nodes:
        requant = file.requantisation_of(node) if "Average" in node.op_type else None
        if requant is None or file.codes.get(file.first(node), (8, True))[1]:
            continue
        for part in (requant.mul, requant.add):
            values = None if part is None else file.constant(part)
            if part is not None and values is not None and (values < 0).any():
                yield f"{label(part)}: behind a pool of unsigned codes, it must not be negative."


def means_of_signed_codes_are_requantised(file: DoryFile) -> Iterator[str]:
    """Without requantisation, kernels divide the sum by the area as if it had no sign.

    pulp-nn-mixed, pulp_nn_avgpool_*: int32_t sum, uint32_t kernel_size_tot.
    """
    for node in file.nodes:
        signed = "Average" in node.op_type and file.codes.get(file.first(node), (8, False))[1]
        if signed and file.requantisation_of(node) is None:
            yield f"{label(node)}: the mean of signed codes must be requantised."


RULES = (
    pools_state_their_geometry,
    global_pools_and_no_others_are_called_global,
    average_pools_have_no_pads,
    pool_multipliers_are_multiples_of_the_area,
    means_of_unsigned_codes_are_not_negative,
    means_of_signed_codes_are_requantised,
)
