"""What DORY's Quantlab frontend asks of an ONNX file, one function per rule.

Every rule takes a `DoryFile` and yields one sentence for each place where the file breaks it; its
docstring says which part of DORY needs it (pulp-platform/dory be3d6dd, quantlib,
pulp-nn-mixed b69ec23e). They hold for any file, not only for those of this library, and need no
copy of DORY.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.deploy.dory_rules import (
    adders,
    folder,
    layers,
    names,
    packing,
    pools,
    requants,
)
from mpsolve.deploy.dory_rules.file import DoryFile as DoryFile
from mpsolve.deploy.onnx_file import load_model
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx


@dataclass(frozen=True)
class Violation:
    """One rule that a file breaks.

    Attributes
    ----------
    rule
        Name of the rule's function.
    message
        One sentence for people, which begins with the node or the file.
    """

    rule: str
    message: str

    def __str__(self) -> str:
        return self.message


RULES = (
    *names.RULES,
    *layers.RULES,
    *pools.RULES,
    *requants.RULES,
    *adders.RULES,
    *packing.RULES,
    *folder.RULES,
)


def check(
    model: str | Path | onnx.ModelProto,
    config: Mapping[str, Any] | None = None,
    golden: str | Path | None = None,
) -> tuple[Violation, ...]:
    """Every rule that a model breaks; nothing if DORY can read it.

    Parameters
    ----------
    model
        The file, or the model itself.
    config
        The entries of DORY's configuration file; without them, the input has 8 bits without a
        sign, and requantisation is computed in 32 bits.
    golden
        The folder with input.txt and out_layer0.txt; by default, golden activations are not
        checked.

    Raises
    ------
    InputError
        If the model cannot be read at all.
    MissingDependencyError
        Without onnx.
    """
    file = DoryFile(load_model(model), config, None if golden is None else Path(golden))
    return tuple(Violation(rule.__name__, message) for rule in RULES for message in rule(file))


def check_folder(config: str | Path) -> tuple[Violation, ...]:
    """Every rule that is broken by what ``network_generate.py Quantlab`` would read.

    Parameters
    ----------
    config
        DORY's configuration file, beside the model that it names and its golden activations.
    """
    path = Path(config)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}: not JSON ({error.msg}).") from None
    if not isinstance(entries, dict) or not isinstance(entries.get("onnx_file"), str):
        raise InputError(f"{path}: no entry onnx_file names the model.")
    model = path.parent / entries["onnx_file"]
    return check(model, entries, model.parent)
