"""A page of headings, sentences, tables and plots, as Markdown and as one HTML file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from mpsolve.report.markdown import markdown_table
from mpsolve.storage.atomic import write_text

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: int = 2

    def markdown(self) -> str:
        """As a line with number signs."""
        return f"{'#' * self.level} {self.text}"

    def html(self, folder: Path) -> str:
        """As an element."""
        return f"<h{self.level}>{escape(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Paragraph:
    """A few sentences."""

    text: str

    def markdown(self) -> str:
        """As it is."""
        return self.text

    def html(self, folder: Path) -> str:
        """As an element."""
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Table:
    """Cells as text; columns of numbers are aligned to the right.

    Attributes
    ----------
    header, rows
        The cells.
    words
        The names of the columns of words, which are aligned to the left; the first always is.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[str, ...] = ()

    @property
    def left(self) -> tuple[str, ...]:
        """The names of the columns that are aligned to the left."""
        return (self.header[0], *self.words)

    def markdown(self) -> str:
        """As lines with bars."""
        return markdown_table(self.header, self.rows, self.words)

    def html(self, folder: Path) -> str:
        """As an element."""
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self.header)
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self.rows)
        body = "\n".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class Figure:
    """A picture in the folder of the page, and what it shows."""

    file: str
    caption: str

    def markdown(self) -> str:
        """As a link to the file."""
        return f"![{self.caption}]({self.file})\n\n{self.caption}"

    def html(self, folder: Path) -> str:
        """With the picture inside."""
        data = base64.b64encode((folder / self.file).read_bytes()).decode()
        source = f"data:image/svg+xml;base64,{data}"
        caption = f"<figcaption>{escape(self.caption)}</figcaption>"
        return f'<figure><img src="{source}" alt="{escape(self.caption)}">{caption}</figure>'


Block = Heading | Paragraph | Table | Figure

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
td, th { padding: 2px 9px; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; }
figure { margin: 1.5rem 0; } img { max-width: 100%; } figcaption { color: #555; font-size: 13px; }
"""


def write_page(blocks: list[Block], folder: Path) -> Path:
    """Write ``report.md``, beside its pictures, and ``report.html``, with its pictures inside.

    Returns
    -------
    The path of the HTML file.
    """
    text = "\n\n".join(block.markdown() for block in blocks)
    write_text(folder / "report.md", f"{text}\n")
    body = "\n".join(block.html(folder) for block in blocks)
    page = folder / "report.html"
    write_text(
        page,
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>mpsolve benchmark'
        f"</title><style>{STYLE}</style></head><body>\n{body}\n</body></html>\n",
    )
    return page
