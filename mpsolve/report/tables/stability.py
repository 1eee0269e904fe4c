"""How firmly an answer stands: what noise would choose, layer by layer, and in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.report.tables.text import new_table, number, plain

if TYPE_CHECKING:
    from rich.table import Table

    from mpsolve.uncertainty.stability import Record, Stability

#: How many layers a sentence names.
SHOWN = 4


def stability_table(stability: Stability) -> Table:
    """One row per layer: the answer's precision, how often it is optimal, and what is otherwise."""
    problem = stability.problem
    table = new_table()
    table.add_column("layer", overflow="fold")
    table.add_column("answer", no_wrap=True)
    for header in ("chosen", "\N{PLUS-MINUS SIGN}"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("otherwise", overflow="fold")
    frequency, error = stability.frequency, stability.standard_error
    for i, (layer, precision) in enumerate(stability.answer.configuration.items()):
        span = range(problem.offsets[i], problem.offsets[i + 1])
        own = next(j for j in span if problem.precisions[j] == precision)
        others = [j for j in span if j != own and stability.chosen[j]]
        others.sort(key=lambda j: -int(stability.chosen[j]))
        table.add_row(
            plain(layer),
            plain(str(precision)),
            f"{frequency[own]:.1%}",
            f"{error[own]:.1%}",
            plain(", ".join(f"{problem.precisions[j]} {frequency[j]:.1%}" for j in others)),
        )
    return table


def stability_sentences(stability: Stability) -> tuple[str, ...]:
    """What the samples say about the answer, and about the most stable configuration."""
    done, feasible = stability.samples, stability.feasible
    first = f"{done} samples ({stability.noise} errors, seed {stability.seed})"
    if done < stability.requested:
        stopped = stability.limit or "no method finished the next proof"
        first += f" of {stability.requested} that were asked for; stopped: {stopped}"
    sentences = [f"{first}."]
    if stability.infeasible:
        named = ", ".join(map(str, stability.infeasible[:SHOWN]))
        more = ", ..." if len(stability.infeasible) > SHOWN else ""
        sentences.append(
            f"In {len(stability.infeasible)} of them no assignment keeps the constraints "
            f"(numbers {named}{more}); what follows leaves them out."
        )
    if not feasible:
        return tuple(sentences)
    answer, steady = stability.answer, stability.most_stable
    sentences.append(
        f"The answer keeps its budgets in {answer.kept / feasible:.1%} of the samples and is "
        f"optimal in {stability.optimal / feasible:.1%}.{_regret(answer)}"
    )
    if steady is answer:
        sentences.append("No configuration that was optimal in a sample is more stable.")
    else:
        changed = [
            f"{k} {v}" for k, v in steady.configuration.items() if answer.configuration[k] != v
        ]
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        sentences.append(
            f"The most stable configuration takes {', '.join(changed[:SHOWN])}{more} instead, and "
            f"keeps its budgets in {steady.kept / feasible:.1%} of the samples.{_regret(steady)}"
        )
    return tuple(sentences)


def _regret(record: Record) -> str:
    """The distribution of the regret of a configuration."""
    if not record.kept:
        return ""
    half, most, worst = (number(record.quantile(q) or 0.0, 4) for q in (0.5, 0.9, 1))
    return (
        f" Where it keeps them it loses {number(record.mean_regret, 4)} more than the optimum on "
        f"average (median {half}, 90 % within {most}, at most {worst})."
    )
