"""Budgets as people write them.

==================  ==========================================================================
``3200000``         an absolute limit in the unit of the cost; also ``3.2e6`` and ``3.2M``
``2MB``, ``512KiB``  a limit in bytes, for a cost counted in bits or bytes; also ``16Mbit``
``1.5ms``           a limit in time, for a cost counted in a unit of time
``0.7x``            0.7 times the cost of the reference configuration
``50%``             minimum + 0.5 (reference - minimum): inside the achievable range, which is how
                    HAWQ-V3 sets its budgets
==================  ==========================================================================

The arithmetic is rational, so that a budget that equals a sum of costs is not lost to rounding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from mpsolve.building.homogeneous import homogeneous_choice
from mpsolve.errors import InputError
from mpsolve.model.evaluation import evaluate, total
from mpsolve.model.ragged import checked_limit
from mpsolve.presolve.choice_groups import choice_groups

if TYPE_CHECKING:
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, Number

#: What relative budgets refer to unless the caller says otherwise.
DEFAULT_REFERENCE = "8b/8b"
#: The units of relative budgets.
RELATIVE = ("x", "X", "%")

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?"
_TEXT = re.compile(rf"({_NUMBER})\s*([a-z\u00b5\u03bc%]*)", re.IGNORECASE)
_MULTIPLES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_BITS = {"bit": 1, "bits": 1, "b": 8, "byte": 8, "bytes": 8}
_BITS |= {f"{p}bit": 1000**i for i, p in enumerate("kmgt", 1)}
_BITS |= {f"{p}ibit": 1024**i for i, p in enumerate("kmgt", 1)}
_BITS |= {f"{p}b": 8 * 1000**i for i, p in enumerate("kmgt", 1)}
_BITS |= {f"{p}ib": 8 * 1024**i for i, p in enumerate("kmgt", 1)}
_SECONDS = {"s": Fraction(1), "ms": Fraction(1, 10**3), "us": Fraction(1, 10**6)}
_SECONDS |= {"\u00b5s": Fraction(1, 10**6), "\u03bcs": Fraction(1, 10**6)}  # micro sign, Greek mu
_SECONDS |= {"ns": Fraction(1, 10**9)}


def parse_budgets(texts: tuple[str, ...] | list[str]) -> dict[str, str]:
    """Split ``COST=LIMIT`` texts, as the command line takes them."""
    budgets: dict[str, str] = {}
    for text in texts:
        name, equals, limit = text.partition("=")
        if not equals or not name.strip() or not limit.strip():
            raise InputError(f"{text!r} is not a budget: write COST=LIMIT, such as latency=0.7x.")
        if name.strip() in budgets:
            raise InputError(f"There are two budgets on {name.strip()}; give one.")
        budgets[name.strip()] = limit.strip()
    return budgets


def resolve_budgets(
    problem: Problem,
    budgets: Mapping[str, Number | str],
    reference: Configuration | str | None = None,
) -> dict[str, Number]:
    """Turn budgets into numbers in the units of their costs.

    Parameters
    ----------
    problem
        The problem whose costs the budgets limit.
    budgets
        Cost name -> number, or text as the module describes.
    reference
        The configuration, or the text of a homogeneous one, that relative budgets refer to.

    Raises
    ------
    InputError
        If a text cannot be understood, a unit does not fit the cost, or the reference is not a
        configuration of the problem.
    """
    return {
        name: _resolve(problem, name, limit, reference) if isinstance(limit, str) else limit
        for name, limit in budgets.items()
    }


def _resolve(
    problem: Problem, name: str, text: str, reference: Configuration | str | None
) -> Number:
    value, unit = split_limit(name, text)
    if name not in problem.costs:
        known = ", ".join(problem.costs) or "none"
        raise InputError(f"There is no cost {name} to put a budget on; the costs are: {known}.")
    try:
        if unit in RELATIVE:
            limit = _relative(problem, name, value, unit, reference)
        else:
            limit = value * unit_factor(name, text, unit, problem.units.get(name, ""))
        if problem.costs[name].dtype.kind == "i":
            return limit.numerator // limit.denominator
        return float(limit)
    except OverflowError:
        raise InputError(f"The budget {name}={text} exceeds every float; leave it out.") from None


def split_limit(name: str, text: str) -> tuple[Fraction, str]:
    """The number and the unit of a budget that is written as text."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"The budget {name}={text} is not understood: write a number with or without a unit "
            "(3.2e6, 2MB, 512KiB), 0.7x of the reference, or 50% of the achievable range."
        )
    return Fraction(match[1]), match[2]


