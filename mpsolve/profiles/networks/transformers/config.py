"""Transformers from the ``config.json`` that Hugging Face keeps beside their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.profiles.files import read_file
from mpsolve.profiles.networks.transformers.decoder import Decoder
from mpsolve.profiles.networks.transformers.network import decoder_network

if TYPE_CHECKING:
    from os import PathLike

    from mpsolve.profiles.networks.network import Network


def from_config(
    config: str | PathLike[str] | Mapping[str, Any], tokens: int = 1, *, name: str = ""
) -> Network:
    """The network of a decoder-only transformer; see `decoder_network`.

    Parameters
    ----------
    config
        A ``config.json``, or what it holds.
    tokens
        How many tokens are processed at once; 1 while text is generated.
    name
        Name of the network, by default that of the model, of the file or of its folder.

    Raises
    ------
    InputError
        If the configuration cannot be read, or the transformer is of an unknown kind.
    """
    if isinstance(config, Mapping):
        model = str(config.get("_name_or_path") or config.get("model_type") or "decoder")
        name = name or model.rstrip("/").rpartition("/")[2]
        return decoder_network(Decoder.from_config(config), tokens, name=name)
    path = Path(config)
    try:
        return from_config(_load(path), tokens, name=name or _stem(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _load(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"The file is not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise InputError("The file is no configuration, which is an object with named fields.")
    return config


def _stem(path: Path) -> str:
    """What the file or, as all are called ``config.json``, its folder says."""
    return path.stem if path.stem != "config" else path.resolve().parent.name
