"""What the commands that measure a quantised network have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from mpsolve.cli.completions import complete_files
from mpsolve.cli.profiling import graph_rules
from mpsolve.cli.training import load_trained
from mpsolve.training.sensitivity.names import EXAMPLES

if TYPE_CHECKING:
    from mpsolve.cli.options import Command, Decorator
    from mpsolve.training import DataSet
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

_OPTIONS: tuple[Decorator, ...] = (
    click.argument("model", shell_complete=complete_files),
    click.option("--data", metavar="DATA", required=True, help="As in mpsolve train."),
    click.option(
        "--examples",
        type=click.IntRange(min=1),
        default=EXAMPLES,
        show_default=True,
        help="How many examples to measure on.",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all draws."
    ),
)


def measuring_options(command: Command) -> Command:
    """MODEL and what it is measured on; see `observed`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, eq=False)
class Observed:
    """A network that can be quantised.

    Attributes
    ----------
    model
        With thresholds that were observed on the training examples.
    examples
        Those.
    data
        The whole data set.
    name
        The model without its weights.
    """

    model: QuantisedModel
    examples: Examples
    data: DataSet
    name: str


def observed(
    model: str, data: str, examples: int, seed: int, adder_bits: str, input_bits: str
) -> Observed:
    """The network that was named; all texts are those of the options.

    Raises
    ------
    InputError
        If any of them is not understood, or the model has no weights.
    MissingDependencyError
        If torch is not installed.
    """
    rules = graph_rules(adder_bits, input_bits)
    loaded, known, name = load_trained(model, data, seed)
    from mpsolve.training.sensitivity.prepare import prepare

    quantised, drawn = prepare(loaded, known, examples, seed=seed, rules=rules, name=name)
    return Observed(quantised, drawn, known, name)
