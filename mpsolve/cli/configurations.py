"""Configurations as people name them: a file, standard input, or one precision for all layers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

STDIN = "-"


def read_configuration(text: str, table: str) -> Configuration:
    """Read a configuration from a file or, for ``-``, from standard input.

    Parameters
    ----------
    text
        The path.
    table
        How the table was named, which may have used up standard input.
    """
    if text != STDIN:
        return Configuration.read(text)
    if table == STDIN:
        raise InputError("Standard input cannot be both the table and a configuration.")
    try:
        data = json.load(sys.stdin)
    except (ValueError, AttributeError) as error:
        raise InputError(f"Standard input is not a JSON configuration: {error}.") from None
    return Configuration.from_json(data, "standard input")


def configuration_or_precision(
    text: str, table: str, precisions: Sequence[Precision]
) -> Configuration | str:
    """Tell a homogeneous precision from a file.

    Parameters
    ----------
    text
        What was written.
    table
        How the table was named.
    precisions
        The candidates of the table, whose named formats need only their name.

    Raises
    ------
    InputError
        If it is neither.
    """
    if any(p.name == text for p in precisions if p.name):
        return text
    try:
        return str(Precision.parse(text)) if not Precision.parse(text).name else text
    except InputError:
        if text == STDIN or Path(text).exists():
            return read_configuration(text, table)
    raise InputError(f"{text!r} is neither a configuration file nor a precision such as 8b/8b.")
