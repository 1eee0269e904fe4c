"""What a flow has found, as tables and sentences for people."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from mpsolve.model.provenance import labelled
from mpsolve.training.flow.fronts import (
    MARGINS,
    Margin,
    Spread,
    at_budgets,
    budgets_of,
    families,
    lead,
    of_baseline,
    prediction,
    within,
)
from mpsolve.training.flow.points import AS_FOUND, EXACT, FREE_BITS

if TYPE_CHECKING:
    from mpsolve.training.flow.outcome import FlowResult

Cells = tuple[str, ...]
#: Relative; what rounding may add to a sum.
TINY = 1e-12


@dataclass(frozen=True)
class Section:
    """A table under a title, and what is to be said about it.

    Attributes
    ----------
    title
        The title.
    header, rows
        The table; the first column is text, the others are numbers.
    remarks
        Sentences that follow.
    """

    title: str
    header: Cells
    rows: tuple[Cells, ...]
    remarks: tuple[str, ...] = ()


def summary(result: FlowResult) -> list[Section]:
    """All sections, of one target after the other."""
    sections = []
    for target in result.settings.targets:
        sections += [by_budget(result, target), by_margin(result, target)]
    return sections


def by_budget(result: FlowResult, target: str) -> Section:
    """What every family delivers for every latency target."""
    reference = result.of(target)[0].reference
    budgets = budgets_of(result, target)
    seeds = len(result.settings.seeds)
    leader = next((name for name in families(result) if name.startswith("exact")), None)
    rows = []
    for name, has in families(result).items():
        count = len({(r.seed, r.point.id) for r in result.of(target) if has(r)})
        own = [_accuracy(s, seeds) for s in at_budgets(result, target, name).values()]
        gain = lead(result, target, leader, name) if leader and name != leader else None
        rows.append((name, *own, f"{count / seeds:.3g}", _points(gain, seeds) if gain else ""))
    latency = labelled("latency", result.tables[target].provenance)
    return Section(
        f"{target}: test accuracy for a {latency}",
        (
            "method",
            *(f"{value / reference:.3f}x" for value in budgets.values()),
            "networks per seed",
            f"{leader} ahead by [points]" if leader else "",
        ),
        tuple(rows),
        (
            f"Of each method's configurations within a {latency}, in parts of that of 8b/8b, the "
            f"one of best validation accuracy; {_seeds(result)}. The last column is the mean "
            "over the latencies for which both have one; brackets say of how many seeds.",
        ),
    )


def by_margin(result: FlowResult, target: str) -> Section:
    """The fastest configurations near the accuracy of 8b/8b: Free Bits, table 1."""
    latency = labelled("latency", result.tables[target].provenance)
    rows: list[Cells] = [
        _margin_row("8b/8b", of_baseline(result, target, "8b/8b", AS_FOUND)),
    ]
    for points in MARGINS:
        for name in families(result):
            if name == "Free Bits" or name.startswith(EXACT):
                label = f"within {points} points: {name}"
                rows.append(_margin_row(label, within(result, target, name, points)))
    rows += [
        _margin_row("4b/4b after Free Bits", of_baseline(result, target, "4b/4b", FREE_BITS)),
        _margin_row("4b/4b", of_baseline(result, target, "4b/4b", AS_FOUND)),
    ]
    floats = Spread.of(own["test_accuracy"] for own in result.floats.values())
    return Section(
        f"{target}: the fastest within a margin of accuracy",
        ("configuration", f"{latency} vs 8b/8b", "test accuracy"),
        tuple(rows),
        (
            "Chosen by validation accuracy, the margin counted from that of 8b/8b. "
            f"Full precision: {_accuracy(floats, len(result.floats))}; {_seeds(result)}.",
        ),
    )


def integer_sentences(result: FlowResult) -> list[str]:
    """Whether the integer networks compute what they should."""
    networks = result.networks
    if not networks:
        return ["No network was fine-tuned."]
    images = sum(tuned.images for tuned in networks)
    same = sum(tuned.same_class for tuned in networks)
    worst = max(tuned.largest_own_difference for tuned in networks)
    checked = sum(tuned.onnxruntime is True for tuned in networks)
    more = sum(tuned.integer_correct - tuned.quantised_correct for tuned in networks)
    return [
        f"{len(networks)} integer networks: ONNX Runtime and the interpreter agree bit by bit on "
        f"all test images for {checked} of them"
        + ("." if checked == len(networks) else "; onnxruntime is not installed for the others."),
        f"They give the class of the network with quantisers for {same:,} of {images:,} images; "
        f"given the same inputs, no layer is off by more than {worst} step"
        f"{'s' * (worst != 1)}. Their accuracy is {100 * more / images:+.2f} points from "
        "that with quantisers, on average.",
    ]


def solver_sentences(result: FlowResult) -> list[str]:
    """How far the best of all other methods was from the optimum of the sensitivities."""
    exact = [row.point for row in result.rows if row.point.method == EXACT]
    if not exact:
        return []
    sentences = [f"{len(exact)} exact optima, all proven."]
    begun = [(p.warm_start, p.losses[p.kind]) for p in exact if p.warm_start is not None]
    excess = [warm / least - 1 for warm, least in begun if least > 0]
    if excess:
        sentences.append(
            "The best configuration of all other methods, with which they began, has more summed "
            f"sensitivity in {sum(e > TINY for e in excess)} of {len(excess)} cases: "
            f"{median(excess):.0%} more in the middle case, {max(excess):.0%} at most."
        )
    for metric in result.settings.metrics:
        if correlation := prediction(result, metric):
            sentences.append(
                f"Summed sensitivities ({metric}) and the validation loss after fine-tuning have "
                f"a rank correlation of {_number(correlation)} over all configurations."
            )
    return sentences


def _number(spread: Spread) -> str:
    text = f"{spread.mean:.2f}"
    return text if spread.deviation is None else f"{text} \u00b1 {spread.deviation:.2f}"


def _margin_row(name: str, margin: Margin | None) -> Cells:
    if margin is None:
        return (name, "none", "")
    latency = margin.latency
    spread = f" \u00b1 {latency.deviation:.1%}" if latency.deviation is not None else ""
    return (name, f"{latency.mean:+.1%}{spread}", _accuracy(margin.accuracy, margin.accuracy.count))


def _accuracy(spread: Spread | None, seeds: int) -> str:
    if spread is None:
        return "none"
    text = f"{spread.mean:.1%}"
    if spread.deviation is not None:
        text += f" \u00b1 {100 * spread.deviation:.1f}"
    return text + _few(spread, seeds)


def _points(spread: Spread, seeds: int) -> str:
    text = f"{100 * spread.mean:+.2f}"
    if spread.deviation is not None:
        text += f" \u00b1 {100 * spread.deviation:.2f}"
    return text + _few(spread, seeds)


def _few(spread: Spread, seeds: int) -> str:
    """How many seeds a mean is of, unless it is of all."""
    return "" if spread.count == seeds else f" ({spread.count} of {seeds})"


def _seeds(result: FlowResult) -> str:
    seeds = result.settings.seeds
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"mean and sample standard deviation over seeds {', '.join(map(str, seeds))}"
