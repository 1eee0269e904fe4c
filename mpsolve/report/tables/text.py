"""Numbers, names and statuses as people read them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mpsolve.model.evaluation import keeps
from mpsolve.model.provenance import Provenance
from mpsolve.model.provenance import labelled as labelled
from mpsolve.model.solution import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.model.problem import Problem
    from mpsolve.typing import Number


STYLES = {
    Status.OPTIMAL: "green",
    Status.FEASIBLE: "yellow",
    Status.INFEASIBLE: "red",
    Status.NO_SOLUTION: "red",
    Status.FAILED: "red",
}
#: Floats that exceed a budget by rounding alone are not called over it.
ROUNDED_TERMS = 2**20


def new_table() -> Table:
    return Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)


def plain(text: str) -> Text:
    """Text that is no markup and cannot steer the terminal."""
    return Text(
        "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    )


def cost_label(name: str, problem: Problem) -> str:
    """A cost as it is called in reports; modelled latencies are called modelled."""
    return labelled(name, problem.provenance)


def spoken(sentence: str, provenance: Provenance) -> str:
    """A sentence about a latency, with the provenance of the latency.

    >>> spoken("latency is 7 and its budget 5", Provenance.MODELLED)
    'latency (modelled) is 7 and its budget 5'
    """
    return re.sub(r"\blatency is\b", f"{labelled('latency', provenance)} is", sentence)


def number(value: Number, digits: int = 7) -> str:
    """A number for people: integers exactly, others to so many significant digits.

    >>> number(34759811), number(1512744.5449), number(0.00012345)
    ('34,759,811', '1,512,745', '0.00012345')
    """
    if isinstance(value, int) or not math.isfinite(value):
        return f"{value:,}"
    if value and not 1e-5 <= abs(value) < 1e15:
        return f"{value:.{digits - 1}e}"
    places = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_totals(costs: Mapping[str, Number]) -> dict[str, Number]:
    """The costs without the bits of the weights where they stand as ``rom`` already."""
    return {k: v for k, v in costs.items() if k != "weight_bits_total" or "rom" not in costs}


def optional(value: Number | None) -> str:
    return "" if value is None else number(value, 10)


def column(values: Sequence[Number], digits: int = 7) -> list[str]:
    """Numbers for people, with as many decimals as the largest of them needs.

    >>> column([0.5, 1234.5678]), column([0.25, 1.5]), column([7, 8])
    (['0.500', '1,234.568'], ['0.25', '1.50'], ['7', '8'])
    """
    largest = max(map(abs, values), default=0)
    if not 1e-5 <= largest < 1e15 or all(isinstance(value, int) for value in values):
        return [number(value, digits) for value in values]
    places = max(digits - 1 - math.floor(math.log10(largest)), 0)
    texts = [f"{value:,.{places}f}" for value in values]
    spare = min(len(text) - len(text.rstrip("0")) for text in texts) if places else 0
    return [text[: len(text) - spare].rstrip(".") for text in texts]


def percentage(part: float | None) -> str:
    """A gap for people; only a gap of zero is printed as ``0%``.

    >>> percentage(0), percentage(0.6), percentage(1e-9)
    ('0%', '60.00%', '<0.01%')
    """
    if part is None:
        return ""
    if not part:
        return "0%"
    return "<0.01%" if 0 < part < 1e-4 else f"{part:,.2%}"


def used_part(cost: Number, limit: Number) -> Text:
    """The part of a budget that is used, rounded so that it never hides a violation."""
    over = not keeps(cost, limit, ROUNDED_TERMS)
    if limit <= 0:
        return Text("over" if over else "kept", "red" if over else "")
    tenths = cost * 1000 / limit
    shown = max(math.ceil(tenths), 1001) if over else math.floor(tenths)
    return Text(f"{shown / 10:,.1f}%", "red" if over else "")


def status_text(status: Status) -> Text:
    """A status in the colour of good or bad news."""
    return Text(str(status), STYLES[status])
