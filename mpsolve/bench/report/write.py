"""What the report consists of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.bench.contender import CONTENDERS
from mpsolve.bench.instances import FAMILIES
from mpsolve.bench.report import tables
from mpsolve.bench.report.boxes import draw_gaps, draw_times
from mpsolve.bench.report.frame import frame_of, medians
from mpsolve.bench.report.fronts import draw_front, instances_with_fronts
from mpsolve.bench.report.page import Figure, Heading, Paragraph, Table, write_page
from mpsolve.bench.report.profiles import draw_profiles
from mpsolve.bench.report.scaling import FAMILIES as GROWING
from mpsolve.bench.report.scaling import draw_scaling, families_in
from mpsolve.bench.sweep import Results
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from mpsolve.bench.report.page import Block

PROTOCOL = Path(__file__).parents[1] / "PROTOCOL.md"


def write_report(folder: Path, output: Path) -> Path:
    """Write the page about the rows in a folder.

    Returns
    -------
    The path of the HTML file; Markdown and pictures lie beside it.

    Raises
    ------
    InputError
        If there are no rows.
    """
    results = Results(folder)
    rows = results.rows.rows()
    frame = frame_of(rows.values())
    if frame.empty:
        raise InputError(f"{folder} holds no rows; run mpsolve bench run -o {folder} first.")
    output.mkdir(parents=True, exist_ok=True)
    blocks: list[Block] = [Heading("mpsolve benchmark", 1)]
    blocks += _setting(frame, results)
    compared = medians(frame[~frame["front"]])
    blocks += _overview(compared, output)
    blocks += [Heading("Answers that were wrong")]
    blocks += _wrong(compared)
    blocks += _fronts(frame, output)
    blocks += _scaling(compared, output)
    blocks += [Heading("How the optima were established")]
    blocks += [tables.references(results.references.rows().values())]
    blocks += [Heading("Protocol"), Paragraph(_protocol())]
    return write_page(blocks, output)


def _setting(frame: pd.DataFrame, results: Results) -> Iterator[Block]:
    modelled = "Latencies of the bundled tables are modelled, not measured. "
    yield Paragraph(
        f"{len(frame)} runs on {frame['instance'].nunique()} instances; "
        f"{frame['time_limit'].iloc[0]:g} s for each. "
        f"{modelled if 'modelled' in set(frame['provenance']) else ''}"
        f"Machine: {'; '.join(frame['machine'].unique())}."
    )
    versions = (part for text in frame["versions"].unique() for part in text.split(", "))
    yield Paragraph(f"Versions: {', '.join(dict.fromkeys(versions))}.")
    absent = {m: why for m, why in results.left_out.items() if m not in set(frame["method"])}
    if absent:
        yield Paragraph("Left out: " + " ".join(absent[m] for m in CONTENDERS if m in absent))


def _overview(frame: pd.DataFrame, output: Path) -> Iterator[Block]:
    special = {*GROWING, "scaled"}
    usual = frame[~frame["family"].isin(special)]
    if usual.empty:
        return
    yield Heading("Times and gaps")
    families = ", ".join(f"{f} ({FAMILIES[f]})" for f in usual["family"].unique())
    yield Paragraph(f"Families: {families}. Seconds are medians over the repeats.")
    yield tables.summary(usual)
    yield from _present(tables.ratios(usual))
    draw_times(usual, output / "times.svg")
    yield Figure(
        "times.svg",
        "Milliseconds per run: median, quartiles, 5th to 95th per cent. Random searches take their "
        "share of the time limit by design.",
    )
    draw_gaps(usual, output / "gaps.svg")
    yield Figure(
        "gaps.svg",
        "Gap to the optimum of the answers that keep their budgets; methods that are always within "
        "0.0001 % are left out.",
    )
    draw_profiles(usual, output / "profiles.svg")
    yield Figure(
        "profiles.svg",
        "Performance profiles (Dolan and Moré 2002). Left: of the cases that an exact method was "
        "run on, the share that it proves within a multiple of the fastest time. Right: the share "
        "with an answer within a gap.",
    )


def _wrong(frame: pd.DataFrame) -> Iterator[Block]:
    table = tables.wrong_answers(frame)
    if table is None:
        yield Paragraph("No claim was disproved.")
    else:
        yield Paragraph(
            "Claims that the evaluation on the original numbers, or a better answer with a proof, "
            "disproves: a loss more than 1e-6 above the optimum, a broken budget, or no answer "
            "where there is one."
        )
        yield table
    if scaled := tables.scales(frame):
        yield Paragraph(
            "The same problem in other units of loss or of latency. The answer must not change; "
            "the cells show the worst gap to the optimum in per cent, and how many runs ended over "
            "budget."
        )
        yield scaled


def _fronts(frame: pd.DataFrame, output: Path) -> Iterator[Block]:
    names = instances_with_fronts(frame)
    if not names:
        return
    yield Heading("Heuristics against the optimum over the whole range of budgets")
    for number, name in enumerate(names, 1):
        draw_front(frame, name, output / f"front-{number}.svg")
        yield Figure(
            f"front-{number}.svg",
            f"{name}: loss over the budget, and gap to the proven optimum. Where a line is "
            "missing, the method has no answer that keeps the budget.",
        )


def _scaling(frame: pd.DataFrame, output: Path) -> Iterator[Block]:
    if not families_in(frame):
        return
    yield Heading("Growing problems")
    draw_scaling(frame, output / "scaling.svg")
    yield Figure(
        "scaling.svg",
        "Median time over the number of layers (9 candidates each) and of candidates (64 layers), "
        "synthetic; a line breaks off where a method does not finish within the limit.",
    )


def _present(table: Table | None) -> Iterator[Block]:
    if table is not None:
        yield table


def _protocol() -> str:
    """The text below its title."""
    return PROTOCOL.read_text(encoding="utf-8").partition("\n\n")[2].strip()
