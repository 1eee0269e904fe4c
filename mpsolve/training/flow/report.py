"""The report of a flow: ``report.md`` with its tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import MissingDependencyError
from mpsolve.report.markdown import markdown_table
from mpsolve.storage.atomic import write_text
from mpsolve.training.flow.plots import plot_flow
from mpsolve.training.flow.summary import integer_sentences, solver_sentences, summary
from mpsolve.training.folder import versions

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.training.flow.outcome import FlowResult

CAPTIONS = {
    "fronts": "What every method delivers for a latency.",
    "free-bits": "The configurations of the searches, before and after Free Bits.",
    "modifications": "What Free Bits changes.",
}


def write_report(result: FlowResult) -> Path:
    """Write ``report.md`` and its figures into the folder of a flow.

    Without matplotlib there are no figures, and the report says so.
    """
    settings = result.settings
    parts = [f"# {settings.name} on {settings.data}: accuracy against latency"]
    try:
        figures = {path.stem: path for path in plot_flow(result, result.folder)}
        parts += [f"![{CAPTIONS[name]}]({figures[name].name})" for name in CAPTIONS]
    except MissingDependencyError as error:
        parts.append(f"No figures: {error}")
    for section in summary(result):
        parts += [
            f"## {section.title}",
            markdown_table(section.header, section.rows),
            *section.remarks,
        ]
    parts += ["## Integer networks", *integer_sentences(result)]
    if found := solver_sentences(result):
        parts += ["## Optima", *found]
    if result.notes:
        parts += ["## Left out", "\n".join(f"- {note}" for note in result.notes)]
    used = ", ".join(f"{name} {number}" for name, number in versions().items())
    parts.append(f"`results.csv` has every configuration; `run.json` the settings. {used}.")
    path = result.folder / "report.md"
    write_text(path, "\n\n".join(parts) + "\n")
    return path
