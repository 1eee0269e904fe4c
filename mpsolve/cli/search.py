"""``mpsolve search``: configurations by a differentiable search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from rich.table import Table
from rich.text import Text

from mpsolve.cli.completions import complete_tables, complete_targets
from mpsolve.cli.options import rules_options
from mpsolve.cli.output import print_json, print_report
from mpsolve.cli.profiling import graph_rules, profile_network
from mpsolve.cli.progress import following
from mpsolve.cli.status import INTERRUPTED, SOLVED
from mpsolve.cli.strengths import StrengthCommand, numbers, strength_option
from mpsolve.cli.training import (
    MODEL_HELP,
    Prepared,
    prepare,
    reporting,
    tell_interrupted,
    training_json,
    training_options,
)
from mpsolve.errors import InputError
from mpsolve.training.options import METHODS, Decomposition, Regulariser, SearchOptions

if TYPE_CHECKING:
    from mpsolve.profiles.networks.tensor_groups import Rules
    from mpsolve.profiles.table import LatencyTable
    from mpsolve.profiles.targets.target import Target
    from mpsolve.training import SearchResult


@click.command(
    cls=StrengthCommand,
    help=f"""Search the precision of every layer while the network trains.

    {MODEL_HELP}

    Every strength of the regulariser gives one configuration, in the folder strength-0.01 and so
    on, which also gets run.json, checkpoint.pt, metrics.csv and weights.pt. Accuracies are those of
    the configuration on the validation split, before fine-tuning. Ctrl-C leaves a checkpoint, and
    the same command goes on from it.""",
    epilog="""\b
Examples:
  mpsolve search ds_cnn_small:runs/float --data digits -o configs
  mpsolve search ds_cnn_small:runs/float --data digits --locked --strength 0.01 0.03 -o locked
  mpsolve search mobilenet_v2:weights.pt --data imagefolder:/data/ILSVRC2012 --strength 0.06 \\
      --workers 8 -o configs
  mpsolve search ds_cnn_small:runs/float --data digits --method edmips -o edmips
  mpsolve search net.py:make:weights.pt --data digits --recipe bayesian_bits_digits \\
      --regulariser latency --target pulp8-xpulpnnv2-model --strength 10 -o configs
""",
)
@training_options
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default=next(iter(METHODS)),
    show_default=True,
    help="Stochastic gates, or mixtures of all precisions.",
)
@strength_option
@click.option("--locked", is_flag=True, help="A layer and its input share their gates.")
@click.option(
    "--decomposition",
    type=click.Choice(get_args(Decomposition)),
    default=SearchOptions.decomposition,
    show_default=True,
    help="How gates add precision: as in Free Bits, or as in Bayesian Bits.",
)
@click.option(
    "--regulariser",
    type=click.Choice(get_args(Regulariser)),
    default=SearchOptions.regulariser,
    show_default=True,
    help="The bit operations of the method's paper, their joint expectation, or the expected "
    "latency.",
)
@click.option(
    "--table",
    metavar="TABLE",
    shell_complete=complete_tables,
    help="The latencies for --regulariser latency.",
)
@click.option(
    "--target",
    metavar="TARGET",
    shell_complete=complete_targets,
    help="Instead of --table: profile the network on this modelled target (see mpsolve targets).",
)
@rules_options
def search(
    model: str,
    *,
    data: str,
    output: str,
    recipe: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    method: Any,
    strengths: tuple[str, ...],
    locked: bool,
    regulariser: Any,
    table: str | None,
    target: str | None,
    adder_bits: str,
    input_bits: str,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Search the precision of every layer."""
    as_json, quiet = reporting(as_json, quiet)
    wanted, rules = numbers(strengths), graph_rules(adder_bits, input_bits)
    _check_latencies(regulariser, table, target)
    machine = _modelled(target) if target else None
    latencies = None
    if table:
        from mpsolve.profiles.bundled import load_table

        latencies = load_table(table)
    prepared = prepare(model, data, METHODS[method], recipe, overrides, seed)
    if machine:
        latencies = _profiled(prepared, machine, rules, silent=quiet or as_json)
    from mpsolve.training.searching import search_precisions

    results: dict[float, SearchResult] = {}
    for strength in wanted or prepared.recipe.strengths:
        label = f"searching with strength {strength:g}"
        with following(label, silent=quiet or as_json) as progress:
            results[strength] = search_precisions(
                prepared.model,
                prepared.data,
                method,
                strength,
                recipe=prepared.recipe,
                locked=locked or None,
                regulariser=regulariser,
                table=latencies,
                rules=rules,
                folder=_folder(output, strength),
                name=prepared.name,
                progress=progress,
                **options,
            )
        if results[strength].accuracy is None:
            break
    if as_json:
        print_json([_plain(result, strength, output) for strength, result in results.items()])
    elif not quiet:
        sentence = f"{prepared.name} on {prepared.data.name}, {method}{', locked' * locked}"
        print_report(Text(sentence), Text(), _report(results, output))
    if results[strength].accuracy is None:
        folder = _folder(output, strength)
        tell_interrupted(results[strength].trained, prepared.recipe, folder)
        return INTERRUPTED
    return SOLVED


def _check_latencies(regulariser: str, table: str | None, target: str | None) -> None:
    if (regulariser == "latency") != bool(table or target):
        raise InputError(
            "--regulariser latency needs the latencies of --table or --target, and no other "
            "regulariser takes them."
        )
    if table and target:
        raise InputError("Latencies come from --table or from --target; give one of them.")


def _modelled(target: str) -> Target:
    """A target whose latencies are the same whenever the search goes on."""
    from mpsolve.profiles.targets.registry import load_target
    from mpsolve.profiles.targets.target import MeasuredTarget

    machine = load_target(target)
    if isinstance(machine, MeasuredTarget):
        raise InputError(
            f"{target} measures, each time something else: give --table what mpsolve profile has "
            "written."
        )
    return machine


def _profiled(prepared: Prepared, target: Target, rules: Rules, *, silent: bool) -> LatencyTable:
    """The table of the traced network."""
    import torch

    from mpsolve.profiles.networks.readers.torch_program import from_torch

    example = torch.zeros(2, *prepared.data.input_shape)
    network = from_torch(prepared.model, (example,), name=prepared.name)
    return profile_network(network, target, rules, silent=silent)


def _folder(output: str, strength: float) -> Path:
    return Path(output) / f"strength-{strength:g}"


def _plain(result: SearchResult, strength: float, output: str) -> dict[str, Any]:
    return {
        "strength": strength,
        "relative_bops": result.relative_bops,
        "effective_bits": result.effective_bits,
        "validation_accuracy": result.accuracy,
        "configuration": result.configuration.to_json(),
        "folder": str(_folder(output, strength)),
        **training_json(result.trained),
    }


def _report(results: dict[float, SearchResult], output: str) -> Table:
    report = Table(box=None, pad_edge=False, header_style="")
    for heading in ("strength", "BOPs vs 8b/8b", "effective bits", "validation accuracy"):
        report.add_column(heading, justify="right")
    report.add_column("configuration")
    for strength, result in results.items():
        accuracy = "interrupted" if result.accuracy is None else f"{result.accuracy:.2%}"
        report.add_row(
            f"{strength:g}",
            f"{result.relative_bops:.3f}",
            f"{result.effective_bits:.2f}",
            accuracy,
            str(_folder(output, strength) / "configuration.json"),
        )
    return report
