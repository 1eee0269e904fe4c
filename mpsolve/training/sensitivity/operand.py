"""What is quantised to measure a sensitivity, and what a model must offer for it."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

from mpsolve.errors import InputError
from mpsolve.training.evaluate import evaluating
from mpsolve.training.quantisers.quantiser import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch
    from torch import Tensor, nn

    from mpsolve.model.configuration import Configuration
    from mpsolve.model.precision import Precision
    from mpsolve.training.quantisers.quantiser import Quantiser

Kind: TypeAlias = Literal["activation", "weight"]


@dataclass(frozen=True, slots=True)
class Operand:
    """The weights of a layer, or the activation that it reads.

    Attributes
    ----------
    layer
        Name of the layer.
    kind
        ``"weight"`` or ``"activation"``.
    """

    layer: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind} of {self.layer}"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class _Network(Protocol):
    @property
    def layers(self) -> Sequence[_Named]: ...


class _Group(Protocol):
    @property
    def layers(self) -> Sequence[str]: ...


class QuantisableModel(Protocol):
    """A `torch.nn.Module` with a quantiser of every operand, such as `QuantisedModel`.

    Layers that read activations of one quantiser form a group; its layers, one after the other,
    all return the same quantiser.
    """

    @property
    def network(self) -> _Network:
        """Its ``layers`` have names, in network order."""
        ...

    @property
    def configuration(self) -> Configuration:
        """The present precision of every layer."""
        ...

    def apply_configuration(self, configuration: Mapping[str, Precision]) -> None:
        """Quantise to other precisions."""
        ...

    def group_of(self, layer: str) -> _Group:
        """All ``layers`` whose input activations have the quantiser of this one's."""
        ...

    def quantiser(self, layer: str, operand: Kind) -> Quantiser:
        """The quantiser of an operand, which is a module that the operand passes through."""
        ...

    def quantise_only(self, layer: str, operand: Kind, bits: int) -> AbstractContextManager[None]:
        """Quantise one operand and nothing else, for a while."""
        ...

    def mode(self, mode: Mode | str) -> AbstractContextManager[None]:
        """Set the mode of every quantiser, for a while."""
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """All parameters and buffers."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """All parameters."""
        ...

    def __call__(self, inputs: Tensor) -> Tensor:
        """Class scores ``(N, classes)``."""
        ...


@contextmanager
def measuring(model: QuantisableModel) -> Iterator[None]:
    """Evaluation mode, in float, without gradients of parameters; afterwards all is as it was.

    So batch statistics are frozen, and a backward pass ends at the operand that is looked at.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with evaluating(cast("nn.Module", model)), model.mode(Mode.FLOAT):
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)


@contextmanager
def quantise_together(
    model: QuantisableModel, precisions: Mapping[str, Precision]
) -> Iterator[None]:
    """Quantise both operands of some layers and nothing else, for a while.

    Raises
    ------
    InputError
        If two layers give one quantiser different bit-widths, if a bit-width is none of a grid,
        or if the precision of a quantiser is searched.
    """
    wanted: dict[Any, int] = {}
    for layer, precision in precisions.items():
        for kind, bits in operand_bits(layer, precision).items():
            quantiser = model.quantiser(layer, kind)
            if not hasattr(quantiser, "set_bits"):
                raise InputError(f"The precision of {layer} is searched; it cannot be set.")
            if wanted.setdefault(quantiser, bits) != bits:
                raise InputError(
                    f"Layer {layer} reads an activation that another layer reads in "
                    f"{wanted[quantiser]} bits, so that it cannot have {bits} bits."
                )
    was = {quantiser: quantiser.grid.bits for quantiser in wanted}
    with model.mode(Mode.FLOAT):
        try:
            for quantiser, bits in wanted.items():
                quantiser.set_bits(bits)
                quantiser.mode = Mode.QUANTISE
            yield
        finally:
            for quantiser, bits in was.items():
                quantiser.set_bits(bits)


def operand_bits(layer: str, precision: Precision) -> dict[Kind, int]:
    """The whole bit-widths of a precision.

    Raises
    ------
    InputError
        If one of them is a fraction, which no integer grid has.
    """
    bits: dict[Kind, int] = {}
    kinds: tuple[tuple[Kind, float], ...] = (
        ("activation", precision.b_in),
        ("weight", precision.b_wt),
    )
    for kind, number in kinds:
        if number != int(number):
            raise InputError(
                f"Layer {layer} at {precision}: the {kind} needs a whole number of bits; measure "
                "formats with fractions elsewhere."
            )
        bits[kind] = int(number)
    return bits


def readers(model: QuantisableModel, operand: Operand) -> tuple[str, ...]:
    """The layers that compute with an operand: all of the group that an activation belongs to."""
    if operand.kind == "weight":
        return (operand.layer,)
    return tuple(model.group_of(operand.layer).layers)


def device_of(model: QuantisableModel) -> torch.device:
    """Where the parameters are."""
    return next(iter(model.parameters())).device
