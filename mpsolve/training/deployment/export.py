"""Files of a fine-tuned network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.deploy.export import Format, export_network
from mpsolve.deploy.network import IntegerNetwork
from mpsolve.training.deployment.integerise import integerise

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.training.wrapping.quantised_model import QuantisedModel


def export(
    model: QuantisedModel | IntegerNetwork,
    folder: str | Path,
    format: Format = "onnxruntime",
    *,
    images: Any = None,
) -> Path:
    """Write an integer network, or what `integerise` makes of a model.

    Parameters
    ----------
    model
        A network, or a model that is integerised first: for DORY, with the clips of its kernels.
    folder, format, images
        As in `mpsolve.deploy.export_network`.

    Raises
    ------
    InputError, MissingDependencyError
        As `integerise` and `mpsolve.deploy.export_network` do.
    """
    if not isinstance(model, IntegerNetwork):
        model = integerise(model, clip="kernels" if format == "dory" else "exact")
    return export_network(model, folder, format, images=images)