def byte_limit(name: str, limit: Number | str | None) -> int | None:
    """Bytes of a limit on ``rom`` or ``ram``; None stays None.

    Parameters
    ----------
    name
        What is limited, for messages.
    limit
        A number of bytes, or text as the module describes: ``"2MB"``, ``"512KiB"``.
        Decimal and binary prefixes differ.

    Raises
    ------
    InputError
        If the limit is not understood, or relative to something.
    """
    if isinstance(limit, str):
        value, unit = split_limit(name, limit)
        if unit in RELATIVE:
            raise InputError(f"The limit {name}={limit} is no size; write 512kB or 512KiB.")
        limit = int(value * unit_factor(name, limit, unit, "byte"))
    if limit is None:
        return None
    return int(checked_limit(f"The limit on {name}", limit) // 1)


def _relative(
    problem: Problem,
    name: str,
    value: Fraction,
    unit: str,
    reference: Configuration | str | None,
) -> Fraction:
    cost = problem.costs[name]
    choice = reference_choice(problem, reference, f"{name}={_shown(value, unit)}")
    highest = Fraction(evaluate(problem, choice).costs[name])
    if unit != "%":
        return value * highest
    if problem.pairwise_on(name):
        raise InputError(
            f"The budget {name}={_shown(value, unit)} is part of a range whose least value takes "
            f"a search, since pairs of layers add to {name}; give a number or a part of the "
            "reference such as 0.7x."
        )
    groups = choice_groups(problem)
    if groups.empty_groups:
        layers = ", ".join(problem.layers[i] for i in groups.empty_groups[0])
        raise InputError(
            f"The budget {name}={_shown(value, unit)} is part of a range, but nothing is "
            f"achievable: no candidate is left for {layers}."
        )
    least = Fraction(total(cost[problem.flat(groups.cheapest(cost))]))
    return least + value / 100 * (highest - least)


def reference_choice(
    problem: Problem, reference: Configuration | str | None, budget: str
) -> IntArray:
    """The choice that a relative budget refers to.

    Raises
    ------
    InputError
        If the reference is none of the problem; the message names the budget, as it was written.
    """
    try:
        if isinstance(reference, Mapping):
            return problem.choice(reference)
        return homogeneous_choice(problem, reference or DEFAULT_REFERENCE)[0]
    except InputError as error:
        raise InputError(
            f"The budget {budget} is relative to the reference configuration, "
            f"which does not fit: {error} Name another reference."
        ) from None


def unit_factor(name: str, text: str, unit: str, own: str) -> Fraction:
    """How many of a cost's own units one unit of the text is."""
    own_key = own.split()[0].lower() if own else ""
    key = unit.lower()
    if unit.endswith("b") and key in _BITS:
        stem = text.strip().removesuffix("b")
        raise InputError(
            f"The budget {name}={text} may mean bits or bytes; write {stem}B for bytes or "
            f"{stem}bit for bits."
        )
    if own_key in _BITS and key in _BITS:
        return Fraction(_BITS[key], _BITS[own_key])
    if own_key in _SECONDS and key in _SECONDS:
        return _SECONDS[key] / _SECONDS[own_key]
    if key in _MULTIPLES and not (unit == "m" and key == "m"):
        return Fraction(_MULTIPLES[key])
    known = f"in {own}" if own else "in an unstated unit"
    raise InputError(
        f"The budget {name}={text} has the unit {unit}, but {name} is counted {known}; "
        "write the number in that unit."
    )


def _shown(value: Fraction, unit: str) -> str:
    return f"{float(value):g}{unit}"
