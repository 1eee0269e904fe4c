"""The results as tables, for a terminal and for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.haq_mcu.setting import SCHEME
from mpsolve.bench.report.page import Table
from mpsolve.profiles.memory import SCHEMES
from mpsolve.report.tables.text import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.haq_mcu.result import Answer, Result

HEADERS = (
    "network",
    "proxy",
    "optimum",
    "rule",
    "gap of the rule",
    "weights x",
    "activations x",
    "ROM [byte]",
    "RAM [byte]",
    "at",
)
OTHER_HEADERS = ("network", "proxy", "ROM, RAM", "optimum", "against first", "weights x")
#: The columns that are aligned to the left.
WORDS = ("network", "proxy", "at")
NONE = "-"

NOTES = (
    "optimum: the least loss, proven, with 2, 4 and 8 bits; the input of the network and what "
    "adders read and write have 8. The proxy weights 4^-b_in + 4^-b_wt of every layer by its MACs "
    "(noise-macs) or by its number of weights (noise-params); the paper's own measure is an "
    "accuracy after training.",
    "rule: the loss of the memory-driven rule of Rusci et al. 2020, which knows bytes alone; its "
    "gap is (rule - optimum) / optimum.",
    "weights x, activations x: compression against 32 bits as optimum / rule / paper (Table 2). "
    "Weights: 32 bits per weight over all bits of weights, without biases and tables. Activations: "
    "the mean of 32 / b_in over the layers, so that every tensor that a layer reads counts once, "
    "the input of the network included. The paper does not define its average.",
    f"ROM: weights and tables ({SCHEMES[SCHEME].description}). RAM: the most that the activations "
    "of any node need, live skip tensors included, and that node. Both as optimum / rule; of its "
    "own policies the paper states the compression alone, and that they fit.",
    "MNasNet-A1 224_0.35 is the paper's comparison, with 8 bits (4x) and assumed to lose nothing. "
    "By the rule that a node's input and output are in memory together, it "
    "does not fit 512 kB with 8 bits everywhere (below): the optimum gives one tensor 4 bits.",
)


def table(results: Iterable[Result]) -> Table:
    """Results under the first limits."""
    return Table(HEADERS, tuple(map(_row, results)), WORDS)


def _row(result: Result) -> tuple[str, ...]:
    case, best, rule = result.case, result.optimum, result.rule
    return (
        case.name,
        result.loss,
        number(best.loss) if best else "infeasible",
        number(rule.loss) if rule else "none",
        f"{result.gap:,.1%}" if result.gap is not None else NONE,
        _beside(best, rule, "weights", case.weights),
        _beside(best, rule, "activations", case.activations),
        _pair(best, rule, "rom", ","),
        _pair(best, rule, "ram", ","),
        _pair(best, rule, "node"),
    )


def other_table(results: Sequence[Result], first: Sequence[Result]) -> Table:
    """Results beside those under the first limits."""
    known = {(r.case.name, r.loss): r.optimum for r in first}
    rows: list[tuple[str, ...]] = []
    for result in results:
        best, before = result.optimum, known[result.case.name, result.loss]
        limits = f"{result.limits.rom:,}, {result.limits.ram:,}"
        change = f"{best.loss / before.loss - 1:+.1%}" if best and before else NONE
        loss, weights = (number(best.loss), f"{best.weights:.2f}") if best else (NONE, NONE)
        rows.append((result.case.name, result.loss, limits, loss, change, weights))
    return Table(OTHER_HEADERS, tuple(rows), WORDS)


def remarks(results: Iterable[Result]) -> list[str]:
    """What could not be solved and why, once for each network."""
    lines = [f"{r.case.name} ({r.limits.rom:,}, {r.limits.ram:,}): {' '.join(r.remarks)}"
             for r in results if r.remarks]  # fmt: skip
    return list(dict.fromkeys(lines))


def eight_bits(results: Iterable[Result]) -> str:
    """What the networks would need without narrow activations."""
    needs = {r.case.name: f"{r.eight_bits[0]:,} at {r.eight_bits[1]}" for r in results}
    return "; ".join(f"{name} {need}" for name, need in needs.items())


def page(
    first: Sequence[Result],
    others: Sequence[Result],
    command: str,
    machine: str,
    picture: str = "",
) -> str:
    """The whole page, with the picture of this name beside it."""
    limits = first[0].limits
    seconds = [result.seconds for result in (*first, *others)]
    checked = sorted({result.checked_by for result in first if result.checked_by})
    proof = f", each found again by {' and '.join(checked)}" if checked else ""
    solved = sum(result.optimum is not None for result in (*first, *others))
    parts = [
        "# HAQ's setting for microcontrollers, solved exactly",
        f"The networks of Table 2 of *Leveraging Automated Mixed-Low-Precision Quantization for "
        f"Tiny Edge Microcontrollers* (Rusci, Fariselli, Capotondi, Benini, 2020) within "
        f"{limits.rom:,} bytes of ROM and {limits.ram:,} bytes of RAM ({limits.origin}).",
        f"Made by `{command}` on {machine}. {solved} proven optima of {len(seconds)} problems, "
        f"{1e3 * min(seconds):.0f} to {1e3 * max(seconds):.0f} ms each{proof}.",
        table(first).markdown(),
        *([f"![Compression and gaps]({picture})"] if picture else []),
        "\n".join(f"- {note}" for note in NOTES),
        f"With 8 bits everywhere, activations would need: {eight_bits(first)} (bytes and node).",
    ]
    if lines := remarks((*first, *others)):
        parts += ["## Without an answer", "\n".join(f"- {line}" for line in lines)]
    else:
        parts.append(
            "All seven networks fit under the strict rules, in their own order of execution and "
            "with adders that need an output of their own; no relaxation is needed."
        )
    if others:
        parts += [
            "## Other readings of 2 MB and 512 kB",
            "\n".join(f"- {origin}" for origin in _origins(others)),
            other_table(others, first).markdown(),
        ]
    return "\n\n".join(parts) + "\n"


def _origins(results: Iterable[Result]) -> list[str]:
    found = {r.limits: f"{r.limits.rom:,} and {r.limits.ram:,}: {r.limits.origin}" for r in results}
    return list(found.values())


def _pair(best: Answer | None, rule: Answer | None, what: str, form: str = "") -> str:
    """A figure of the optimum and of the rule."""
    return " / ".join(format(getattr(a, what), form) if a else NONE for a in (best, rule))


def _beside(best: Answer | None, rule: Answer | None, what: str, paper: float) -> str:
    """A compression factor of the optimum, of the rule and of the paper."""
    own = [f"{getattr(answer, what):.2f}" if answer else NONE for answer in (best, rule)]
    return " / ".join([*own, f"{paper:.1f}"])
