"""Reading the network that a person named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.networks.geometry import read_geometry
from mpsolve.profiles.networks.named import is_named_network, named_network, similar_networks
from mpsolve.profiles.networks.readers.onnx_file import read_onnx
from mpsolve.profiles.networks.readers.torch_program import read_exported

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.profiles.networks.network import Network


def load_network(text: str) -> Network:
    """Read the network that a person named: a file, or one of `named_networks`.

    Parameters
    ----------
    text
        A ``.csv`` file (`read_geometry`), an ``.onnx`` file (`read_onnx`), a ``.pt2`` file
        (`from_torch`), or a name.

    Raises
    ------
    InputError
        If it is neither, or cannot be read; the message says what to do.
    """
    path = Path(text)
    reader = _reader(path.suffix.lower())
    if reader:
        return reader(path)
    if path.is_file():
        raise InputError(f"{text} cannot be read as a network; files end in {', '.join(SUFFIXES)}.")
    if is_named_network(text):
        return named_network(text)
    raise InputError(
        f"{text!r} is neither a network nor a file; try {similar_networks(text)}, "
        f"or a path that ends in {', '.join(SUFFIXES)}."
    )


#: What a file that holds a network ends in.
SUFFIXES = (".csv", ".json", ".onnx", ".pt2")


def _reader(suffix: str) -> Callable[[Path], Network] | None:
    """The function that reads files of this suffix."""
    if suffix == ".csv":
        return read_geometry
    if suffix == ".onnx":
        return read_onnx
    if suffix == ".pt2":
        return read_exported
    return None
