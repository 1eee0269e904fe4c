"""The rows of a sweep as data frames, one row per case, method and seed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mpsolve.bench.contender import CONTENDERS, Kind
from mpsolve.bench.result import Claim, Row, Verdict
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

#: What tells the runs of one method on one problem apart from others.
CASE = ["instance", "level"]


def frame_of(rows: Iterable[Row]) -> pd.DataFrame:
    """All rows, with the column ``solved``; methods in the order of the registry."""
    require("pandas", "bench", "The report")
    import pandas as pd

    order = list(CONTENDERS)
    known = [row for row in rows if row.method in CONTENDERS]
    known.sort(key=lambda row: (order.index(row.method), row.instance, row.level, row.repeat))
    frame = pd.DataFrame([asdict(row) | {"solved": row.solved} for row in known])
    return frame[frame["verdict"] != Verdict.NOT_RUN.value] if len(frame) else frame


def medians(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per case, method and seed: seconds become the median over the repeats.

    A method that did not answer within its limit has no seconds.
    """
    over = frame["claim"] == Claim.OVERTIME.value
    timed = frame.assign(seconds=frame["seconds"].mask(over))
    grouped = timed.groupby([*CASE, "method", "seed"], sort=False)
    first = grouped.first()
    return first.assign(
        seconds=grouped["seconds"].median(),
        solved=grouped["solved"].all(),
        wrong=grouped["wrong"].any(),
        gap=grouped["gap"].max(),
    ).reset_index()


def methods_in(frame: pd.DataFrame) -> list[str]:
    """The methods that occur, in the order of the registry."""
    present = set(frame["method"])
    return [name for name in CONTENDERS if name in present]


def exact_in(frame: pd.DataFrame) -> list[str]:
    """The exact methods: those that called an answer optimal, but for heuristics and baselines."""
    claimed = set(frame.loc[frame["claim"] == Claim.OPTIMAL.value, "method"])
    guessing = (Kind.HEURISTIC, Kind.BASELINE)
    return [
        name
        for name in methods_in(frame)
        if name in claimed and CONTENDERS[name].kind not in guessing
    ]
