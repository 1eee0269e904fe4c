"""``mpsolve train``: a network in full precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from mpsolve.cli.output import print_json, print_report
from mpsolve.cli.progress import following
from mpsolve.cli.status import INTERRUPTED, SOLVED
from mpsolve.cli.training import (
    MODEL_HELP,
    prepare,
    reporting,
    tell_interrupted,
    training_json,
    training_options,
    validation,
)


@click.command(
    help=f"""Train a network in full precision.

    {MODEL_HELP}

    The folder gets run.json, checkpoint.pt, metrics.csv and, in the end, weights.pt. Ctrl-C leaves
    a checkpoint, and the same command goes on from it as if nothing had happened.""",
    epilog="""\b
Examples:
  mpsolve train ds_cnn_small --data digits -o runs/float
  mpsolve train resnet8 --data cifar10:/data/cifar-10-batches-bin --recipe full_precision_digits \\
      --set epochs=60 -o runs/resnet8
  mpsolve train net.py:make --data imagefolder:/data/flowers --recipe flowers.toml -o runs/flowers
""",
)
@training_options
def train(
    model: str,
    *,
    data: str,
    output: str,
    recipe: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Train a network in full precision."""
    as_json, quiet = reporting(as_json, quiet)
    prepared = prepare(model, data, "full_precision", recipe, overrides, seed, trained=False)
    from mpsolve.training.full_precision import train_full_precision

    with following("training", silent=quiet or as_json) as progress:
        done = train_full_precision(
            prepared.model,
            prepared.data,
            prepared.recipe,
            folder=output,
            name=prepared.name,
            progress=progress,
            **options,
        )
    if as_json:
        print_json({"accuracy": done.accuracy, "folder": output, **training_json(done.trained)})
    if done.accuracy is None:
        tell_interrupted(done.trained, prepared.recipe, output)
        return INTERRUPTED
    if not quiet and not as_json:
        print_report(
            Text(
                f"{prepared.name} on {prepared.data.name}: {done.trained.epochs} epochs, "
                f"{validation(done.trained)}, test accuracy {done.accuracy:.2%}"
            ),
            Text(f"{Path(output) / 'weights.pt'} has the weights."),
        )
    return SOLVED
