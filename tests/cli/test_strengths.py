"""``--strength`` takes one number or several, however they are written."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from mpsolve import InputError
from mpsolve.cli.strengths import StrengthCommand, numbers, strength_option


@click.command(cls=StrengthCommand)
@click.argument("model")
@strength_option
@click.option("--seed", type=int)
def show(model: str, strengths: tuple[str, ...], seed: int | None) -> None:
    click.echo(f"{model} {numbers(strengths)} {seed}")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("net --strength 0.01 0.03 0.06 0.12", "net (0.01, 0.03, 0.06, 0.12) None"),
        ("--strength 0.01 0.03 net", "net (0.01, 0.03) None"),
        ("net --strength 0.01,0.03", "net (0.01, 0.03) None"),
        ("net --strength 0.01 --strength 1e-3,2", "net (0.01, 0.001, 2.0) None"),
        ("net --strength=0.01 0.03 --seed 3", "net (0.01, 0.03) 3"),
        ("--seed 3 net", "net () 3"),
        ("--strength 1 --seed 3 7", "7 (1.0,) 3"),
    ],
)
def test_numbers_may_follow_each_other(arguments: str, shown: str) -> None:
    """With spaces, with commas, or after the option again; other options end them."""
    result = CliRunner().invoke(show, arguments.split())
    assert result.output == f"{shown}\n"


@pytest.mark.parametrize("text", ["-1", "inf", "nan", "a", "0.1,0.1"])
def test_other_texts_are_refused(text: str) -> None:
    """With the option and what was written."""
    with pytest.raises(InputError, match=r"^--strength "):
        numbers([text])
