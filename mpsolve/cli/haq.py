"""``mpsolve haq``: a configuration by the reinforcement-learning agent of HAQ."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.building.budgets import RELATIVE, split_limit, unit_factor
from mpsolve.cli.completions import complete_files
from mpsolve.cli.options import output_options, rules_options
from mpsolve.cli.output import check_writable, print_json, print_report, write_error
from mpsolve.cli.profiling import graph_rules
from mpsolve.cli.progress import following
from mpsolve.cli.status import INTERRUPTED, SOLVED, error_status
from mpsolve.cli.training import (
    MODEL_HELP,
    device_option,
    folder_option,
    load_trained,
    require_torch,
    workers_option,
)
from mpsolve.errors import InfeasibleError, InputError
from mpsolve.training.haq.settings import STRATEGIES, HaqSettings

if TYPE_CHECKING:
    from mpsolve.training.haq.episodes import HaqResult

#: Without a file, configurations are judged by a short training.
TRAINING = "training"


@click.command(
    help=f"""Search the precision of every layer with the agent of HAQ, within ROM and RAM.

    {MODEL_HELP}

    In every episode a reinforcement-learning agent chooses 2, 4 or 8 bits for the weights and the
    input of every layer; what does not fit is lowered. The configuration is trained for one epoch
    and judged on validation examples, or judged by sensitivities. This is a baseline: what it finds
    keeps both limits, and nothing says that it is the best (mpsolve solve does, with the budgets
    rom and ram). The folder gets run.json, checkpoint.pt, metrics.csv with a row per episode, and
    configuration.json for mpsolve finetune. Ctrl-C keeps the best so far, and the same command goes
    on from the checkpoint.""",
    epilog="""\b
Examples:
  mpsolve haq ds_cnn_small:runs/float --data digits --rom 4kB --ram 1kB -o haq
  mpsolve haq ds_cnn_small:runs/float --data digits --rom 4kB --ram 1kB \\
      --evaluator sensitivity.csv --plot haq.png -o haq
  mpsolve haq mobilenet_v2:weights.pt --data imagefolder:/data/ILSVRC2012 --rom 2MB --ram 512kB \\
      --strategy independent --set batch_size=256 --workers 8 -o haq
  mpsolve haq mobilenet_v2 --rom 2MB --ram 512kB --evaluator sensitivity.csv -o haq

Exit status: 0 found; 2 bad input; 3 infeasible: it does not fit even in 2 bits; 130 interrupted.
""",
)
@click.argument("model", shell_complete=complete_files)
@click.option(
    "--data",
    metavar="DATA",
    help="As in mpsolve train. With sensitivities and without data, MODEL is a network as in "
    "mpsolve networks.",
)
@click.option("--rom", metavar="SIZE", help="The memory for weights and tables, such as 2MB.")
@click.option("--ram", metavar="SIZE", help="The memory for activations, such as 512kB.")
@click.option(
    "--evaluator",
    metavar="training|FILE",
    default=TRAINING,
    show_default=True,
    shell_complete=complete_files,
    help="What judges configurations: a short training, or sensitivities as mpsolve sensitivity "
    "writes them.",
)
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default=STRATEGIES[0],
    show_default=True,
    help="Weights and activations in one search, or activations after weights.",
)
@click.option(
    "--episodes",
    type=click.IntRange(min=1),
    help="Of every search, a fifth of them with random actions.  [default: 600, or 300 for each of "
    "the independent searches]",
)
@click.option(
    "--set",
    "overrides",
    metavar="SETTING=VALUE",
    multiple=True,
    help="Change a setting of the search, such as warm_up=60, epochs=2, scheme=folding or "
    "weights=kmeans; repeat for others.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of everything random.",
)
@device_option
@workers_option
@click.option(
    "--plot",
    metavar="FILE",
    shell_complete=complete_files,
    help="Draw bits and memory by episode (.png, .pdf, .svg).",
)
@folder_option
@rules_options
@output_options
def haq(
    model: str,
    *,
    data: str | None,
    rom: str | None,
    ram: str | None,
    evaluator: str,
    strategy: str,
    episodes: int | None,
    overrides: tuple[str, ...],
    seed: int,
    plot: str | None,
    output: str,
    adder_bits: str,
    input_bits: str,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Search the precision of every layer with the agent of HAQ."""
    limits = _bytes("rom", rom), _bytes("ram", ram)
    if rom is None and ram is None:
        raise InputError("Without a limit all layers may have 8 bits: give --rom or --ram.")
    if data is None and evaluator == TRAINING:
        raise InputError("Training needs --data; or give --evaluator the file of sensitivities.")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("mpsolve haq runs in one process; start it without torchrun.")
    if plot:
        check_writable(plot)
    rules = graph_rules(adder_bits, input_bits)
    require_torch()
    settings = _settings(strategy, episodes, overrides, seed)
    subject, known, name = _subject(model, data, seed)
    from mpsolve.training.haq.search import search_haq

    try:
        with following("searching", silent=quiet or as_json) as progress:
            result = search_haq(
                subject,
                known,
                rom=limits[0],
                ram=limits[1],
                evaluator=None if evaluator == TRAINING else evaluator,
                settings=settings,
                rules=rules,
                folder=output,
                name=name,
                progress=progress,
                **options,
            )
    except InfeasibleError as error:
        write_error(str(error))
        return error_status(error)
    if plot and result.episodes:
        from mpsolve.training.haq.plot import plot_haq

        plot_haq(result, plot)
    if as_json:
        print_json(_plain(result, settings, name, output))
    elif not quiet and result.best:
        print_report(*map(Text, _sentences(result, settings, name, output)))
    if not result.finished:
        wanted = len(result.searched) * settings.episode_count
        write_error(
            f"Interrupted after {len(result.episodes)} of {wanted} episodes; the same command goes "
            f"on from {output}."
        )
        return INTERRUPTED
    return SOLVED


