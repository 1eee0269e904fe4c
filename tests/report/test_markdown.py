"""Tables in Markdown."""

from __future__ import annotations

from mpsolve.report.markdown import markdown_table


def test_a_table() -> None:
    """Words stand left, numbers right, and a bar in a cell is none of the table."""
    table = markdown_table(
        ("network", "loss", "why"), [("a|b", "3", "x"), ("c", "4", "y")], ["why"]
    )
    assert table.splitlines() == [
        "| network | loss | why |",
        "| --- | ---: | --- |",
        "| a\\|b | 3 | x |",
        "| c | 4 | y |",
    ]
