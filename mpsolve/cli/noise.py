"""The options that speak of errors in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mpsolve.errors import InputError
from mpsolve.uncertainty.sets import ASSUMPTIONS, Box, Budgeted, ChanceConstraint

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.uncertainty.sets import Errors, Robustness

deviation_option = click.option(
    "--std",
    "deviations",
    metavar="COST=WIDTH",
    multiple=True,
    help="The standard deviation of a cost, or of loss, where the table has no column COST_std: a "
    "number in the unit of the cost, or 5% of every candidate's own; repeat for others.",
)
confidence_option = click.option(
    "--confidence",
    metavar="[COST=]PROBABILITY",
    multiple=True,
    help="Keep the budget with this probability, such as 95%, although the cost deviates; without "
    "COST, every budget whose cost has standard deviations, each by itself.",
)
errors_option = click.option(
    "--errors",
    type=click.Choice(list(ASSUMPTIONS)),
    help="What --confidence assumes: independent normal errors, normal errors of any correlation, "
    "uncorrelated errors of any distribution, or nothing.  [default: normal]",
)
protect_option = click.option(
    "--protect",
    metavar="COST=WIDTH[:LAYERS]",
    multiple=True,
    help="Keep the budget although every layer's cost is off by WIDTH, such as 5% or 200, or, "
    "with LAYERS, although that many layers' are.",
)


def with_deviations(problem: Problem, texts: tuple[str, ...]) -> Problem:
    """The problem with the standard deviations of ``--std``."""
    return problem.with_deviations(dict(_split("--std", text) for text in texts))


def protections(
    problem: Problem, confidence: tuple[str, ...], errors: Errors | None, protect: tuple[str, ...]
) -> list[Robustness]:
    """What ``--confidence``, ``--errors`` and ``--protect`` ask for.

    Raises
    ------
    InputError
        If they are not understood, or nothing deviates.
    """
    if errors and not confidence:
        raise InputError("--errors says what --confidence assumes; give --confidence as well.")
    found: list[Robustness] = []
    for text in confidence:
        cost, equals, _ = text.rpartition("=")
        probability = _probability(text.rpartition("=")[2])
        deviating = [name for name in problem.budgets if name in problem.deviations]
        if not equals and not deviating:
            raise InputError(
                f"--confidence {text}: no cost with a budget has standard deviations; add a "
                "column such as latency_std to the table, or give --std latency=5%."
            )
        costs = [cost.strip()] if equals else deviating
        found += [ChanceConstraint(name, probability, errors or "normal") for name in costs]
    for text in protect:
        cost, width = _split("--protect", text)
        width, colon, layers = width.partition(":")
        found.append(Budgeted(cost, width, _layers(text, layers)) if colon else Box(cost, width))
    return found


def _split(option: str, text: str) -> tuple[str, str]:
    name, equals, width = text.partition("=")
    if not equals or not name.strip() or not width.strip():
        raise InputError(f"{option} {text}: write COST=WIDTH, such as latency=5%.")
    return name.strip(), width.strip()


def _probability(text: str) -> float:
    number, percent, rest = text.strip().partition("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        rest = text
    if rest:
        raise InputError(f"--confidence {text}: write a probability, such as 95% or 0.95.")
    return value


def _layers(text: str, layers: str) -> float:
    try:
        return float(layers)
    except ValueError:
        raise InputError(
            f"--protect {text}: write a number of layers after the colon, such as latency=5%:3."
        ) from None
