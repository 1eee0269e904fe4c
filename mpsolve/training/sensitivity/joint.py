"""The losses of whole configurations, which sums of sensitivities are to predict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.storage.journal import Journal
from mpsolve.training.progress import Count
from mpsolve.training.quantisers.quantiser import Mode
from mpsolve.training.sensitivity.checkpoint import fingerprint, require_own
from mpsolve.training.sensitivity.loss import losses
from mpsolve.training.sensitivity.operand import measuring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from mpsolve.model.configuration import Configuration
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.operand import QuantisableModel
    from mpsolve.typing import FloatArray


def joint_loss(model: QuantisableModel, data: Examples, configuration: Configuration) -> float:
    """The mean loss with every quantiser at work, as the network would be deployed."""
    was = model.configuration
    with measuring(model), model.mode(Mode.QUANTISE):
        model.apply_configuration(configuration)
        try:
            return float(losses(model, data).mean())
        finally:
            model.apply_configuration(was)


def joint_losses(
    model: QuantisableModel,
    data: Examples,
    configurations: Sequence[Configuration],
    *,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[Count], None] | None = None,
) -> FloatArray:
    """The joint losses of ``C`` configurations: ``(C,)``.

    Parameters
    ----------
    model
        The network; its configuration is restored.
    data
        The examples.
    configurations
        What to evaluate.
    checkpoint
        A file of JSON lines that takes up every loss, from which a killed run goes on; it serves
        for other configurations too.
    progress
        Called after every configuration.

    Raises
    ------
    InputError
        If the checkpoint belongs to another model or other examples, or is none.
    """
    known: dict[str, float] = {}
    header = {"mpsolve": "joint losses", "data": data.fingerprint, "model": fingerprint(model)}
    journal = Journal(
        checkpoint,
        "a checkpoint of joint losses",
        header,
        lambda entry: known.update({_key(entry["configuration"]): float(entry["loss"])}),
        check=lambda theirs: require_own(checkpoint, theirs, header),
        key=lambda entry: _key(entry["configuration"]),
    )
    found = []
    with journal:
        for done, configuration in enumerate(configurations, 1):
            key = _key(configuration.to_json())
            if key not in known:
                known[key] = joint_loss(model, data, configuration)
                journal.append({"configuration": configuration.to_json(), "loss": known[key]})
            found.append(known[key])
            if progress is not None:
                progress(Count(done, len(configurations)))
    return np.array(found)


def _key(configuration: Any) -> str:
    return json.dumps(configuration, sort_keys=True)
