"""Cells: what counts as a number, and where a wrong cell is."""

from __future__ import annotations

import pytest

from mpsolve.profiles import from_pandas
from tests.profiles.helpers import read, refusal

HEADER = "layer,b_in,b_wt,latency,cost\n"


def test_integers_stay_integers() -> None:
    """An integer that no double holds survives; one decimal point makes the column float64."""
    table = read(f"{HEADER}a,8,8,9007199254740993,1\na,8,4,+7,2.0\n")
    assert table.columns["latency"].tolist() == [9007199254740993, 7]
    assert table.columns["latency"].dtype == "int64"
    assert table.columns["cost"].dtype == "float64"


def test_integers_beyond_int64_become_floats() -> None:
    """Numbers that int64 cannot hold are rounded like any other float."""
    table = read(f"{HEADER}a,8,8,9223372036854775808,1\na,8,4,7,2\n")
    assert table.columns["latency"].tolist() == [2.0**63, 7.0]


@pytest.mark.parametrize("number", ["1e3", " 1000 ", "1000.", "1000"])
def test_usual_ways_to_write_a_number(number: str) -> None:
    """Exponents, surrounding spaces and trailing points are understood."""
    assert read(f"{HEADER}a,8,8,{number},1\n").columns["latency"].tolist() == [1000]


@pytest.mark.parametrize("number", ["1_000", '"1,000"', "12ms", "0x10", "1 000", "--1"])
def test_other_ways_are_refused_with_the_text(number: str) -> None:
    """Thousands separators and units could mean several things."""
    shown = number.strip('"')
    assert refusal(f"{HEADER}a,8,8,1,1\na,8,4,{number},1\n") == (
        f"t.csv: line 3, column latency: {shown!r} is not a number; "
        "write digits and a decimal point only, such as 12.5."
    )


@pytest.mark.parametrize("column", ["latency", "cost"])
@pytest.mark.parametrize("number", ["nan", "NaN", "inf", "-inf", "Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_not_finite_are_refused(column: str, number: str) -> None:
    """NaN, infinity and what overflows to infinity have no sum to minimise."""
    cells = f"{number},1" if column == "latency" else f"1,{number}"
    assert refusal(f"{HEADER}a,8,8,1,1\na,8,4,{cells}\n") == (
        f"t.csv: line 3, column {column}: {number} is not a finite number; "
        "leave out the rows of precisions that a layer cannot take."
    )


@pytest.mark.parametrize("column", ["latency", "cost"])
def test_the_first_empty_cell_of_a_partly_empty_column_is_named(column: str) -> None:
    """A missing number is neither zero nor a reason to forget the column."""
    empty = ",1" if column == "latency" else "1,"
    assert refusal(f"{HEADER}a,8,8,1,1\na,8,4,{empty}\na,8,2,{empty}\n") == (
        f"t.csv: line 3, column {column} is empty; fill in a number, "
        "or leave the whole column empty."
    )


def test_a_column_of_numbers_and_text_is_refused_at_the_first_text() -> None:
    """A column is either numbers or remarks."""
    assert refusal(f"{HEADER}a,8,8,1,1\na,8,4,2,n/a\na,8,2,3,x\n").startswith(
        "t.csv: line 3, column cost: 'n/a' is not a number; "
    )


def test_a_repeated_column_name_is_refused() -> None:
    """Which of two columns is meant cannot be known."""
    assert refusal("layer,b_in,b_wt,latency, latency\na,8,8,1,2\n") == (
        "t.csv: the column latency occurs twice; the first line must name every column once."
    )


def test_columns_without_a_name_are_left_out() -> None:
    """Spreadsheets add them on the right and data frames write their index on the left."""
    table = read(",layer,b_in,b_wt,latency,,\n0,a,8,8,1,,\n1,a,8,4,2,,\n")
    assert list(table.columns) == ["latency"]


def test_rows_of_a_data_frame_are_counted_from_one() -> None:
    """The place names the third row whatever the index of the frame says."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"layer": ["a"] * 3, "b_in": [8, 4, 2], "b_wt": 8, "latency": [1, 2, -3]}, index=[7, 8, 9]
    )
    with pytest.raises(ValueError, match=r"^data frame: row 3, column latency: -3 is negative"):
        from_pandas(frame)