def _bytes(name: str, text: str | None) -> int | None:
    """A size, as budgets are written."""
    if text is None:
        return None
    value, unit = split_limit(name, text)
    if unit in RELATIVE or value <= 0:
        raise InputError(f"--{name} {text}: write a size, such as 512kB.")
    limit = value * unit_factor(name, text, unit, "byte")
    return limit.numerator // limit.denominator


def _settings(
    strategy: str, episodes: int | None, overrides: tuple[str, ...], seed: int
) -> HaqSettings:
    from mpsolve.training.recipes.convert import convert
    from mpsolve.training.recipes.read import override

    table: dict[str, Any] = {}
    for text in overrides:
        override(table, text)
    for name, option in (("strategy", strategy), ("seed", seed), ("episodes", episodes)):
        if name in table:
            raise InputError(f"--set {name}: give --{name}.")
        if option is not None:
            table[name] = option
    settings: HaqSettings = convert(table, HaqSettings, "--set")
    return settings


def _subject(model: str, data: str | None, seed: int) -> tuple[Any, Any, str]:
    """The model with its data and its name, or a network alone."""
    if data is not None:
        return load_trained(model, data, seed)
    from mpsolve.profiles.networks.load import load_network

    network = load_network(model)
    return network, None, network.name


def _plain(result: HaqResult, settings: HaqSettings, name: str, output: str) -> dict[str, Any]:
    best = result.best
    found = None if best is None else best.configuration.to_json()
    return {
        "model": name,
        "strategy": settings.strategy,
        "finished": result.finished,
        "episodes": len(result.episodes),
        "best_episode": result.best_episode,
        "reward": best.reward if best else None,
        "rom": {"bytes": best.rom if best else None, "budget": result.rom},
        "ram": {"bytes": best.ram if best else None, "budget": result.ram},
        "configuration": found,
        "folder": output,
    }


def _sentences(result: HaqResult, settings: HaqSettings, name: str, output: str) -> list[str]:
    best = result.best
    assert best  # asked for
    used = [
        f"{what} {have:,}{f' of {limit:,}' if limit is not None else ''} bytes"
        for what, have, limit in (("ROM", best.rom, result.rom), ("RAM", best.ram, result.ram))
    ]
    clusters = "The clusters of k-means are a reference; mpsolve finetune has uniform grids."
    return [
        f"{name}, {settings.strategy}: best reward {best.reward:.4g} in episode "
        f"{result.best_episode} of {len(result.episodes)}; {', '.join(used)}",
        f"{Path(output) / 'configuration.json'} is what mpsolve finetune takes next.",
        *([clusters] if settings.weights == "kmeans" else []),
    ]
