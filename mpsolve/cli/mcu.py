"""``mpsolve mcu``: which networks fit a microcontroller, and with which precisions."""

from __future__ import annotations

from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.building.proxies import PROXIES
from mpsolve.cli.completions import complete_files, complete_methods, complete_networks
from mpsolve.cli.front import parsed_part
from mpsolve.cli.mcu_answers import (
    SUFFIXES,
    Asked,
    answer_fit,
    answer_front,
    answer_surface,
)
from mpsolve.cli.methods import check_exact, known_methods
from mpsolve.cli.networks import parse_shape
from mpsolve.cli.options import output_options, rules_options, time_limit_option
from mpsolve.cli.output import check_writable, print_json, print_report
from mpsolve.cli.profiling import graph_rules
from mpsolve.cli.status import EPILOG, SOLVED
from mpsolve.errors import InputError
from mpsolve.profiles.memory import SCHEMES

if TYPE_CHECKING:
    from mpsolve.mcu import Device

#: The heuristic beside the exact methods.
RULE = "memory-driven"


@click.command(
    epilog=f"""\b
Examples:
  mpsolve mcu --devices
  mpsolve mcu mobilenet_v1 --device stm32h7
  mpsolve mcu mobilenet_v2_192 --rom 2MB --ram 512kB --plot memory.svg -o best.json
  mpsolve mcu model.onnx --device nrf52840 --sensitivities sensitivity.csv
  mpsolve mcu mobilenet_v2 --rom 2MB --ram 512kB --method memory-driven
  mpsolve mcu mobilenet_v1_0.5_160 --front --ram 256KiB -o front.csv
  mpsolve mcu mobilenet_v1_0.5_160 --surface --plot surface.svg -o surface.csv

{EPILOG}
"""
)
@click.argument("network", required=False, shell_complete=complete_networks)
@click.option("--devices", is_flag=True, help="List the microcontrollers that are known by name.")
@click.option(
    "--device", metavar="DEVICE", help="Take ROM and RAM of this one; --rom and --ram go before it."
)
@click.option(
    "--rom", metavar="SIZE", help="Bytes for weights and tables: 2MB is 2,000,000, 2MiB 2,097,152."
)
@click.option("--ram", metavar="SIZE", help="Bytes for activations, such as 512kB or 512KiB.")
@click.option(
    "--minimize",
    "--minimise",
    "loss",
    type=click.Choice(list(PROXIES)),
    help="The proxy of the accuracy lost.  [default: noise-macs]",
)
@click.option(
    "--sensitivities",
    metavar="FILE",
    shell_complete=complete_files,
    help="What to minimise instead: sensitivities, as mpsolve sensitivity writes them.",
)
@click.option(
    "--bits", metavar="BITS,BITS", default="2,4,8", show_default=True, help="The bit-widths."
)
@click.option(
    "--scheme",
    type=click.Choice(list(SCHEMES)),
    default="icn-channel",
    show_default=True,
    help="What the ROM holds beside the weights.",
)
@rules_options
@click.option(
    "--shape",
    "shapes",
    metavar="INPUT=SIZES",
    multiple=True,
    help="Of an ONNX file, the shape of an input that it leaves open.",
)
@click.option("--tokens", type=click.IntRange(min=1), help="Of a transformer, tokens at once.")
@click.option(
    "--method",
    default="auto",
    show_default=True,
    shell_complete=complete_methods,
    help="An exact method, or the rule of Rusci et al. (memory-driven).",
)
@click.option(
    "--front", "as_front", is_flag=True, help="The least loss for every ROM, with --ram kept."
)
@click.option(
    "--surface", "as_surface", is_flag=True, help="The least loss for pairs of ROM and RAM."
)
@click.option(
    "--rom-limits",
    metavar="SIZE,SIZE",
    help="--surface: limits on ROM.  [default: 12 from where nothing fits to where all bits do]",
)
@click.option("--ram-limits", metavar="SIZE,SIZE", help="--surface: limits on RAM, likewise.")
@click.option(
    "--epsilon",
    metavar="PART",
    default="0",
    show_default=True,
    help="--front: fewer points, within this part of the optimum.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    shell_complete=complete_files,
    help="--front, --surface: append every answer; a run that was stopped goes on from it.",
)
@click.option(
    "--plot",
    metavar="FILE",
    shell_complete=complete_files,
    help="Draw the RAM of one network node by node, the front or the surface (.png, .svg, .pdf).",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write the configuration (of a family, a folder of them), or the points (.csv, .json).",
)
@time_limit_option()
@output_options
def mcu(
    network: str | None,
    *,
    devices: bool,
    device: str | None,
    rom: str | None,
    ram: str | None,
    loss: str | None,
    sensitivities: str | None,
    bits: str,
    scheme: str,
    adder_bits: str,
    input_bits: str,
    shapes: tuple[str, ...],
    tokens: int | None,
    method: str,
    as_front: bool,
    as_surface: bool,
    rom_limits: str | None,
    ram_limits: str | None,
    epsilon: str,
    checkpoint: str | None,
    plot: str | None,
    output: str | None,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Fit a network into the ROM and the RAM of a microcontroller, with the least loss.

    NETWORK is a name or a file (see mpsolve networks). Of a network that comes in several widths
    and resolutions, such as mobilenet_v1, all of them are tried; mobilenet_v1_0.75_192, or
    mobilenet_v1_1.0_224, is one. Weights and tables lie in the ROM; while a node runs, the RAM
    holds what it reads and writes and what later nodes still need.
    """
    from mpsolve.building.budgets import byte_limit
    from mpsolve.mcu import DEVICES, Setting, device_named
    from mpsolve.profiles.networks import load_network

    if devices:
        _list(DEVICES, as_json)
        return SOLVED
    if network is None:
        raise click.UsageError("Name a NETWORK, or list the microcontrollers with --devices.")
    known = device_named(device) if device else None
    sizes = [
        byte_limit(name, text) if text else (getattr(known, name) if known else None)
        for name, text in (("rom", rom), ("ram", ram))
    ]
    points = as_front or as_surface
    if as_front and as_surface:
        raise InputError("--front and --surface are two answers; ask for one of them.")
    if not points and sizes == [None, None]:
        raise InputError("Say how much memory there is: --device, or --rom and --ram.")
    _check_method(method, points)
    _refuse_ignored(
        {
            "--rom-limits": (rom_limits, as_surface, "--surface"),
            "--ram-limits": (ram_limits, as_surface, "--surface"),
            "--epsilon": (epsilon != "0", as_front, "--front"),
            "--checkpoint": (checkpoint, points, "--front and --surface"),
            "--time-limit": (time_limit, not as_surface, "one search, and --surface takes many"),
        }
    )
    single = {
        "--sensitivities": sensitivities,
        "--front": as_front,
        "--surface": as_surface,
        "--plot": plot,
    }
    names = _names(network, [option for option, given in single.items() if given])
    setting = Setting(_bits(bits), scheme, graph_rules(adder_bits, input_bits))
    graphs = tuple(
        load_network(name, shapes=dict(map(parse_shape, shapes)), tokens=tokens) for name in names
    )
    for path in (plot, checkpoint, output if len(graphs) == 1 else None):
        if path:
            check_writable(path)
    if points and output and Path(output).suffix not in SUFFIXES:
        raise InputError(f"-o {output}: the suffix must be one of {', '.join(SUFFIXES)}.")
    wanted = Asked(
        graphs,
        sizes[0],
        sizes[1],
        _where(known, sizes[0], sizes[1]),
        {"loss": loss, "sensitivities": sensitivities, "setting": setting},
        method,
        time_limit,
        checkpoint,
        plot,
        output,
        as_json,
        quiet,
    )
    if as_front:
        return answer_front(wanted, parsed_part("--epsilon", epsilon))
    if as_surface:
        return answer_surface(wanted, _sizes("rom", rom_limits), _sizes("ram", ram_limits))
    return answer_fit(wanted)


def _list(devices: tuple[Device, ...], as_json: bool) -> None:
    from mpsolve.report.tables import device_list

    if as_json:
        print_json([asdict(device) for device in devices])
        return
    notes = [Text(f"{device.name}: {device.note}.") for device in devices]
    print_report(device_list(devices), Text(), *notes)


def _check_method(method: str, points: bool) -> None:
    if method != RULE:
        if get_close_matches(method, (*known_methods(), RULE), n=1) == [RULE]:
            raise InputError(f"There is no method {method!r}; did you mean {RULE}?")
        check_exact(method)
    elif points:
        raise InputError(f"{RULE} gives one answer; --front and --surface need an exact method.")


def _refuse_ignored(given: dict[str, tuple[Any, bool, str]]) -> None:
    """Refuse options that would be ignored: option -> (value, whether it has a use, for what)."""
    for option, (value, used, what) in given.items():
        if value and not used:
            raise InputError(f"{option} is for {what}.")


def _names(network: str, single: list[str]) -> tuple[str, ...]:
    """The networks that are meant; several are refused where an option speaks of one."""
    from mpsolve.mcu import family

    names = family(network)
    if single and len(names) > 1:
        raise InputError(
            f"{single[0]} is for one network, and {network} comes in {len(names)} sizes; name one, "
            f"such as {names[0]}."
        )
    return names


def _bits(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) <= 32 for part in parts):
        raise InputError(f"--bits {text}: write bit-widths, such as 2,4,8.")
    return tuple(map(int, parts))


def _sizes(name: str, text: str | None) -> tuple[int, ...]:
    from mpsolve.building.budgets import byte_limit

    return tuple(byte_limit(name, part) or 0 for part in text.split(",")) if text else ()


def _where(device: Device | None, rom: int | None, ram: int | None) -> str:
    sizes = ", ".join(
        f"{size:,} byte of {name}"
        for name, size in (("ROM", rom), ("RAM", ram))
        if size is not None
    )
    return f"{device.chip} ({sizes})" if device else sizes
