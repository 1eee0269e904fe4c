"""The report on one answer, from the header to the remarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from mpsolve.cli.output import Part, fitting, print_report
from mpsolve.model.provenance import Provenance
from mpsolve.report.tables import (
    cost_label,
    cost_table,
    number,
    percentage,
    solution_table,
    spoken,
    status_text,
)

if TYPE_CHECKING:
    from mpsolve.building.ram import RamBudget
    from mpsolve.cli.problem import Posed
    from mpsolve.model.configuration import Configuration
    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution


def header(problem: Problem, ram: RamBudget | None = None, *, budgeted: bool = True) -> Text:
    """What the problem was read from, how far it can be trusted, and what is minimised.

    With ``budgeted``, it also says where no budget was given.
    """
    parts = [f"{len(problem.layers)} layers", f"{len(problem.precisions)} candidates"]
    if "latency" in problem.costs:
        known = problem.provenance is not Provenance.UNSTATED
        parts.append(
            f"{problem.provenance} latencies" if known else "latencies of unstated provenance"
        )
    limited = problem.budgets or (ram and ram.limit is not None)
    budgets = "; no budget was given" if budgeted and not limited else ""
    return Text(f"{problem.source}: {', '.join(parts)}\nminimises {problem.loss_name}{budgets}")


def budget_lines(problem: Problem, ram: RamBudget | None = None) -> list[Text]:
    """One line per budget, with the unit and the provenance of the cost."""
    lines = []
    for name, limit in problem.budgets.items():
        unit = problem.units.get(name, "")
        lines.append(
            Text(f"budget {cost_label(name, problem)} <= {number(limit, 10)} {unit}".rstrip())
        )
    if ram and ram.limit is not None:
        lines.append(Text(f"budget ram (peak) <= {ram.limit:,} byte"))
    return lines


def ram_lines(ram: RamBudget | None, configuration: Configuration | None) -> list[Text]:
    """The peak of the activations, if the network is known."""
    return [Text(ram.sentence(configuration))] if ram and configuration else []


def ram_json(ram: RamBudget | None, configuration: Configuration | None) -> dict[str, Any]:
    """The same as an entry of an answer's JSON."""
    return {"ram": ram.to_json(configuration)} if ram and configuration else {}


def print_solution(solution: Solution, posed: Posed, *more: Part) -> None:
    """Print a report on an answer, and more below it."""
    problem = posed.problem
    reason = solution.reason.removeprefix(f"auto chose {solution.method}: ")
    print_report(
        header(problem, posed.ram),
        Text(f"method {solution.method}{f' (chosen: {reason})' if _chosen(solution) else ''}"),
        *(_tables(solution, posed) if solution.configuration else ()),
        Text(),
        _verdict(solution),
        *(Text(f"note: {spoken(note, solution.provenance)}") for note in solution.notes),
        *more,
    )


def _chosen(solution: Solution) -> bool:
    return solution.reason.startswith("auto chose")


def _tables(solution: Solution, posed: Posed) -> tuple[Part, ...]:
    problem = posed.problem
    return (
        Text(),
        fitting(
            solution_table(solution, problem, reference=posed.reference),
            solution_table(solution, problem, compact=True),
        ),
        Text(),
        cost_table(solution.costs, solution.budgets, solution.units, solution.provenance),
        *ram_lines(posed.ram, solution.configuration),
    )


def _verdict(solution: Solution) -> Text:
    """The status, what it means, and what is proven."""
    text = Text.assemble(status_text(solution.status), f": {solution.status.meaning}")
    if solution.limit:
        text.append(f" Stopped: {solution.limit}.")
    if solution.conflict:
        text.append(f"\n{solution.conflict.message}")
    elif solution.reason and not _chosen(solution):
        text.append(f"\n{spoken(solution.reason, solution.provenance)}")
    facts = []
    if solution.loss is not None:
        facts.append(f"loss {number(solution.loss, 10)}")
    if solution.bound is not None:
        facts.append(f"bound {number(solution.bound, 10)}")
    if solution.gap is not None:
        facts.append(f"gap {percentage(solution.gap)}")
    facts.append(f"{solution.seconds:.3f} s")
    return text.append(f"\n{'   '.join(facts)}")
