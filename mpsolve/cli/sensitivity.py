"""``mpsolve sensitivity``: how much worse a network becomes by every precision of every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from mpsolve.cli.completions import complete_files
from mpsolve.cli.options import output_options, rules_options
from mpsolve.cli.output import check_writable, print_json, print_report
from mpsolve.cli.profiling import graph_rules
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import SOLVED
from mpsolve.cli.training import MODEL_HELP, load_trained
from mpsolve.errors import InputError
from mpsolve.precision import Precision
from mpsolve.profiles.write import tidy_columns, write_csv

if TYPE_CHECKING:
    from mpsolve.training.sensitivity.measure import SensitivityProgress
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

#: Those of `mpsolve.training.sensitivity.registry`, which loads torch.
METRICS = [
    *("hessian", "taylor", "mse", "kl", "gradient", "fisher", "linearity"),
    *("loss", "loss-pairs"),
]


@click.command(
    help=f"""Measure how sensitive a network is to every precision of every layer.

    {MODEL_HELP}

    Weights and input activations are quantised one at a time on a fixed set of training examples.
    mpsolve solve TABLE --sensitivities FILE minimises the result. Ctrl-C loses nothing that
    --checkpoint has taken up.""",
    epilog="""\b
Examples:
  mpsolve sensitivity ds_cnn_small:runs/float --data digits -o sensitivity.csv
  mpsolve sensitivity resnet8:runs/float --data cifar10:/data --metric hessian \\
      --examples 512 --checkpoint hessian.jsonl -o sensitivity.csv
""",
)
@click.argument("model", shell_complete=complete_files)
@click.option("--data", metavar="DATA", required=True, help="As in mpsolve train.")
@click.option(
    "--metric",
    type=click.Choice(METRICS),
    default="taylor",
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
    "--examples",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="How many training examples to measure on.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all draws."
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
    data: str,
    metric: str,
    bits: str,
    examples: int,
    seed: int,
    checkpoint: str | None,
    output: str,
    adder_bits: str,
    input_bits: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Measure sensitivities."""
    check_writable(output)
    widths, rules = _widths(bits), graph_rules(adder_bits, input_bits)
    loaded, known, name = load_trained(model, data, seed)
    from mpsolve.training.sensitivity.examples import Examples
    from mpsolve.training.sensitivity.measure import clipping, measure_sensitivities
    from mpsolve.training.wrapping.fixed import FixedPrecision
    from mpsolve.training.wrapping.wrap import quantise_model

    drawn = Examples.draw(known.train, examples, seed=seed)
    inputs = [batch for batch, _ in drawn.batches]
    signed = known.normalisation.signed or any(bool((batch < 0).any()) for batch in inputs)
    quantised = quantise_model(
        loaded, (inputs[0][:2],), FixedPrecision(), rules, name=name, signed_input=signed
    )
    quantised.observe(inputs)
    with progress_line("measuring", silent=quiet or as_json) as line:

        def tell(state: SensitivityProgress) -> None:
            if line:
                line.label = f"measuring {state.done} of {state.total}: {state.what}"

        table = measure_sensitivities(
            quantised,
            drawn,
            metric,
            _candidates(quantised, widths),
            checkpoint=checkpoint,
            progress=tell,
        )
    write_csv(table, output)
    if as_json:
        columns = tidy_columns(table)
        rows = zip(*columns.values(), strict=True)
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif not quiet:
        note = clipping(table)
        print_report(
            Text(
                f"{name} on {len(drawn)} examples of {known.name}: {metric} of "
                f"{len(table.layers)} layers, {len(table.precisions)} candidates; wrote {output}"
            ),
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
