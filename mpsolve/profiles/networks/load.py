"""Reading the network that a person named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.networks.geometry import read_geometry
from mpsolve.profiles.networks.named import is_named_network, named_network, similar_networks
from mpsolve.profiles.networks.readers.onnx_file import read_onnx
from mpsolve.profiles.networks.readers.torch_program import read_exported
from mpsolve.profiles.networks.transformers.config import from_config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.profiles.networks.network import Network

#: What files that hold networks end in.
SUFFIXES = (".csv", ".json", ".onnx", ".pt2")
_ENDINGS = ", ".join(SUFFIXES)


def load_network(
    text: str, *, shapes: Mapping[str, Sequence[int]] | None = None, tokens: int | None = None
) -> Network:
    """Read the network that a person named: a file, or one of `named_networks`.

    Parameters
    ----------
    text
        A ``.csv`` file (`read_geometry`), the ``.json`` configuration of a transformer
        (`from_config`), an ``.onnx`` file (`read_onnx`), a ``.pt2`` file of ``torch.export.save``
        (`from_torch`), or a name.
    shapes
        Of an ONNX file, the shapes of inputs that it leaves open.
    tokens
        Of a transformer, how many tokens are processed at once.

    Raises
    ------
    InputError
        If it is none of these, or cannot be read; the message says what to do.
    """
    path = Path(text)
    suffix = path.suffix.lower()
    if shapes and suffix != ".onnx":
        raise InputError(f"{text} takes no shapes of inputs; only ONNX files do.")
    if tokens is not None and suffix != ".json":
        raise InputError(f"{text} takes no number of tokens; only configurations do.")
    if suffix == ".csv":
        return read_geometry(path)
    if suffix == ".json":
        return from_config(path, 1 if tokens is None else tokens)
    if suffix == ".onnx":
        return read_onnx(path, shapes)
    if suffix == ".pt2":
        return read_exported(path)
    if path.is_file():
        raise InputError(f"{text} cannot be read as a network; files end in {_ENDINGS}.")
    if is_named_network(text):
        return named_network(text)
    raise InputError(
        f"{text!r} is neither a network nor a file; try {similar_networks(text)}, or a path that "
        f"ends in {_ENDINGS}."
    )
