"""The targets by name: what ``--target`` and `load_target` accept."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.profiles.targets.target import Target


#: Name -> module below this package, the target or what makes it, and the arguments that the name
#: implies. The further arguments of what makes it are the options of the target.
TARGETS: dict[str, tuple[str, ...]] = {
    "pulp8-xpulpv2-model": ("pulp.target", "PulpModel", "xpulpv2"),
    "pulp8-xpulpnnv1-model": ("pulp.target", "PulpModel", "xpulpnnv1"),
    "pulp8-xpulpnnv2-model": ("pulp.target", "PulpModel", "xpulpnnv2"),
    "mpic-model": ("mpic", "MPIC"),
    "ne16-model": ("ne16", "NE16"),
    "cortex-m4-roofline-model": ("roofline_file", "bundled_roofline", "cortex-m4-roofline-model"),
    "t4-roofline-model": ("roofline_file", "bundled_roofline", "t4-roofline-model"),
    "cpu": ("measured.cpu", "CpuTarget"),
    "cuda": ("measured.cuda", "CudaTarget"),
}


def load_target(text: str) -> Target:
    """Make the target that a person named.

    Parameters
    ----------
    text
        A name of `TARGETS`, with or without ``-model``, or the path of a TOML file (see
        `mpsolve.profiles.targets.roofline_file`). Options follow a colon: ``cpu:threads=2``.

    Raises
    ------
    InputError
        If there is no such target or option; the message lists similar ones.
    """
    if _is_file(text):
        from mpsolve.profiles.targets.roofline_file import read_roofline

        return read_roofline(text)
    name, _, options = text.partition(":")
    known, make = _named(name)
    given: dict[str, int | float | str] = {}
    for part in filter(None, options.split(",")):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if key not in target_options(name) or not value:
            offered = ", ".join(f"{option}=..." for option in target_options(name))
            raise InputError(
                f"{text}: {part!r} is not understood; {known} takes {offered or 'no options'}."
            )
        given[key] = _value(value)
    return make(**given)


def target_options(text: str) -> dict[str, Any]:
    """What a target can be told, and what holds otherwise."""
    if _is_file(text):
        return {}
    parameters = signature(_named(text.partition(":")[0])[1]).parameters
    return {name: p.default for name, p in parameters.items()}


def _is_file(text: str) -> bool:
    return text.lower().endswith(".toml") or Path(text).is_file()


def _named(name: str) -> tuple[str, Callable[..., Target]]:
    """The full name of a target, and what makes it."""
    known = name if name in TARGETS else f"{name}-model"
    if known not in TARGETS:
        close = get_close_matches(known, TARGETS, n=3) or get_close_matches(name, TARGETS, n=1)
        similar = ", ".join(close or TARGETS)
        raise InputError(f"There is no target {name!r}; try {similar}, or a .toml file.")
    module, attribute, *fixed = TARGETS[known]
    made = getattr(import_module(f"mpsolve.profiles.targets.{module}"), attribute)
    return known, partial(made, *fixed) if callable(made) else lambda: made


def _value(text: str) -> int | float | str:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
