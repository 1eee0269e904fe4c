"""``mpsolve predictiveness``: whether sums of sensitivities rank configurations as losses do."""

from __future__ import annotations

import csv
from dataclasses import asdict
from io import StringIO
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.building.pairs_file import read_pairs
from mpsolve.cli.completions import complete_files
from mpsolve.cli.measuring import measuring_options, observed
from mpsolve.cli.options import output_options, rules_options
from mpsolve.cli.output import check_writable, print_json, print_report
from mpsolve.cli.progress import following
from mpsolve.cli.status import SOLVED
from mpsolve.cli.training import MODEL_HELP
from mpsolve.errors import TableError
from mpsolve.profiles.read import read_table
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.sensitivity.predictiveness import Predictiveness
    from mpsolve.training.wrapping.quantised_model import QuantisedModel


@click.command(
    help=f"""Say how well sums of sensitivities predict the loss of quantised networks.

    {MODEL_HELP}

    Random configurations are predicted and then measured on validation examples, and their ranks
    compared. Give --examples, --seed, --adder-bits and --input-bits as in mpsolve sensitivity, so
    that the quantisers are the same. Ctrl-C loses nothing that --checkpoint has taken up.""",
    epilog="""\b
Examples:
  mpsolve predictiveness ds_cnn_small:runs/float --data digits --sensitivities sensitivity.csv
  mpsolve predictiveness ds_cnn_small:runs/float --data digits --sensitivities sensitivity.csv \\
      --pairs pairs.csv --samples 300 --checkpoint losses.jsonl --plot predicted.png
""",
)
@measuring_options
@click.option(
    "--sensitivities",
    metavar="FILE",
    required=True,
    shell_complete=complete_files,
    help="What predicts, as mpsolve sensitivity writes it.",
)
@click.option(
    "--pairs",
    metavar="FILE",
    shell_complete=complete_files,
    help="What pairs of layers add to the prediction, as in mpsolve solve.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=3),
    default=100,
    show_default=True,
    help="How many configurations are drawn.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    shell_complete=complete_files,
    help="Append every measured loss to this file; a run that was stopped goes on from it.",
)
@click.option(
    "--plot",
    metavar="FILE",
    shell_complete=complete_files,
    help="Draw the measured over the predicted losses (.png, .pdf, .svg).",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write every configuration with both losses to this file as CSV.",
)
@rules_options
@output_options
def predictiveness(
    model: str,
    *,
    sensitivities: str,
    pairs: str | None,
    samples: int,
    seed: int,
    checkpoint: str | None,
    plot: str | None,
    output: str | None,
    as_json: bool,
    quiet: bool,
    examples: int,
    **measured_on: Any,
) -> int:
    """Compare predicted with measured losses."""
    for path in (plot, output):
        if path:
            check_writable(path)
    table = read_table(sensitivities)
    terms = read_pairs(pairs, table) if pairs else ()
    on = observed(model, examples=examples, seed=seed, **measured_on)
    _check_layers(on.model, table)
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.joint import joint_losses
    from mpsolve.training.sensitivity.predictiveness import (
        compared,
        predicted_losses,
        random_configurations,
    )

    drawn = random_configurations(on.model, table, samples, seed)
    unseen = Examples.draw(on.data.validation, examples, seed=seed)
    with following("evaluating", silent=quiet or as_json) as progress:
        measured = joint_losses(on.model, unseen, drawn, checkpoint=checkpoint, progress=progress)
    # The last one is what mpsolve solve would minimise.
    sums = [()] if not pairs else [(), terms]
    found = [
        compared(drawn, predicted_losses(table, drawn, own), measured, seed=seed) for own in sums
    ]
    if plot:
        found[-1].plot(plot)
    if output:
        _write(found[-1], output)
    if as_json:
        plain = [_plain(report) for report in found]
        print_json(
            {"configurations": samples, **plain[0], **({"pairs": plain[1]} if pairs else {})}
        )
    elif not quiet:
        print_report(
            Text(f"{on.name} on {len(unseen)} validation examples of {on.data.name}"),
            Text(f"{found[0]}."),
            Text(f"With {len(terms)} pairs of layers: {found[1]}.") if pairs else None,
        )
    return SOLVED


def _check_layers(model: QuantisedModel, table: LatencyTable) -> None:
    """Refuse sensitivities of another network."""
    layers = [layer.name for layer in model.network.layers]
    if "sensitivity" not in table.columns:
        raise TableError(f"{table.source} has no column sensitivity; see mpsolve sensitivity.")
    missing = [layer for layer in layers if layer not in table.layers]
    if missing:
        raise TableError(
            f"{table.source} has no layer {missing[0]}, which the network has; measure this one."
        )
    unknown = [layer for layer in table.layers if layer not in layers]
    if unknown:
        raise TableError(
            f"{table.source} has a layer {unknown[0]}, which the network lacks; measure this one."
        )


def _plain(report: Predictiveness) -> dict[str, Any]:
    return {
        "spearman": asdict(report.spearman),
        "kendall": asdict(report.kendall),
        "confidence": report.confidence,
    }


def _write(report: Predictiveness, output: str) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    layers = list(report.configurations[0])
    writer.writerow(["predicted", "measured", *layers])
    losses = zip(report.predicted.tolist(), report.measured.tolist(), strict=True)
    for configuration, both in zip(report.configurations, losses, strict=True):
        writer.writerow([*both, *(configuration[layer] for layer in layers)])
    write_text(output, text.getvalue())
