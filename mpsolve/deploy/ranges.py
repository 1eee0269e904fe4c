"""Whether the codes and accumulators of a node fit what holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.deploy.layers import Conv, Linear
from mpsolve.deploy.operators import Add, AveragePool
from mpsolve.deploy.tensor import ACCUMULATOR_BITS, limits
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.deploy.nodes import Node
    from mpsolve.deploy.requant import AccumulatorRange, Requant
    from mpsolve.deploy.tensor import Tensor


def check_ranges(node: Node, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """Refuse a node whose output has other codes than it writes, or that could overflow."""
    if isinstance(node, Conv | Linear):
        accumulators = node.accumulators(inputs)
        _check_accumulators(node.name, accumulators)
        if node.requant is None:
            _check_codes(node.name, output, ACCUMULATOR_BITS, True)
            return
        if node.requant.multiplier.shape != node.weights.shape[:1]:
            raise InputError(
                f"Layer {node.name}: {len(node.weights)} channels need as many multipliers; there "
                f"are {node.requant.multiplier.shape}."
            )
        _check_requant(node.name, node.requant, accumulators, output)
    elif isinstance(node, Add):
        for requant, operand in zip((node.first, node.second), node.operands(inputs), strict=True):
            _check_requant(node.name, requant, operand)
        _check_requant(node.name, node.result, node.accumulators(inputs), output)
        if output.bits == ACCUMULATOR_BITS:
            raise InputError(f"Adder {node.name}: its output is clipped to 1 to 8 bits.")
    elif isinstance(node, AveragePool):
        accumulators = node.accumulators(inputs)
        _check_accumulators(node.name, accumulators)
        _check_requant(node.name, node.requant, accumulators, output)
        if node.requant is None:
            _check_codes(node.name, output, inputs[0].bits, inputs[0].signed)
            if output.signed:
                raise InputError(
                    f"Pool {node.name}: kernels divide sums as if they had no sign; requantise the "
                    "mean of signed codes."
                )
    else:
        _check_codes(node.name, output, inputs[0].bits, inputs[0].signed)


def _check_requant(
    name: str,
    requant: Requant | None,
    accumulators: AccumulatorRange,
    output: Tensor | None = None,
) -> None:
    """It is proven for all accumulators, or claimed for those that were measured."""
    if requant is None:
        return
    if requant.accumulators.proven and not requant.accumulators.contains(accumulators):
        raise InputError(
            f"Node {name}: its accumulators reach from {accumulators.low.min()} to "
            f"{accumulators.high.max()}, beyond those for which its requantisation is proven; "
            "derive it from their range."
        )
    if output is not None:
        _check_codes(name, output, requant.bits, requant.signed)


def _check_accumulators(name: str, accumulators: AccumulatorRange) -> None:
    low, high = limits(ACCUMULATOR_BITS, True)
    if accumulators.low.min() < low or accumulators.high.max() > high:
        raise InputError(
            f"Node {name}: its accumulators reach from {accumulators.low.min()} to "
            f"{accumulators.high.max()}, which 32 bits do not hold."
        )


def _check_codes(name: str, tensor: Tensor, bits: int, signed: bool) -> None:
    if (tensor.bits, tensor.signed) != (bits, signed):
        raise InputError(
            f"Node {name} writes {_codes(bits, signed)}, but {tensor.name} holds "
            f"{_codes(tensor.bits, tensor.signed)}."
        )


def _codes(bits: int, signed: bool) -> str:
    return f"{bits}-bit {'signed' if signed else 'unsigned'} codes"
