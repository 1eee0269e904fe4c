"""The files of the importers' tests, and what they hold of each layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve import Precision, TableError
from mpsolve.profiles.importers import import_table

if TYPE_CHECKING:
    from mpsolve.profiles import LatencyTable

DATA = Path(__file__).parents[2] / "data" / "importers"


def by_layer(table: LatencyTable, column: str = "latency") -> dict[str, dict[str, Any]]:
    """Layer -> precision -> value."""
    values = table.columns[column].tolist()
    return {
        layer: {
            str(table.precisions[k]): values[k]
            for k in range(table.offsets[i], table.offsets[i + 1])
        }
        for i, layer in enumerate(table.layers)
    }


def refusal(form: str, *paths: Path, precisions: str = "", **options: Any) -> str:
    """The sentence with which files are refused; precisions are separated by spaces."""
    parsed = [Precision.parse(text) for text in precisions.split()]
    with pytest.raises(TableError) as caught:
        import_table(form, paths, precisions=parsed, **options)
    return str(caught.value)
