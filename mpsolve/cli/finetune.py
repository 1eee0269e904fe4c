"""``mpsolve finetune``: a network in a known configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from mpsolve.cli.completions import complete_files
from mpsolve.cli.options import rules_options
from mpsolve.cli.output import print_json, print_report
from mpsolve.cli.profiling import graph_rules
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
from mpsolve.model.configuration import Configuration


@click.command(
    help=f"""Fine-tune a network in a configuration, with trained thresholds (TQT).

    {MODEL_HELP}

    The configuration is what mpsolve solve -o, mpsolve search or another tool wrote. The folder
    gets run.json, checkpoint.pt, metrics.csv, configuration.json and, in the end, weights.pt, with
    the thresholds. Ctrl-C leaves a checkpoint, and the same command goes on from it.""",
    epilog="""\b
Examples:
  mpsolve finetune ds_cnn_small:runs/float --configuration best.json --data digits -o runs/best
  mpsolve finetune mobilenet_v2:weights.pt --configuration best.json \\
      --data imagefolder:/data/ILSVRC2012 --workers 8 -o runs/best
  mpsolve finetune net.py:make:weights.pt --configuration best.json --data digits \\
      --recipe tqt_digits --set epochs=5 --set quantisation.activation_clip=max -o runs/best
""",
)
@click.option(
    "--configuration",
    metavar="FILE",
    required=True,
    shell_complete=complete_files,
    help="The precision of every layer, as JSON.",
)
@click.option(
    "--last-per-tensor",
    is_flag=True,
    help="One threshold for all weights of the last layer, so that the greatest integer that it "
    "returns is the class.",
)
@rules_options
@training_options
def finetune(
    model: str,
    *,
    configuration: str,
    adder_bits: str,
    input_bits: str,
    data: str,
    output: str,
    recipe: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Fine-tune a network in a configuration."""
    as_json, quiet = reporting(as_json, quiet)
    wanted, rules = Configuration.read(configuration), graph_rules(adder_bits, input_bits)
    prepared = prepare(model, data, "tqt", recipe, overrides, seed)
    from mpsolve.training.finetuning import finetune as tune

    with following("fine-tuning", silent=quiet or as_json) as progress:
        done = tune(
            prepared.model,
            wanted,
            prepared.data,
            prepared.recipe,
            rules=rules,
            folder=output,
            name=prepared.name,
            progress=progress,
            **options,
        )
    if as_json:
        told = {"configuration": done.configuration.to_json(), **training_json(done.trained)}
        print_json({"accuracy": done.accuracy, "folder": output, **told})
    if done.accuracy is None:
        tell_interrupted(done.trained, prepared.recipe, output)
        return INTERRUPTED
    if not quiet and not as_json:
        print_report(
            Text(
                f"{prepared.name} on {prepared.data.name} in {configuration}: "
                f"{done.trained.epochs} epochs, {validation(done.trained)}, test accuracy "
                f"{done.accuracy:.2%}"
            ),
            Text(f"{Path(output) / 'weights.pt'} has the weights and the thresholds."),
        )
    return SOLVED
