"""The tables of the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.contender import CONTENDERS, Kind
from mpsolve.bench.report.frame import exact_in, methods_in
from mpsolve.bench.report.page import Table
from mpsolve.bench.report.profiles import time_ratios
from mpsolve.bench.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from mpsolve.bench.result import Reference


def summary(frame: pd.DataFrame) -> Table:
    """One row per method: what it proved, what it missed, how long it took."""
    exact = exact_in(frame)
    rows = []
    for method in methods_in(frame):
        of = frame[frame["method"] == method]
        gap, ms = of["gap"].dropna() * 100, of["seconds"].dropna() * 1e3
        broken = int((of["verdict"] == Verdict.BROKEN.value).sum())
        unanswered = int((of["verdict"] == Verdict.NO_ANSWER.value).sum())
        rows.append(
            (
                method,
                CONTENDERS[method].kind.value,
                str(len(of)),
                str(int(of["solved"].sum())) if method in exact else "-",
                str(int(of["wrong"].sum())),
                str(broken),
                str(unanswered),
                _number(gap.median()),
                _number(gap.max()),
                _number(ms.median()),
                _number(ms.max()),
            )
        )
    header = ("method", "kind", "runs", "proven", "wrong", "over budget", "no answer")
    return Table((*header, "median gap %", "worst gap %", "median ms", "worst ms"), tuple(rows))


def ratios(frame: pd.DataFrame, ours: str = "mckp") -> Table | None:
    """How many times as long as our search every other exact method takes, case by case."""
    exact = exact_in(frame)
    if ours not in exact:
        return None
    seconds = time_ratios(frame, exact)
    others = [m for m in exact if CONTENDERS[m].kind is not Kind.OURS]
    if not others:
        return None
    fastest = np.fmin.reduce([seconds[m] for m in others])
    rows = []
    for method, theirs in [*((m, seconds[m]) for m in others), ("the fastest of them", fastest)]:
        both = np.isfinite(theirs) & np.isfinite(seconds[ours])
        ratio = theirs[both] / seconds[ours][both]
        if len(ratio):
            numbers = (np.median(ratio), ratio.min(), ratio.max())
            rows.append((method, str(len(ratio)), *map(_number, map(float, numbers))))
    header = (f"seconds over those of {ours}", "cases that both prove", "median", "least", "most")
    return Table(header, tuple(rows)) if rows else None


def wrong_answers(frame: pd.DataFrame) -> Table | None:
    """The claims that are disproved: by method and family, with the worst of each."""
    wrong = frame[frame["wrong"]]
    rows = []
    for (method, family), of in wrong.groupby(["method", "family"], sort=False):
        all_runs = frame[(frame["method"] == method) & (frame["family"] == family)]
        worse = int((of["verdict"] == Verdict.FEASIBLE.value).sum())
        over = int((of["verdict"] == Verdict.BROKEN.value).sum())
        rows.append(
            (
                str(method),
                str(family),
                str(len(all_runs)),
                str(worse),
                _number(of["gap"].max() * 100),
                str(over),
                _number(of["excess"].max() * 100) if over else "-",
                str(len(of) - worse - over),
            )
        )
    header = ("method", "family", "runs", "worse, called optimal", "worst gap %")
    more = ("over budget", "worst excess %", "called infeasible")
    return Table((*header, *more), tuple(rows)) if rows else None


def scales(frame: pd.DataFrame) -> Table | None:
    """The worst gap of each exact method when the same problem is posed in other units."""
    of = frame[frame["family"] == "scaled"]
    if of.empty:
        return None
    units = list(dict.fromkeys(of["instance"]))
    units.sort(key=lambda name: ("latency" in name, -float(name.rpartition("1e")[2])))
    rows = []
    for method in exact_in(of):
        cells = []
        for unit in units:
            runs = of[(of["method"] == method) & (of["instance"] == unit)]
            broken = int((runs["verdict"] == Verdict.BROKEN.value).sum())
            worst = _number(runs["gap"].max() * 100) if runs["gap"].notna().any() else "none"
            cells.append(f"{worst}{f', {broken} over' if broken else ''}" if len(runs) else "")
        rows.append((method, *cells))
    names = (unit.partition("-")[2].replace("1e", " x 1e") for unit in units)
    return Table(("worst gap %", *names), tuple(rows))


def references(known: Iterable[Reference]) -> Table:
    """How the optima were established."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for reference in known:
        found = "no proof"
        if reference.proven_by:
            found = "infeasible" if reference.infeasible else "optimum"
            found += "" if reference.agreed else ", in DISAGREEMENT"
        family = reference.instance.partition("/")[0]
        counts[family, reference.proven_by or "nobody", found] += 1
    rows = [(*key, str(count)) for key, count in counts.items()]
    return Table(("family", "proven by", "result", "cases"), tuple(rows))


def _number(value: float) -> str:
    """Three digits; a dash for nothing."""
    if value is None or np.isnan(value):
        return "-"
    if abs(value) < 5e-5:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
