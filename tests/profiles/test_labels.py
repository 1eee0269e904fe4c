"""Labels: layer types, ties, units and provenance."""

from __future__ import annotations

import pytest

from mpsolve.profiles import Provenance
from tests.profiles.helpers import read, refusal


def provenance(*values: str, unit: str = "cycles") -> Provenance:
    """Provenance of a table whose rows state these values."""
    rows = "".join(f"a,{b},8,1,{unit},{value}\n" for b, value in enumerate(values))
    return read(f"layer,b_in,b_wt,latency,latency_unit,provenance\n{rows}").provenance


def test_kind_serves_as_layer_type() -> None:
    """Tables of geometries call the layer type a kind."""
    assert read("layer,kind,b_in,b_wt,latency\na,3,8,8,1\n").layer_types == ("3",)
    assert read("layer,kind,layer_type,b_in,b_wt,latency\na,x,y,8,8,1\n").layer_types == ("y",)
    assert read("layer,b_in,b_wt,latency\na,8,8,1\n").layer_types == ("",)


@pytest.mark.parametrize("column", ["layer_type", "kind", "tie_group", "b_in_group"])
def test_a_label_that_changes_within_a_layer_is_refused(column: str) -> None:
    """Both rows are named."""
    text = f"layer,{column},b_in,b_wt,latency\na,x,8,8,1\nb,z,8,8,1\na,,8,4,1\n"
    assert refusal(text) == (
        f"t.csv: line 4, column {column}: layer a has '' here but 'x' in line 2; "
        "give all its rows the same."
    )


def test_every_column_may_have_a_unit() -> None:
    """A unit is known for the columns that state one."""
    table = read(
        "layer,b_in,b_wt,latency,latency_unit,energy,energy_unit,macs,macs_unit\n"
        "a,8,8,1,ms,2,nJ,3,\na,8,4,1,ms,2,nJ,3,\n"
    )
    assert table.units == {"latency": "ms", "energy": "nJ"}
    assert list(table.columns) == ["latency", "energy", "macs"]


def test_a_column_may_end_in_unit_without_being_one() -> None:
    """Without a column that it describes, it is a cost like any other."""
    assert "mac_unit" in read("layer,b_in,b_wt,latency,mac_unit\na,8,8,1,2\n").columns


@pytest.mark.parametrize("other", ["us", ""])
def test_mixed_units_are_refused(other: str) -> None:
    """Both rows and both units are named."""
    text = f"layer,b_in,b_wt,latency,latency_unit\na,8,8,1,ms\na,8,4,1,ms\na,8,2,1,{other}\n"
    assert refusal(text) == (
        f"t.csv: line 4, column latency_unit: the unit {other!r} differs from 'ms' in line 2; "
        "convert the column to one unit."
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("measured", Provenance.MEASURED),
        ("Measured on a board", Provenance.MEASURED),
        ("simulated", Provenance.SIMULATED),
        ("modelled-extrapolated", Provenance.MODELLED),
        ("modeled", Provenance.MODELLED),
        ("derived", Provenance.DERIVED),
        ("unstated", Provenance.UNSTATED),
    ],
)
def test_provenance_is_told_by_the_first_word(value: str, expected: Provenance) -> None:
    """Further words qualify it and are left to the reader of the file."""
    assert provenance(value) is expected


def test_a_table_is_as_good_as_its_weakest_row() -> None:
    """One derived latency makes a derived table, and one unexplained one an unexplained table."""
    assert provenance("measured", "simulated") is Provenance.SIMULATED
    assert provenance("modelled", "simulated", "measured") is Provenance.MODELLED
    assert provenance("derived", "modelled") is Provenance.DERIVED
    assert provenance("measured", "") is Provenance.UNSTATED


def test_without_provenance_the_unit_may_tell() -> None:
    """A unit such as model cycles says enough; nothing else is guessed."""
    assert provenance("", unit="cycles (model)") is Provenance.MODELLED
    assert provenance("", unit="Model cycles") is Provenance.MODELLED
    assert provenance("") is Provenance.UNSTATED
    assert provenance("unstated", unit="model cycles") is Provenance.UNSTATED


def test_an_unknown_provenance_is_refused() -> None:
    """The message lists what may be stated."""
    text = "layer,b_in,b_wt,latency,provenance\na,8,8,1,measured\na,8,4,1,guessed\n"
    assert refusal(text) == (
        "t.csv: line 3, column provenance: 'guessed' is not a provenance; begin it with "
        "measured, simulated, modelled, derived, unstated."
    )
