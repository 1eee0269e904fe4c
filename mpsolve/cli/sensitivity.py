"""``mpsolve sensitivity``: how much worse a network becomes by every precision of every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.building.pairs_file import write_pairs
from mpsolve.cli.completions import complete_files
from mpsolve.cli.measuring import measuring_options, observed
from mpsolve.cli.options import output_options, rules_options
from mpsolve.cli.output import check_writable, print_json, print_report
from mpsolve.cli.progress import following
from mpsolve.cli.status import SOLVED
from mpsolve.cli.training import MODEL_HELP
from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.profiles.write import tidy_columns, write_csv
from mpsolve.training.sensitivity.names import DEFAULT, NAMES

if TYPE_CHECKING:
    from mpsolve.training.wrapping.quantised_model import QuantisedModel


@click.command(
    help=f"""Measure how sensitive a network is to every precision of every layer.

    {MODEL_HELP}

    Weights and input activations are quantised one at a time on a fixed set of training examples.
    mpsolve solve TABLE --sensitivities FILE minimises the result, and mpsolve predictiveness says
    how well it predicts. Ctrl-C loses nothing that --checkpoint has taken up.""",
    epilog="""\b
Examples:
  mpsolve sensitivity ds_cnn_small:runs/float --data digits -o sensitivity.csv
  mpsolve sensitivity resnet8:runs/float --data cifar10:/data --metric hessian \\
      --examples 512 --checkpoint hessian.jsonl -o sensitivity.csv
  mpsolve sensitivity ds_cnn_small:runs/float --data digits --metric loss-pairs \\
      --pairs pairs.csv -o sensitivity.csv
""",
)
@measuring_options
@click.option(
    "--metric",
    type=click.Choice(NAMES),
    default=DEFAULT,
    show_default=True,
    help="What is measured.",
)
@click.option(
    "--bits",
    default="2,4,8",
    show_default=True,
    help="The bit-widths of weights and input activations, separated by commas.",
)
@click.option(
    "--pairs",
    metavar="FILE",
    shell_complete=complete_files,
    help="Also measure what neighbouring layers cost beyond the sum of both, and write it to this "
    "file for mpsolve solve --pairs (metric loss-pairs).",
)
@click.option(
    "--span",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many places apart the layers of --pairs may be.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    shell_complete=complete_files,
    help="Append every measurement to this file; a run that was stopped goes on from it.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    shell_complete=complete_files,
    help="Write the sensitivities to this file as CSV.",
)
@rules_options
@output_options
def sensitivity(
    model: str,
    *,
    metric: str,
    bits: str,
    pairs: str | None,
    span: int,
    checkpoint: str | None,
    output: str,
    as_json: bool,
    quiet: bool,
    **measured_on: Any,
) -> int:
    """Measure sensitivities."""
    check_writable(output)
    if pairs:
        check_writable(pairs)
        if metric != "loss-pairs":
            raise InputError(
                "--pairs completes losses of layers that were measured; give --metric loss-pairs."
            )
    widths = _widths(bits)
    on = observed(model, **measured_on)
    from mpsolve.training.sensitivity.cross_terms import cross_terms, neighbours
    from mpsolve.training.sensitivity.measure import clipping, measure_sensitivities

    with following("measuring", silent=quiet or as_json) as progress:
        table = measure_sensitivities(
            on.model,
            on.examples,
            metric,
            _candidates(on.model, widths),
            checkpoint=checkpoint,
            progress=progress,
        )
        if pairs:
            terms = cross_terms(
                on.model,
                on.examples,
                table,
                neighbours(table, span),
                checkpoint=checkpoint,
                progress=progress,
            )
            write_pairs(terms, table, pairs)
    write_csv(table, output)
    if as_json:
        columns = tidy_columns(table)
        rows = zip(*columns.values(), strict=True)
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif not quiet:
        note = clipping(table)
        print_report(
            Text(
                f"{on.name} on {len(on.examples)} examples of {on.data.name}: {metric} of "
                f"{len(table.layers)} layers, {len(table.precisions)} candidates; wrote {output}"
            ),
            Text(f"{len(terms)} pairs of layers; wrote {pairs}") if pairs else None,
            Text(note) if note else None,
        )
    return SOLVED


def _widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        widths = ()
    if not widths or not 2 <= widths[0] <= widths[-1] <= 8:
        raise InputError(f"--bits {text}: write bit-widths from 2 to 8, such as 2,4,8.")
    return widths


def _candidates(model: QuantisedModel, widths: tuple[int, ...]) -> dict[str, list[Precision]]:
    """Every pair of widths that the graph admits for a layer."""
    found = {}
    for layer in model.network.layers:
        group = model.group_of(layer.name)
        admitted = [width for width in widths if width >= group.least]
        if not admitted:
            raise InputError(
                f"Layer {layer.name} reads {group.name}, which has at least {group.least} bits: "
                f"add {group.least} to --bits, or lower --adder-bits or --input-bits."
            )
        found[layer.name] = [Precision(b_in, b_wt) for b_in in admitted for b_wt in widths]
    return found
