"""HAQ's setting for microcontrollers: seven networks in 2 MB of ROM and 512 kB of RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench import study
from bench.haq_mcu import report
from bench.haq_mcu.plot import plot
from bench.haq_mcu.result import run
from bench.haq_mcu.setting import CASES, LIMITS, LOSSES, Limits
from mpsolve.bench.machine import description
from mpsolve.cli.status import INFEASIBLE, SOLVED

if TYPE_CHECKING:
    from mpsolve.cli.output import Part


@click.command("haq_mcu", cls=study.Study)
@click.option(
    "--limits",
    cls=study.Several,
    type=click.Choice([*LIMITS]),
    default=tuple(LIMITS),
    show_default=True,
    help="What 2 MB and 512 kB mean; the first is shown in full.",
)
@click.option("--rom", type=click.IntRange(1), metavar="BYTES", help="Instead of --limits.")
@click.option("--ram", type=click.IntRange(1), metavar="BYTES", help="Instead of --limits.")
@click.option("--check", default="", metavar="METHOD", help="A second exact method.")
@study.results_options(plot=True)
def haq_mcu(
    *,
    limits: tuple[str, ...],
    rom: int | None,
    ram: int | None,
    check: str,
    wanted: study.Wanted,
) -> int:
    """Fit seven networks into 2 MB of ROM and 512 kB of RAM exactly, as HAQ for MCUs asks.

    Every network of Table 2 of the paper is solved to proven optimality for two proxies of the
    accuracy, beside the memory-driven rule and the paper's compression factors. The paper does not
    say what it means by 2 MB and 512 kB: the first limits named are shown in full, others beside
    them. Exit status 3: some network has no assignment under the first limits.
    """
    chosen = [LIMITS[name] for name in limits]
    if rom or ram:
        chosen = [Limits(rom or chosen[0].rom, ram or chosen[0].ram)]
    first, *rest = (
        [run(case, loss, one, check) for case in CASES for loss in LOSSES] for one in chosen
    )
    others = [result for results in rest for result in results]
    one = first[0].limits
    title = f"{one.rom:,} bytes of ROM, {one.ram:,} bytes of RAM ({one.origin})"
    parts: list[Part] = [
        study.for_people(report.table(first), title),
        *report.NOTES,
        f"8 bits everywhere: {report.eight_bits(first)}.",
        *report.remarks((*first, *others)),
    ]
    if others:
        parts.append(study.for_people(report.other_table(others, first), "Other limits"))
    command = study.command_line()
    study.Findings(
        [result.to_json() for result in (*first, *others)],
        [*parts, description()],
        lambda _, picture: report.page(first, others, command, description(), picture),
        lambda path: plot(first, path),
    ).deliver(wanted)
    return INFEASIBLE if any(result.optimum is None for result in first) else SOLVED


if __name__ == "__main__":
    study.run(haq_mcu)
