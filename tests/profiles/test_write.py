"""Writing: what is written is read back equal, or not written at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpsolve import Precision
from mpsolve.errors import InputError
from mpsolve.profiles import (
    LatencyTable,
    Provenance,
    bundled_tables,
    load_table,
    read_table,
    write_csv,
)
from mpsolve.profiles.labels import LABELS, UNIT
from tests.profiles.helpers import TIDY, assert_same, read

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.text(min_size=1, max_size=8).filter(lambda t: t.isprintable() and t == t.strip())
COLUMNS = NAMES.filter(lambda t: t not in LABELS and t != "kind" and not t.endswith(UNIT))
BITS = st.one_of(st.integers(0, 32), st.floats(0, 32))
PRECISIONS = st.builds(Precision, BITS, BITS, st.one_of(st.just(""), NAMES))
INTEGERS = st.integers(0, 2**63 - 1)
FLOATS = st.floats(0, allow_infinity=False)


@st.composite
def tables(draw: st.DrawFn) -> LatencyTable:
    """Any table whose names can be written."""
    layers = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    candidates = [draw(st.lists(PRECISIONS, min_size=1, max_size=4, unique=True)) for _ in layers]
    rows = sum(map(len, candidates))
    columns: dict[str, Any] = {}
    for name in draw(st.lists(st.one_of(st.just("latency"), COLUMNS), max_size=3, unique=True)):
        numbers = draw(st.sampled_from((INTEGERS, FLOATS)))
        columns[name] = np.array(draw(st.lists(numbers, min_size=rows, max_size=rows)))
    labels = st.one_of(st.just(""), NAMES)
    per_layer = st.lists(labels, min_size=len(layers), max_size=len(layers)).map(tuple)
    return LatencyTable(
        layers=tuple(layers),
        offsets=np.cumsum([0, *map(len, candidates)]),
        precisions=tuple(p for one in candidates for p in one),
        columns=columns,
        units={name: draw(NAMES) for name in columns if draw(st.booleans())},
        layer_types=draw(per_layer),
        tie_groups=draw(per_layer),
        b_in_groups=draw(per_layer),
        provenance=draw(st.sampled_from(Provenance)),
    )


@given(tables())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_written_tables_are_read_back_equal(tmp_path: Path, table: LatencyTable) -> None:
    """Names in any script, quotation marks, fractions of bits and all numbers survive."""
    path = tmp_path / "table.csv"
    write_csv(table, path)
    assert_same(read_table(path), table)


def test_bundled_tables_survive_writing(tmp_path: Path) -> None:
    """Real tables are written and read back equal."""
    path = tmp_path / "table.csv"
    for bundled in bundled_tables():
        table = load_table(bundled.name)
        write_csv(table, path)
        assert_same(read_table(path), table)


def test_a_table_is_written_with_its_layers_together(tmp_path: Path) -> None:
    """The file is what a person would have written, with the rows of a layer in one block."""
    path = tmp_path / "table.csv"
    write_csv(read(TIDY), path)
    assert path.read_text() == (
        "layer,layer_type,tie_group,b_in_group,b_in,b_wt,latency,latency_unit,energy,provenance\n"
        "conv0,conv,,add0,8,8,100,cycles,1.5,simulated\n"
        "conv0,conv,,add0,8,4,120,cycles,1.0,simulated\n"
        "fc,linear,g0,,8,8,30,cycles,0.25,simulated\n"
        "fc,linear,g0,,8,4.5,20,cycles,0.125,simulated\n"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": (" conv0", "fc")}, "' conv0' cannot be written: spaces around a name"),
        ({"layers": ("a\nb", "fc")}, "'a\\\\nb' cannot be written"),
        ({"layers": ("", "fc")}, "a layer or column without a name"),
        ({"tie_groups": ("g0 ", "")}, "'g0 ' cannot be written"),
        ({"b_in_groups": ("", " add0")}, "' add0' cannot be written"),
        ({"columns": {"kind": np.ones(4)}}, "A column cannot be called kind: it would be read as"),
        ({"columns": {"x_unit": np.ones(4)}}, "A column cannot be called x_unit"),
    ],
)
def test_names_that_would_change_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """Nothing is written that would be read back as something else."""
    path = tmp_path / "table.csv"
    with pytest.raises(InputError, match=message):
        write_csv(replace(read(TIDY), **changes), path)
    assert not path.exists()


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The reason is that of the operating system."""
    with pytest.raises(InputError, match=r"no/t\.csv cannot be written: No such file or directory"):
        write_csv(read(TIDY), tmp_path / "no" / "t.csv")
