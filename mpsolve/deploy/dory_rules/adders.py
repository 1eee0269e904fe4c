"""Rules of residual additions, all of whose numbers are attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.deploy.dory_rules.attributes import label, number
from mpsolve.deploy.packing import KERNEL_BITS
from mpsolve.deploy.requant import AccumulatorRange, integers, magnitude
from mpsolve.deploy.tensor import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.deploy.dory_rules.file import DoryFile

ATTRIBUTES = tuple(
    f"{place}_{what}"
    for place in ("in1", "in2", "out")
    for what in ("mul", "add", "shift", "n_levels", "rq")
)


def adders_have_all_attributes(file: DoryFile) -> Iterator[str]:
    """DORY takes every one of them, and stops where one is missing.

    Quantlab/Parser.py: frontend_mapping_to_DORY_nodes, add_nodes_precision.
    """
    for node in filter(file.is_adder, file.nodes):
        names = (*ATTRIBUTES, "out_signed", "add_bits")
        if missing := [name for name in names if number(node, name) is None]:
            yield f"{label(node)}: its attributes {', '.join(missing)} are missing."


def requantisations_left_out_are_identities(file: DoryFile) -> Iterator[str]:
    """Kernels are always told to requantise: without need, by 1, 0 and 0.

    PULP_gvsoc/Templates/layer_templates/layer_L2_c_addition_template.c.
    """
    for node in filter(file.is_adder, file.nodes):
        for place in ("in1", "in2", "out"):
            values = [number(node, f"{place}_{what}") for what in ("mul", "add", "shift")]
            if number(node, f"{place}_rq") == 0 and None not in values and values != [1, 0, 0]:
                yield (
                    f"{label(node)}: {place}_rq is 0, so that {place}_mul, {place}_add and "
                    f"{place}_shift must be 1, 0 and 0, not {values}."
                )


def adders_clip_inputs_to_their_own_codes(file: DoryFile) -> Iterator[str]:
    """Kernels clip a requantised input to the type in which it is stored.

    pulp-nn-mixed, pulp_nn_add_*: clip8(in1_rq1).
    """
    for node in filter(file.is_adder, file.nodes):
        for place, name in zip(("in1", "in2"), file.data(node), strict=True):
            levels, codes = number(node, f"{place}_n_levels"), file.codes.get(name)
            if levels is not None and codes is not None and levels != 1 << codes[0]:
                yield (
                    f"{label(node)}: {place}_n_levels is {levels}, but {name} has {codes[0]} bits, "
                    "to which kernels clip."
                )


def adders_write_whole_bits(file: DoryFile) -> Iterator[str]:
    """The bits of the output are the logarithm of its levels.

    Quantlab/Parser.py: int(np.log2(node.out_n_levels)) in add_nodes_precision.
    """
    for node in filter(file.is_adder, file.nodes):
        levels = number(node, "out_n_levels")
        if levels is not None and levels not in [1 << bits for bits in KERNEL_BITS]:
            yield f"{label(node)}: out_n_levels must be 4, 16 or 256, not {levels}."


def adders_of_different_codes_read_the_later_first(file: DoryFile) -> Iterator[str]:
    """The first input's type goes to the operand that was written last.

    Quantlab/Parser.py swaps the multipliers by number, but not the types;
    layer_L2_c_addition_template.c gives the last tensor the second multiplier.
    """
    for node in filter(file.is_adder, file.nodes):
        first, second = file.data(node)
        codes = file.codes.get(first), file.codes.get(second)
        decimal = first.isdecimal() and second.isdecimal()
        if decimal and codes[0] != codes[1] and int(first) < int(second):
            yield f"{label(node)}: its inputs differ in bits or sign, so {second} must come first."


def adders_follow_one_of_their_inputs(file: DoryFile) -> Iterator[str]:
    """Generated code keeps the output of the last layer and one tensor besides.

    Common/Templates/network.c.t: L2_input, bypass_activations.
    """
    last = ""
    for node, output in file.merged:
        if file.is_adder(node) and last not in [file.source(name) for name in file.data(node)]:
            yield f"{label(node)}: one of its inputs must be the output of the layer before it."
        last = output


def adders_do_not_overflow(file: DoryFile) -> Iterator[str]:
    """Every product of a requantisation fits into 32 bits.

    pulp-nn-mixed, pulp_nn_add_*: int32_t.
    """
    for node in filter(file.is_adder, file.nodes):
        codes = [file.codes.get(name) for name in file.data(node)]
        if None in codes or any(number(node, name) is None for name in ATTRIBUTES):
            continue
        ranges = [limits(*c) for c in codes if c is not None]
        total = sum(low for low, _ in ranges), sum(high for _, high in ranges)
        for place, (low, high) in zip(("in1", "in2", "out"), (*ranges, total), strict=True):
            k, addend = (
                integers(place, number(node, f"{place}_{what}")) for what in ("mul", "add")
            )
            worst = magnitude(k, addend, AccumulatorRange.between(low, high)).max()
            if worst >= 1 << 31:
                yield (
                    f"{label(node)}: {place}_mul and {place}_add lead to {worst}, which 32 bits do "
                    "not hold."
                )


RULES = (
    adders_have_all_attributes,
    requantisations_left_out_are_identities,
    adders_clip_inputs_to_their_own_codes,
    adders_write_whole_bits,
    adders_of_different_codes_read_the_later_first,
    adders_follow_one_of_their_inputs,
    adders_do_not_overflow,
)
