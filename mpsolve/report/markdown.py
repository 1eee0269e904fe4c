"""Tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], words: Collection[str] = ()
) -> str:
    """Lines with bars; columns are aligned to the right.

    Parameters
    ----------
    header, rows
        The cells.
    words
        The names of the columns that are aligned to the left, beside the first.

    >>> print(markdown_table(("layer", "bits"), [("a|b", "8")]))
    | layer | bits |
    | --- | ---: |
    | a\\|b | 8 |
    """
    left = (header[0], *words)
    rule = ["---" if name in left else "---:" for name in header]
    cells = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *cells))
