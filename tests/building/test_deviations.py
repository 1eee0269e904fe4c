"""Standard deviations: columns of a table, fields of a problem, and widths as people write them."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mpsolve import InputError, LatencyTable, Precision, Problem, TableError
from mpsolve.presolve.quickxplain import section_of
from mpsolve.profiles import write_csv
from tests.profiles.helpers import read, refusal

if TYPE_CHECKING:
    from pathlib import Path

#: Rows that do not stand together, so that deviations have to follow their candidates.
NOISY = """\
layer,b_in,b_wt,latency,latency_unit,latency_std,latency_std_unit,sensitivity,sensitivity_std
a,8,8,10,us,1,us,0,0
b,8,8,20,us,2.5,us,0,0.25
a,4,4,7,us,0,us,3,1
"""


def test_columns_of_standard_deviations_are_no_costs() -> None:
    """They follow the candidates, and can be neither minimised nor limited."""
    table = read(NOISY)
    assert list(table.columns) == ["latency", "sensitivity"]
    assert table.units == {"latency": "us"}
    assert {k: v.tolist() for k, v in table.deviations.items()} == {
        "latency": [1, 0, 2.5],
        "sensitivity": [0, 1, 0.25],
    }
    for refused in ({"loss": "latency_std"}, {"budgets": {"latency_std": 1}}):
        with pytest.raises(InputError, match="latency_std"):
            Problem.from_table(table, **refused)


def test_a_problem_takes_over_what_it_uses() -> None:
    """The deviations of its costs by their names there, and those of the loss as such."""
    text = NOISY.replace("sensitivity", "weight_bits_total")
    problem = Problem.from_table(read(NOISY))
    assert {k: v.tolist() for k, v in problem.deviations.items()} == {
        "latency": [1, 0, 2.5],
        "loss": [0, 1, 0.25],
    }
    assert list(Problem.from_table(read(NOISY), "noise").deviations) == ["latency"]
    problem = Problem.from_table(read(text), "latency", {"rom": "100%"})
    assert problem.deviations["rom"].tolist() == [0, 1, 0.25]
    assert problem.deviations["loss"].tolist() == [1, 0, 2.5]


def test_a_column_that_describes_no_other_is_an_ordinary_one() -> None:
    """The deviation of weights may well be what somebody minimises."""
    table = read("layer,b_in,b_wt,latency,w_std\na,8,8,1,0.5\n")
    assert list(table.columns) == ["latency", "w_std"]
    assert not table.deviations


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("20,us,2.5", "20,us,-2.5", "line 3, column latency_std: -2.5 is negative; a standard"),
        ("20,us,2.5", "20,us,", "line 3, column latency_std is empty"),
        ("20,us,2.5", "20,us,inf", "line 3, column latency_std: inf is not a finite number"),
        ("20,us,2.5", "20,us,big", "line 3, column latency_std: 'big' is not a number"),
        (",us,0,0\n", ",ms,0,0\n", "line 3, column latency_std_unit: the unit 'us' differs"),
    ],
)
def test_deviations_that_make_no_sense_are_refused(old: str, new: str, message: str) -> None:
    """The message names the file, the line and the column."""
    assert f"t.csv: {message}" in refusal(NOISY.replace(old, new))


def test_a_unit_of_its_own_is_refused() -> None:
    """A deviation in nanoseconds beside a latency in microseconds."""
    header, *rows = NOISY.splitlines()
    cells = [row.split(",") for row in rows]
    text = "\n".join([header, *(",".join([*row[:6], "ns", *row[7:]]) for row in cells)])
    assert "the unit 'ns' differs from that of latency, 'us'" in refusal(text)


def table(**parts: Any) -> LatencyTable:
    """One layer with two candidates."""
    return LatencyTable(("a",), np.array([0, 2]), (Precision(8, 8), Precision(4, 4)), **parts)


def test_a_table_checks_its_deviations() -> None:
    """Each belongs to a column, has a number for each candidate, and is no column itself."""
    columns = {"latency": np.array([2, 1])}
    with pytest.raises(TableError, match="no column energy that could deviate"):
        table(columns=columns, deviations={"energy": np.ones(2)})
    with pytest.raises(TableError, match="latency_std of layer a at 4b/4b is negative"):
        table(columns=columns, deviations={"latency": np.array([1, -1])})
    with pytest.raises(TableError, match="give them as deviations, or rename the column"):
        table(columns={**columns, "latency_std": np.ones(2)})


def test_written_deviations_are_read_back(tmp_path: Path) -> None:
    """Bit for bit, beside their columns."""
    original = read(NOISY)
    write_csv(original, tmp_path / "t.csv")
    again = read((tmp_path / "t.csv").read_text())
    assert again.deviations.keys() == original.deviations.keys()
    for name, values in original.deviations.items():
        assert again.deviations[name].tolist() == values.tolist()


def arrays(**deviations: Any) -> Problem:
    """One layer of two candidates and one of three."""
    return Problem.from_arrays(
        [[0, 3, 5], [0, 1]], {"us": [[9, 4, 1], [7, -2]]}, {"us": 8}, deviations=deviations
    )


def test_arrays_state_deviations_in_the_shape_of_the_loss() -> None:
    """They are kept by copies, pickles and other budgets, and named by the text."""
    problem = arrays(us=[[1, 0.5, 0], [0, 2]], loss=[[0, 0, 1], [1, 1]])
    for same in (problem, pickle.loads(pickle.dumps(problem)), problem.with_budgets({"us": 9})):
        assert same.deviations["us"].tolist() == [1, 0.5, 0, 0, 2]
        assert same.deviations["loss"].dtype == np.float64
    assert "deviations of us, loss" in repr(problem)
    with pytest.raises(ValueError, match="read-only"):
        problem.deviations["us"][0] = 2
    assert not section_of(problem, ("layer1",), []).deviations


@pytest.mark.parametrize(
    ("deviations", "message"),
    [
        ({"ms": [[1, 1, 1], [1, 1]]}, "no cost ms that could deviate; there are us, loss"),
        ({"us": [[1, 1], [1, 1]]}, "The standard deviation of us has another shape"),
        ({"us": [[1, 1, 1], [1, -1]]}, "of us of layer layer1 at #1 is -1.0; it must be at least"),
        ({"us": [[1, 1, np.nan], [1, 1]]}, "of us of layer layer0 at #2 is nan"),
    ],
)
def test_deviations_of_arrays_are_checked(deviations: Any, message: str) -> None:
    """The message names the cost, the layer and the candidate."""
    with pytest.raises(InputError, match=message):
        arrays(**deviations)


@pytest.mark.parametrize(
    ("width", "values"),
    [
        ("50%", [4.5, 2, 0.5, 3.5, 1]),
        ("2", [2, 2, 2, 2, 2]),
        (0.5, [0.5] * 5),
        (np.arange(5), [0, 1, 2, 3, 4]),
    ],
)
def test_widths(width: Any, values: list[float]) -> None:
    """A part of every candidate's absolute value, one number for all, or one for each."""
    problem = arrays(loss=[[1, 1, 1], [1, 1]]).with_deviations({"us": width})
    assert problem.deviations["us"].tolist() == values
    assert problem.deviations["loss"].tolist() == [1] * 5


@pytest.mark.parametrize("width", ["x", "5%%", "%", "nan", "-1", "nan%", "", np.ones(2), [[1]]])
def test_widths_that_make_no_sense_are_refused(width: Any) -> None:
    """Whatever is wrong with them, the sentence names the cost."""
    with pytest.raises(InputError, match="us"):
        arrays().with_deviations({"us": width})
    with pytest.raises(InputError, match="no cost ms that could deviate; there are us, loss"):
        arrays().with_deviations({"ms": width})
