"""``mpsolve mcu``: which networks fit a microcontroller, and with which precisions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from mpsolve.cli.completions import complete_files, complete_networks
from mpsolve.cli.front import parsed_part
from mpsolve.cli.mcu_report import print_fits, print_front, print_surface, write_csv
from mpsolve.cli.methods import check_exact
from mpsolve.cli.networks import parse_shape
from mpsolve.cli.options import output_options, rules_options, time_limit_option
from mpsolve.cli.output import check_writable, print_json, print_report, write_error, write_file
from mpsolve.cli.profiling import graph_rules
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import EPILOG, SOLVED, best_status, error_status
from mpsolve.errors import InfeasibleError, InputError, NoSolutionError
from mpsolve.losses import PROXIES
from mpsolve.profiles.memory import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.mcu import Device, Fit
    from mpsolve.profiles.networks import Network

#: The heuristic beside the exact methods.
RULE = "memory-driven"


@dataclass(frozen=True, eq=False)
class _Asked:
    """What the options ask for.

    Attributes
    ----------
    networks
        The networks; a family has several.
    rom, ram
        Bytes, or None.
    where
        The microcontroller, or the limits, for people.
    posing
        Keyword arguments of `mpsolve.mcu.fit` and the others.
    method, time_limit, checkpoint
        How to search.
    plot, output
        Files.
    as_json, quiet
        What to print.
    """

    networks: tuple[Network, ...]
    rom: int | None
    ram: int | None
    where: str
    posing: dict[str, Any]
    method: str
    time_limit: float | None
    checkpoint: str | None
    plot: str | None
    output: str | None
    as_json: bool
    quiet: bool

    @property
    def silent(self) -> bool:
        """Whether no progress is shown."""
        return self.as_json or self.quiet


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
    from mpsolve.mcu import DEVICES, Setting, device_named
    from mpsolve.mcu.setting import byte_limit
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
    _check(as_front, as_surface, method, rom_limits, ram_limits, epsilon, checkpoint)
    if not as_front and not as_surface and sizes == [None, None]:
        raise InputError("Say how much memory there is: --device, or --rom and --ram.")
    single = sensitivities or as_front or as_surface or plot
    options = ("--sensitivities", "--front", "--surface", "--plot")
    asked = (sensitivities, as_front, as_surface, plot)
    names = _names(network, next(o for o, a in zip(options, asked, strict=True) if a)) \
        if single else _names(network, "")  # fmt: skip
    setting = Setting(_bits(bits), scheme, graph_rules(adder_bits, input_bits))
    graphs = tuple(
        load_network(name, shapes=dict(map(parse_shape, shapes)), tokens=tokens) for name in names
    )
    for path in (plot, checkpoint, output if len(graphs) == 1 else None):
        if path:
            check_writable(path)
    wanted = _Asked(
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
        return _front(wanted, parsed_part("--epsilon", epsilon))
    if as_surface:
        return _surface(wanted, rom_limits, ram_limits)
    return _fit(wanted)


def _fit(asked: _Asked) -> int:
    """Answer for every network by itself."""
    from mpsolve.mcu import fit, memory_map
    from mpsolve.mcu.plot import plot_memory_map

    found: list[Fit] = []
    with progress_line("fitting", silent=asked.silent) as line:
        for graph in asked.networks:
            if line:
                line.label = f"fitting {graph.name}"
            found.append(
                fit(
                    graph,
                    asked.rom,
                    asked.ram,
                    method=asked.method,
                    time_limit=asked.time_limit,
                    **asked.posing,
                )
            )
    status = best_status(one.solution for one in found)
    if asked.output:
        _write(found, asked.output, one=len(asked.networks) == 1)
    configuration = found[0].solution.configuration
    if asked.plot and configuration:
        steps = memory_map(found[0].network, configuration, found[0].setting.rules)
        title = f"{found[0].network.name}: activations in RAM, node by node"
        plot_memory_map(steps, asked.ram, title, asked.plot)
    if asked.as_json:
        data = [one.to_json() for one in found]
        print_json(data[0] if len(asked.networks) == 1 else data)
    elif not asked.quiet:
        print_fits(found, asked.where)
    if status != SOLVED and asked.quiet and not asked.as_json:
        write_error(found[-1].obstacle)
    for path in filter(None, (asked.output, asked.plot)):
        if status != SOLVED:
            write_error(f"{path} was not written: nothing fits.")
    return status


def _front(asked: _Asked, epsilon: float) -> int:
    """The least loss for every ROM."""
    from mpsolve.mcu import mcu_problem, rom_front

    problem = mcu_problem(asked.networks[0], asked.rom, asked.ram, **asked.posing)
    try:
        with progress_line("front", silent=asked.silent) as line:
            found = rom_front(
                problem,
                epsilon=epsilon,
                method=asked.method,
                time_limit=asked.time_limit,
                checkpoint=asked.checkpoint,
                progress=_telling(line, "front"),
            )
    except (InfeasibleError, NoSolutionError) as error:
        write_error(str(error))
        return error_status(error)
    if asked.plot:
        found.plot(asked.plot)
    if asked.output:
        columns = {name: values.tolist() for name, values in found.columns().items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        _write_points(asked.output, rows, found.to_json())
    if asked.as_json:
        print_json(found.to_json())
    elif not asked.quiet:
        print_front(found, asked.ram)
    return SOLVED


def _surface(asked: _Asked, rom_limits: str | None, ram_limits: str | None) -> int:
    """The least loss for pairs of limits."""
    from mpsolve.mcu import surface
    from mpsolve.mcu.plot import plot_surface
    from mpsolve.mcu.surface import limits_between

    graph, setting = asked.networks[0], asked.posing["setting"]
    roms, rams = limits_between(graph, setting)
    roms = _sizes("rom", rom_limits) or (*roms, *filter(None, [asked.rom]))
    rams = _sizes("ram", ram_limits) or (*rams, *filter(None, [asked.ram]))
    try:
        with progress_line("surface", silent=asked.silent) as line:
            found = surface(
                graph,
                roms,
                rams,
                method=asked.method,
                checkpoint=asked.checkpoint,
                progress=_telling(line, "surface"),
                **asked.posing,
            )
    except NoSolutionError as error:
        write_error(str(error))
        return error_status(error)
    if asked.plot:
        given = asked.rom is not None and asked.ram is not None
        plot_surface(found, asked.plot, (asked.rom or 0, asked.ram or 0) if given else None)
    if asked.output:
        _write_points(asked.output, list(found.rows()), found.to_json())
    if asked.as_json:
        print_json(found.to_json())
    elif not asked.quiet:
        print_surface(found)
    return SOLVED


def _telling(line: Any, label: str) -> Callable[[float], None]:
    def tell(done: float) -> None:
        if line:
            line.label = f"{label} {done:.0%}"

    return tell


def _list(devices: tuple[Device, ...], as_json: bool) -> None:
    from mpsolve.report import device_list

    if as_json:
        print_json([asdict(device) for device in devices])
        return
    notes = [Text(f"{device.name}: {device.note}.") for device in devices]
    print_report(device_list(devices), Text(), *notes)


def _check(
    as_front: bool,
    as_surface: bool,
    method: str,
    rom_limits: str | None,
    ram_limits: str | None,
    epsilon: str,
    checkpoint: str | None,
) -> None:
    """Refuse options that would be ignored."""
    if as_front and as_surface:
        raise InputError("--front and --surface are two answers; ask for one of them.")
    if method != RULE:
        check_exact(method)
    elif as_front or as_surface:
        raise InputError(f"{RULE} gives one answer; --front and --surface need an exact method.")
    if (rom_limits or ram_limits) and not as_surface:
        raise InputError("--rom-limits and --ram-limits are for --surface.")
    if epsilon != "0" and not as_front:
        raise InputError("--epsilon is for --front.")
    if checkpoint and not (as_front or as_surface):
        raise InputError("--checkpoint is for --front and --surface.")


def _names(network: str, single: str) -> tuple[str, ...]:
    """The networks that are meant; several are refused where an option speaks of one."""
    from mpsolve.mcu import family

    names = family(network)
    if single and len(names) > 1:
        raise InputError(
            f"{single} is for one network, and {network} comes in {len(names)} sizes; name one, "
            f"such as {names[0]}."
        )
    return names


def _bits(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) <= 32 for part in parts):
        raise InputError(f"--bits {text}: write bit-widths, such as 2,4,8.")
    return tuple(map(int, parts))


def _sizes(name: str, text: str | None) -> tuple[int, ...]:
    from mpsolve.mcu.setting import byte_limit

    return tuple(byte_limit(name, part) or 0 for part in text.split(",")) if text else ()


def _where(device: Device | None, rom: int | None, ram: int | None) -> str:
    sizes = ", ".join(
        f"{size:,} byte of {name}"
        for name, size in (("ROM", rom), ("RAM", ram))
        if size is not None
    )
    return f"{device.chip} ({sizes})" if device else sizes


def _write(found: list[Fit], output: str, *, one: bool) -> None:
    """Write the configurations that fit: to a file, or to a folder of a family."""
    fitting = [fit for fit in found if fit.solution.configuration is not None]
    if one:
        for fit in fitting:
            assert fit.solution.configuration is not None
            write_file(output, fit.solution.configuration.to_json())
        return
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{output} is a file; of several networks, -o names a folder.")
    if fitting:
        folder.mkdir(parents=True, exist_ok=True)
    for fit in fitting:
        assert fit.solution.configuration is not None
        write_file(str(folder / f"{fit.network.name}.json"), fit.solution.configuration.to_json())


def _write_points(output: str, rows: list[dict[str, Any]], data: dict[str, Any]) -> None:
    suffix = Path(output).suffix
    if suffix == ".json":
        write_file(output, data)
    elif suffix == ".csv":
        write_csv(output, rows)
    else:
        raise InputError(f"-o {output}: the suffix must be .csv or .json.")
