"""Reading the data set that a person named."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpsolve.training.data.dataset import DataSet

#: Name -> module below this package; the function in it has the same name. What it takes by
#: position follows the first colon, and its keyword-only arguments are options.
DATA = ("digits", "synthetic", "imagefolder", "cifar10")


def load_data(text: str) -> DataSet:
    """Read the data set that a person named.

    Parameters
    ----------
    text
        A name of `DATA`. A path or a kind follows a colon, and options follow commas:
        ``digits``, ``digits:seed=1``, ``synthetic:gratings,size=32``,
        ``imagefolder:/data/ILSVRC2012,augment=true``, ``cifar10:/data/cifar-10-batches-bin``.

    Raises
    ------
    InputError
        If there is no such data set or option, or it cannot be read.
    """
    name, _, rest = text.partition(":")
    if name not in DATA:
        similar = get_close_matches(name.strip().lower(), DATA, n=1, cutoff=0.5)
        hint = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(DATA)}."
        raise InputError(f"There is no data set {name!r}; {hint}")
    make = getattr(import_module(f"mpsolve.training.data.{name}"), name)
    parameters = signature(make).parameters
    argument, options = _parts(rest, parameters)
    required = [p for p in parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if argument and not required:
        raise InputError(f"{text}: {argument!r} is not understood; {_offered(name, parameters)}.")
    if not argument and any(p.default is p.empty for p in required):
        raise InputError(f"{text} lacks the folder of its files; write {name}:FOLDER.")
    made = _made(make, text, [argument] if argument else [], options)
    return replace(made, spec=text)


def _parts(rest: str, parameters: Mapping[str, Parameter]) -> tuple[str, dict[str, str]]:
    """What stands before the options, and the options; a path may contain commas."""
    argument, *pieces = re.split(r"(?:^|,)\s*(\w+)=", rest)
    for key in pieces[::2]:
        if key not in parameters or parameters[key].kind is not Parameter.KEYWORD_ONLY:
            similar = get_close_matches(key, parameters, n=1)
            hint = f"did you mean {similar[0]}?" if similar else "see its options."
            raise InputError(f"{rest}: there is no option {key!r}; {hint}")
    return argument, dict(zip(pieces[::2], pieces[1::2], strict=True))


def _made(
    make: Callable[..., DataSet], text: str, arguments: list[str], options: Mapping[str, str]
) -> DataSet:
    values = {}
    for key, value in options.items():
        try:
            values[key] = _value(value, str(signature(make).parameters[key].annotation))
        except (ValueError, KeyError):
            raise InputError(f"{text}: {key}={value} is not understood.") from None
    return make(*arguments, **values)


def _value(text: str, annotation: str) -> Any:
    if annotation == "bool":
        return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
    return float(text) if annotation == "float" else int(text)


def _offered(name: str, parameters: Mapping[str, Parameter]) -> str:
    offered = ", ".join(f"{k}=..." for k, p in parameters.items() if p.kind is p.KEYWORD_ONLY)
    return f"{name} takes {offered}"
