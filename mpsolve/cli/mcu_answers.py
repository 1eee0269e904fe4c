"""The three answers of ``mpsolve mcu``: the best fit, the front over ROM, the surface over both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.cli.mcu_report import print_fits, print_front, print_surface, write_csv
from mpsolve.cli.output import print_json, write_error, write_file
from mpsolve.cli.progress import progress_line
from mpsolve.cli.status import SOLVED, best_status, error_status
from mpsolve.errors import InfeasibleError, InputError, NoSolutionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.mcu import Fit
    from mpsolve.profiles.networks import Network

#: What the points of a front or a surface are written as.
SUFFIXES = (".csv", ".json")


@dataclass(frozen=True, eq=False)
class Asked:
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


def answer_fit(asked: Asked) -> int:
    """Answer for every network by itself."""
    from mpsolve.mcu import fit, memory_map
    from mpsolve.report.mcu_plots import plot_memory_map

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
    if asked.plot and configuration and found[0].fits:
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


def answer_front(asked: Asked, epsilon: float) -> int:
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


def answer_surface(asked: Asked, rom_limits: tuple[int, ...], ram_limits: tuple[int, ...]) -> int:
    """The least loss for pairs of limits."""
    from mpsolve.mcu import surface
    from mpsolve.mcu.surfaces import limits_between
    from mpsolve.report.mcu_plots import plot_surface

    graph, setting = asked.networks[0], asked.posing["setting"]
    roms, rams = limits_between(graph, setting)
    roms = rom_limits or (*roms, *filter(None, [asked.rom]))
    rams = ram_limits or (*rams, *filter(None, [asked.ram]))
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


def _write(found: list[Fit], output: str, *, one: bool) -> None:
    """Write the configurations that fit: to a file, or to a folder of a family."""
    fitting = [fit for fit in found if fit.fits]
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
    if Path(output).suffix == ".json":
        write_file(output, data)
    else:
        write_csv(output, rows)
