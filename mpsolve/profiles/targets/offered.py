"""Refusing what a target does not offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.targets.target import Target


def check_offered(target: Target, layer_type: LayerType, precision: Precision) -> None:
    """Refuse a layer type or a precision that the target cannot compute.

    Raises
    ------
    InputError
        If it is not among the target's precisions for the layer type.
    """
    offered = target.precisions(layer_type)
    if precision not in offered:
        known = f"it offers {', '.join(map(str, offered))}" if offered else "it offers none"
        raise InputError(f"{target.name} cannot compute {layer_type} in {precision}; {known}.")
