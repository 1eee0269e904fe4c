"""Pairwise terms from files."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsolve import PairwiseTerm, Problem, TableError, solve
from mpsolve.building.pairs_file import read_pairs, write_pairs

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "layer_a,b_in_a,b_wt_a,layer_b,b_in_b,b_wt_b,value"
PROBLEM = Problem.from_arrays(
    [[0, 1, 5], [0, 2, 4]],
    {"latency": [[9, 6, 3], [9, 5, 2]]},
    layers=["conv", "fc"],
    precisions=["8b/8b", "8b/4b", "4b/4b"],
    source="small.csv",
)


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "pairs.csv"
    path.write_text("\n".join((header, *rows)), encoding="utf-8")
    return path


def test_rows_become_a_matrix(tmp_path: Path) -> None:
    """In the order of the candidates; pairs without a row add nothing, other precisions neither."""
    path = written(tmp_path, "conv,8,4,fc,4,4,7", "conv,4,4,fc,8,8,-3", "conv,2,2,fc,4,4,9")
    (term,) = read_pairs(path, PROBLEM)
    assert (term.first, term.second, term.cost) == ("conv", "fc", None)
    assert term.values.tolist() == [[0, 0, 0], [0, 0, 7], [-3, 0, 0]]
    assert term.values.dtype == np.int64


def test_the_ends_may_be_exchanged(tmp_path: Path) -> None:
    """Both rows belong to one term; a cost has its own."""
    rows = ("conv,8b/4b,fc,4b/4b,7,", "fc,w4a4,conv,8/8,2.5,loss", "fc,8b/8b,conv,8b/8b,4,latency")
    header = "layer_a,precision_a,layer_b,precision_b,value,cost"
    found = {
        (t.first, t.cost): t.values.tolist()
        for t in read_pairs(written(tmp_path, *rows, header=header), PROBLEM)
    }
    assert found == {
        ("conv", None): [[0, 0, 2.5], [0, 0, 7], [0, 0, 0]],
        ("fc", "latency"): [[4, 0, 0], [0, 0, 0], [0, 0, 0]],
    }


@settings(max_examples=25)
@given(data=st.data())
def test_what_is_written_is_read(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Integers and floats, on the loss and on costs, of formats with names too."""
    precisions = data.draw(
        st.sampled_from([["8b/8b", "4b/4.5"], ["q4_k:4.5", "q8_0:8.5", "8b/8b"]])
    )
    k = len(precisions)
    numbers = st.integers(-9, 9) if data.draw(st.booleans()) else st.floats(-1e3, 1e3)
    costs = data.draw(st.lists(st.sampled_from([None, "latency"]), min_size=1, unique=True))
    layers = [f"layer {i}, of three" for i in range(3)]
    problem = Problem.from_arrays(
        np.zeros((3, k)), {"latency": np.ones((3, k))}, layers=layers, precisions=precisions
    )
    row = st.lists(numbers, min_size=k, max_size=k)
    matrices = st.lists(row, min_size=k, max_size=k)
    terms = [
        PairwiseTerm(a, b, np.array(data.draw(matrices)), cost)
        for a, b in itertools.combinations(layers, 2)
        for cost in costs
    ]
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    write_pairs(terms, problem, path)
    again = read_pairs(path, problem)
    assert [(t.first, t.second, t.cost) for t in again] == [
        (t.first, t.second, t.cost) for t in terms
    ]
    for one, other in zip(terms, again, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


def test_the_optimum_is_that_of_the_terms(tmp_path: Path) -> None:
    """By enumeration, with the terms added by hand."""
    rows = [
        f"conv,{p.b_in},{p.b_wt},fc,{q.b_in},{q.b_wt},{4 if p.b_in != q.b_in else -1}"
        for p in PROBLEM.candidates(0)
        for q in PROBLEM.candidates(1)
    ]
    problem = PROBLEM.replace(
        pairwise=read_pairs(written(tmp_path, *rows), PROBLEM), budgets={"latency": 11}
    )
    loss, latency = [[0, 1, 5], [0, 2, 4]], [[9, 6, 3], [9, 5, 2]]
    least = min(
        loss[0][i] + loss[1][j] + (4 if (i == 2) != (j == 2) else -1)
        for i in range(3)
        for j in range(3)
        if latency[0][i] + latency[1][j] <= 11
    )
    assert solve(problem).loss == least


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ["conv,8,8,fcc,8,8,1"],
            "line 2, column layer_b: small.csv has no layer 'fcc'; similar: fc",
        ),
        (["conv,8,8,fc,8,8,1", "conv,8,8,conv,8,8,1"], "line 3, column layer_b: conv is layer_a"),
        (["conv,8,8,fc,8,8,1", "fc,8,8,conv,8,8,2"], "line 2 and line 3 both give conv at 8b/8b"),
        (["conv,8,x,fc,8,8,1"], "line 2, column b_wt_a: 'x' is not a number"),
        (["conv,8,-1,fc,8,8,1"], "line 2, column b_wt_a: b_wt must be a number of bits"),
        (["conv,8,8,fc,8,8,"], "line 2, column value is empty"),
        (["conv,2,2,fc,8,8,1"], "no row for any candidates that small.csv offers for conv and fc"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, rows: list[str], words: str) -> None:
    """With the file, the line and the column."""
    with pytest.raises(TableError) as error:
        read_pairs(written(tmp_path, *rows), PROBLEM)
    assert words in str(error.value)
    assert "pairs.csv" in str(error.value)


@pytest.mark.parametrize("column", HEADER.split(","))
def test_every_column_is_needed(tmp_path: Path, column: str) -> None:
    """And named when it is missing."""
    header = HEADER.replace(column, f"x{column}")
    with pytest.raises(TableError, match=f"the column {column} is missing"):
        read_pairs(written(tmp_path, "conv,8,8,fc,8,8,1", header=header), PROBLEM)
