"""What an assignment must respect beside its budgets, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.model.ragged import checked_limit
from mpsolve.storage.frozen import Picklable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.typing import FloatArray

Relation = Literal["precision", "b_in", "b_wt"]
RELATIONS: tuple[Relation, ...] = ("precision", "b_in", "b_wt")
Kind = Literal["fixed", "forbidden", "minimum", "maximum"]
KINDS: tuple[Kind, ...] = ("fixed", "forbidden", "minimum", "maximum")


@dataclass(frozen=True)
class Tie:
    """Layers that must take the same bit-width, as residual branches and fused projections do.

    Attributes
    ----------
    layers
        At least two layer names.
    equal
        What is shared: ``"b_in"``, ``"b_wt"`` or the whole ``"precision"``.
    label
        A short name for messages, such as the tie group of a table.
    """

    layers: tuple[str, ...]
    equal: Relation = "precision"
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.equal not in RELATIONS:
            raise InputError(f"A tie shares one of {', '.join(RELATIONS)}, not {self.equal!r}.")
        if len(set(self.layers)) < 2 or len(set(self.layers)) != len(self.layers):
            raise InputError(f"A tie joins two or more different layers, not {self.layers}.")

    def key(self, precision: Precision) -> object:
        """The part of a precision that the tied layers share."""
        return precision if self.equal == "precision" else getattr(precision, self.equal)

    def __str__(self) -> str:
        shown = ", ".join(self.layers[:4]) + (", ..." if len(self.layers) > 4 else "")
        return f"tie {self.label + ' ' if self.label else ''}(equal {self.equal} of {shown})"


@dataclass(frozen=True)
class Restriction:
    """A limit on the precisions of one layer.

    Attributes
    ----------
    layer
        The layer.
    kind
        ``"fixed"``, ``"forbidden"``, ``"minimum"`` (only precisions that are higher or equal) or
        ``"maximum"`` (only precisions that are lower or equal).
    precision
        The precision that the kind speaks of.
    """

    layer: str
    kind: Kind
    precision: Precision

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"A restriction is one of {', '.join(KINDS)}, not {self.kind!r}.")
        object.__setattr__(self, "precision", _parsed(self.precision))

    def allows(self, candidate: Precision) -> bool:
        """Whether the layer may take this candidate."""
        if self.kind == "fixed":
            return candidate == self.precision
        if self.kind == "forbidden":
            return candidate != self.precision
        if self.kind == "minimum":
            return candidate.is_higher_or_equal(self.precision)
        return self.precision.is_higher_or_equal(candidate)

    def __str__(self) -> str:
        return f"{self.kind} {self.precision} of layer {self.layer}"


@dataclass(frozen=True, eq=False)
class LinearConstraint(Picklable):
    """A limit on a sum over some of the layers: sum of the candidates' coefficients <= limit.

    The RAM of a node enters so: the coefficients of its layer are the bytes of its input, those
    of the next layer the bytes of its output (M2 of HAQ for microcontrollers).

    Attributes
    ----------
    name
        For messages, such as ``"RAM of conv3"``.
    terms
        Layer -> ``(K_layer,)`` float64 coefficients, one per candidate of that layer.
    limit
        The upper limit, in the unit of the coefficients.
    """

    name: str
    terms: Mapping[str, FloatArray]
    limit: float

    def __post_init__(self) -> None:
        terms = {layer: _coefficients(self.name, layer, c) for layer, c in self.terms.items()}
        if not terms:
            raise InputError(f"Constraint {self.name} needs at least one layer.")
        limit = float(checked_limit(f"The limit of constraint {self.name}", self.limit))
        object.__setattr__(self, "terms", MappingProxyType(terms))
        object.__setattr__(self, "limit", limit)

    def __str__(self) -> str:
        return f"constraint {self.name}"


def _parsed(precision: Precision | str) -> Precision:
    return precision if isinstance(precision, Precision) else Precision.parse(precision)


def _coefficients(name: str, layer: str, values: Sequence[float] | FloatArray) -> FloatArray:
    try:
        array = np.array(values, np.float64)
        fits = array.ndim == 1 and bool(np.isfinite(array).all())
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise InputError(f"Constraint {name}, layer {layer}: give one finite number per candidate.")
    array.setflags(write=False)
    return array
