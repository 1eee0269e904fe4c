"""The problem: what goes in is checked, kept as it is, and cannot be changed."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.enumeration import brute_force
from bench.random_problems import random_problem
from mpsolve import (
    Configuration,
    InputError,
    LatencyTable,
    LinearConstraint,
    Precision,
    Problem,
    Provenance,
    Restriction,
    Tie,
)
from mpsolve.model.ragged import INTEGER_SUM, flatten

PAIR = (Precision(8, 8), Precision(4, 4))
#: Two layers; the second has a single candidate.
RAGGED = Problem.from_arrays(
    [[0, 5], [1]], {"latency": [[9, 4], [7]]}, layers=["a", "b"], precisions=[PAIR, PAIR[:1]]
)


def parts(**changes: Any) -> dict[str, Any]:
    """The arguments of a valid problem with two layers, some of them changed."""
    valid: dict[str, Any] = {
        "layers": ("a", "b"),
        "offsets": [0, 2, 4],
        "precisions": PAIR * 2,
        "loss": [0, 5, 0, 7],
        "costs": {"latency": [9, 4, 8, 3]},
    }
    return valid | changes


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"layers": ()}, "A problem needs at least one layer."),
        ({"layers": ("a", "a")}, "Layer a occurs twice; every layer needs a name of its own."),
        ({"layers": ("a", 1)}, "Layer 1: a layer is named by text."),
        ({"layers": ("a",)}, "1 layers are named, but 2 have numbers."),
        ({"offsets": []}, "2 layers are named, but 0 have numbers."),
        ({"offsets": [1, 2, 4]}, "offsets must be integers that begin at 0."),
        ({"offsets": [0, 2.5, 4]}, "offsets must be integers that begin at 0."),
        ({"offsets": [0, 4, 4]}, "Layer b has no candidate; every layer needs at least one."),
        (
            {"offsets": np.array([0, 5, 4], np.uint8)},
            "Layer b has no candidate; every layer needs at least one.",
        ),
        ({"precisions": PAIR}, "2 precisions for 4 candidates."),
        (
            {"precisions": ("8b/8b", "4b/4b") * 2},
            "Candidates are of type Precision, not str; see Precision.parse.",
        ),
        ({"loss": [0, 5, 0]}, "loss needs one number for each of 4 candidates."),
        ({"loss": [[0, 5], [0, 7]]}, "loss needs one number for each of 4 candidates."),
        ({"loss": [True, False] * 2}, "loss needs one number for each of 4 candidates."),
        ({"loss": ["0", "5", "0", "7"]}, "loss needs one number for each of 4 candidates."),
        ({"loss": [0j, 5, 0, 7]}, "loss needs one number for each of 4 candidates."),
        (
            {"loss": [0, 5, 0, math.nan]},
            "loss of layer b at 4b/4b is nan; it must be a finite number.",
        ),
        (
            {"costs": {"latency": [9, 4, math.inf, 3]}},
            "cost latency of layer b at 8b/8b is inf; it must be a finite number.",
        ),
        (
            {"loss": [1e308, 1e308, 0, 0]},
            "The sums of loss exceed every float; give it in a larger unit.",
        ),
        (
            {"costs": {"latency": [9, [4, 8], 3]}},
            "cost latency must be an (N, K) array or N rows of numbers, integers of 64 bits or "
            "floats.",
        ),
        (
            {"budgets": {"energy": 3}},
            "There is no cost energy to put a budget on; the costs are: latency.",
        ),
        (
            {"costs": {}, "budgets": {"energy": 3}},
            "There is no cost energy to put a budget on; the costs are: none.",
        ),
        (
            {"ties": [Tie(("a", "z"))]},
            "tie (equal precision of a, z): the problem has no layer 'z'.",
        ),
        (
            {"restrictions": [Restriction("z", "fixed", PAIR[0])]},
            "fixed 8b/8b of layer z: the problem has no layer 'z'.",
        ),
        (
            {"constraints": [LinearConstraint("RAM", {"z": np.ones(2)}, 3)]},
            "constraint RAM: the problem has no layer 'z'.",
        ),
        (
            {"constraints": [LinearConstraint("RAM", {"b": np.ones(3)}, 3)]},
            "constraint RAM: layer b needs one coefficient per candidate.",
        ),
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, Any], complaint: str) -> None:
    """Every message names the layer, the cost or the constraint, and what is expected."""
    with pytest.raises(InputError) as caught:
        Problem(**parts(**changes))
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    "budget", [math.nan, math.inf, "3", None, True, np.True_, 3j, np.complex128(3), [3], np.ones(1)]
)
def test_budgets_that_are_no_numbers(budget: object) -> None:
    """The message names the cost and quotes the budget."""
    with pytest.raises(InputError, match=r"^The budget on latency must be a finite number, not "):
        Problem(**parts(budgets={"latency": budget}))


@pytest.mark.parametrize(
    ("budget", "limit"),
    [
        (12, 12),
        (12.9, 12),
        (-0.5, -1),
        (0, 0),
        (np.int32(12), 12),
        (np.float32(12.5), 12),
        (np.array(12.5), 12),
        (10**400, 10**400),
        (2**63 + 1, 2**63 + 1),
    ],
)
def test_budgets_on_integers_are_integers(budget: object, limit: int) -> None:
    """No sum of integers lies between a limit and the integer below it."""
    kept = Problem(**parts(budgets={"latency": budget})).budgets["latency"]
    assert kept == limit
    assert type(kept) is int


def test_budgets_on_floats_are_floats() -> None:
    """Numbers that no float can hold are refused, since a limit of infinity limits nothing."""
    costs = {"latency": [0.5, 4, 8, 3]}
    kept = Problem(**parts(costs=costs, budgets={"latency": np.int64(3)})).budgets["latency"]
    assert kept == 3.0
    assert type(kept) is float
    with pytest.raises(InputError, match="The budget on latency exceeds every float; leave it"):
        Problem(**parts(costs=costs, budgets={"latency": 10**400}))


def test_numbers_are_kept_exactly() -> None:
    """Integers stay integers and floats stay floats."""
    problem = Problem(**parts(loss=[0.1, 0.2, 0.3, 0.4]))
    assert problem.loss.tolist() == [0.1, 0.2, 0.3, 0.4]
    assert problem.costs["latency"].dtype == np.int64
    assert Problem(**parts(loss=np.array([0, 5, 0, 7], np.uint8))).loss.dtype == np.int64


def test_integers_whose_sums_might_overflow_become_floats() -> None:
    """A sentinel such as the largest int64 cannot wrap around when tied layers are added up."""
    sentinel = np.iinfo(np.int64).max
    assert Problem(**parts(loss=[0, sentinel, 0, 7])).loss.tolist() == [0, 2.0**63, 0, 7]
    assert Problem(**parts(loss=[0, -(2**63), 0, 7])).loss.tolist() == [0, -(2.0**63), 0, 7]
    unsigned = np.array([0, 2**64 - 1, 0, 7], np.uint64)
    assert Problem(**parts(loss=unsigned)).loss.tolist() == [0, 2.0**64, 0, 7]
    below = int(INTEGER_SUM) - 64
    assert Problem(**parts(loss=[0, below, 0, 0])).loss.tolist() == [0, below, 0, 0]
    assert Problem(**parts(loss=[0, below, 0, 0])).loss.dtype == np.int64


def test_nothing_can_be_changed() -> None:
    """Arrays and maps are read-only copies of what was given."""
    loss = np.array([0, 5, 0, 7])
    problem = Problem(**parts(loss=loss, budgets={"latency": 12}))
    loss[0] = 99
    assert problem.loss[0] == 0
    for array in (problem.loss, problem.offsets, problem.costs["latency"], problem.allowed):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        problem.layer_index[0] = 1
    for name in ("costs", "budgets", "units"):
        with pytest.raises(TypeError):
            getattr(problem, name)["latency"] = 1


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_copies(seed: int) -> None:
    """A problem pickles and copies to one with the same optimum and the same text."""
    problem = random_problem(
        np.random.default_rng(seed),
        max_layers=4,
        relations=("precision", "b_in"),
        constraints=True,
        restrictions=True,
    )
    for twin in (pickle.loads(pickle.dumps(problem)), copy.deepcopy(problem), copy.copy(problem)):
        assert repr(twin) == repr(problem)
        assert twin.ties == problem.ties
        assert twin.restrictions == problem.restrictions
        assert twin.loss.tolist() == problem.loss.tolist()
        assert twin.loss.dtype == problem.loss.dtype
        assert brute_force(twin) == brute_force(problem)


def test_replace_validates() -> None:
    """A variant is checked like any other problem, and the original stays as it is."""
    problem = Problem(**parts())
    assert problem.replace(budgets={"latency": 12}).budgets == {"latency": 12}
    assert not problem.budgets
    with pytest.raises(InputError, match="There is no cost latency to put a budget on"):
        problem.replace(costs={}, budgets={"latency": 12})


def test_layers_and_candidates() -> None:
    """Candidates are counted per layer; `layer_index` says whose they are."""
    assert RAGGED.layer_index.tolist() == [0, 0, 1]
    assert RAGGED.candidates(0) == PAIR
    assert RAGGED.candidates(1) == PAIR[:1]
    assert RAGGED.index_of("b") == 1
    with pytest.raises(InputError, match=r"^the problem has no layer 'z'\.$"):
        RAGGED.index_of("z")


def test_allowed() -> None:
    """Restrictions of one layer add up and leave other layers alone."""
    restrictions = [
        Restriction("a", "maximum", Precision(4, 8)),
        Restriction("b", "forbidden", Precision(4, 4)),
    ]
    problem = Problem(**parts(restrictions=restrictions))
    assert problem.allowed.tolist() == [False, True, True, False]


def test_choice_and_configuration() -> None:
    """The choice (1, 0) takes the second candidate of a and the first of b, and back."""
    configuration = RAGGED.configuration(np.array([1, 0]))
    assert configuration == {"a": Precision(4, 4), "b": Precision(8, 8)}
    assert RAGGED.choice(configuration).tolist() == [1, 0]
    assert RAGGED.choice(dict(configuration)).tolist() == [1, 0]
    assert RAGGED.flat(np.array([1, 0])).tolist() == [1, 2]


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_choice_round_trip(seed: int) -> None:
    """Every choice is the choice of its configuration."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng)
    choice = rng.integers(0, np.diff(problem.offsets))
    assert problem.choice(problem.configuration(choice)).tolist() == choice.tolist()


@pytest.mark.parametrize(
    ("configuration", "complaint"),
    [
        ({"a": "4b/4b"}, "The configuration says nothing about layer b."),
        (
            {"a": "4b/4b", "b": "8b/8b", "c": "8b/8b"},
            "The configuration names layer 'c', which arrays lacks.",
        ),
        ({"a": "2b/2b", "b": "8b/8b"}, "Layer a has no candidate 2b/2b; it has 8b/8b, 4b/4b."),
        ({"a": "two", "b": "8b/8b"}, "layer a: 'two' is not a precision"),
    ],
)
def test_configurations_that_do_not_fit(configuration: Any, complaint: str) -> None:
    """The message names the layer, and the candidates where one of them is meant."""
    with pytest.raises(InputError) as caught:
        RAGGED.choice(configuration)
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize("choice", [[1], [1, 0, 0], [[1, 0]], [1.0, 0.0], [True, False]])
def test_choices_of_another_shape(choice: Any) -> None:
    """A choice is one integer per layer."""
    with pytest.raises(InputError, match="needs one candidate index for each of 2 layers"):
        RAGGED.configuration(np.array(choice))


@pytest.mark.parametrize(
    ("choice", "wrong"), [([0, 1], "1 of layer b"), ([-1, 0], "-1 of layer a")]
)
def test_choices_out_of_range(choice: list[int], wrong: str) -> None:
    """An index beyond a layer's candidates does not reach into those of its neighbour."""
    with pytest.raises(InputError, match=f"The choice names candidate {wrong}, which has"):
        RAGGED.configuration(np.array(choice))


def test_text() -> None:
    """The text counts layers, candidates and constraints and shows the budgets."""
    problem = RAGGED.replace(budgets={"latency": 12345}, ties=[Tie(("a", "b"))])
    expected = "<Problem arrays: 2 layers, 3 candidates, latency <= 12,345, 1 ties; loss loss>"
    assert repr(problem) == expected


def test_from_arrays() -> None:
    """Arrays give numbered layers and candidates unless they are named."""
    problem = Problem.from_arrays([[0, 5], [1, 7]], {"latency": [[9, 4], [8, 3]]}, {"latency": 12})
    assert problem.layers == ("layer0", "layer1")
    assert list(map(str, problem.precisions)) == ["#0", "#1", "#0", "#1"]
    assert problem.loss.tolist() == [0, 5, 1, 7]
    assert problem.offsets.tolist() == [0, 2, 4]
    assert problem.budgets == {"latency": 12}


def test_from_ragged_rows() -> None:
    """Rows of different lengths keep integers as integers."""
    problem = Problem.from_arrays([[0, 5], [1]], {"latency": [(9, 4), np.array([8])]})
    assert problem.loss.tolist() == [0, 5, 1]
    assert problem.costs["latency"].tolist() == [9, 4, 8]
    assert problem.costs["latency"].dtype == np.int64


@pytest.mark.parametrize(
    "precisions",
    [
        ["8b/8b", "4b/4b"],
        PAIR,
        np.array(["8b/8b", "4b/4b"]),
        [["8b/8b", "4b/4b"], PAIR],
        np.array([["8b/8b", "4b/4b"]] * 2),
    ],
)
def test_from_arrays_with_precisions(precisions: Any) -> None:
    """All layers share one row of candidates, or each has its own."""
    problem = Problem.from_arrays(np.zeros((2, 2)), {}, layers=["a", "b"], precisions=precisions)
    assert problem.precisions == PAIR * 2


@pytest.mark.parametrize(
    ("precisions", "complaint"),
    [
        (["8b/8b"], "precisions must give every layer as many candidates as the loss does."),
        ([], "precisions must give every layer as many candidates as the loss does."),
        ([PAIR], "precisions must give every layer as many candidates as the loss does."),
        ([8, 4], "precisions must be K candidates, or one row of candidates per layer."),
        ([PAIR, ["4b/4b", "w4a4"]], "precisions: layer b has the candidate 4b/4b twice."),
        (["8b/8b", "four"], "'four' is not a precision"),
        ([PAIR, [8, 4]], "8 is not a precision"),
    ],
)
def test_from_arrays_with_wrong_precisions(precisions: Any, complaint: str) -> None:
    """The message names the layer where there is one."""
    with pytest.raises(InputError) as caught:
        Problem.from_arrays(np.zeros((2, 2)), {}, layers=["a", "b"], precisions=precisions)
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [[]],
        3,
        [1, 2],
        "text",
        None,
        {"a": 1},
        [["a", "b"]],
        [[True, False]],
        [[1, None]],
        [[1, 2], None],
        [[1, 2], 3],
        [[1, [2, 3]], [4]],
        [[], [[]]],
        [[1, 2], ["a"]],
        [[1, 10**30]],
        [[1j, 2]],
        np.zeros((2, 2, 2)),
    ],
)
def test_flatten_refuses(values: object) -> None:
    """Anything but rows of numbers is refused by name."""
    with pytest.raises(InputError, match=r"^cost x must be an \(N, K\) array or N rows of numbers"):
        flatten("cost x", values)


def test_from_arrays_with_an_empty_row() -> None:
    """A layer needs a candidate, and the message says which layer has none."""
    with pytest.raises(InputError, match="Layer fc has no candidate"):
        Problem.from_arrays([[0, 5], []], {}, layers=["conv", "fc"])


def test_from_arrays_with_costs_of_another_shape() -> None:
    """The message names the cost."""
    with pytest.raises(InputError, match=r"^cost energy has another shape than the loss\.$"):
        Problem.from_arrays([[0, 5], [1]], {"energy": [[9, 4], [8, 3]]})


def table(**columns: list[float]) -> LatencyTable:
    """Two tied layers with 8b/8b and 4b/4b."""
    return LatencyTable(
        ("a", "b"),
        np.array([0, 2, 4]),
        PAIR * 2,
        {name: np.array(values) for name, values in columns.items()},
        units={"latency": "cycles"},
        tie_groups=("t", "t"),
        provenance=Provenance.MEASURED,
        source="net.csv",
    )


def test_from_table() -> None:
    """Columns become costs, the sensitivity the loss, tie groups ties, and labels are kept."""
    measured = table(latency=[9, 4, 8, 3], sensitivity=[0.0, 0.5, 0.0, 0.25])
    restriction = Restriction("a", "forbidden", Precision(2, 2))
    tie = Tie(("a", "b"), "b_in")
    problem = Problem.from_table(
        measured, budgets={"latency": "0.5x"}, ties=[tie], restrictions=[restriction]
    )
    assert problem.layers == ("a", "b")
    assert problem.loss.tolist() == [0.0, 0.5, 0.0, 0.25]
    assert problem.loss_name == "sensitivity"
    assert problem.costs["latency"].tolist() == [9, 4, 8, 3]
    assert problem.budgets == {"latency": 8}  # half of 9 + 8, rounded down
    assert problem.ties == (Tie(("a", "b"), label="t"), tie)
    assert problem.restrictions == (restriction,)
    assert problem.units == {"latency": "cycles"}
    assert (problem.provenance, problem.source) == (Provenance.MEASURED, "net.csv")


def test_from_table_with_another_reference() -> None:
    """Relative budgets refer to the given configuration: 4 + 3 cycles."""
    reference = Configuration({"a": Precision(4, 4), "b": Precision(4, 4)})
    measured = table(latency=[9, 4, 8, 3])
    problem = Problem.from_table(measured, budgets={"latency": "2x"}, reference=reference)
    assert problem.budgets == {"latency": 14}


def test_from_table_with_further_costs() -> None:
    """Budgets and the argument costs bring in columns beside the usual ones."""
    columns = table(latency=[9, 4, 8, 3], ram_bytes=[1, 2, 3, 4], flash=[5, 6, 7, 8], macs=[1] * 4)
    problem = Problem.from_table(columns, budgets={"ram_bytes": 5}, costs=["flash"])
    assert list(problem.costs) == ["latency", "ram_bytes", "flash"]
    assert problem.units == {"latency": "cycles", "ram_bytes": "byte"}


def test_from_table_with_an_unknown_budget() -> None:
    """The message names the file, the cost and the columns there are."""
    with pytest.raises(InputError, match=r"net\.csv has no cost 'power'; its columns are latency"):
        Problem.from_table(table(latency=[9, 4, 8, 3]), budgets={"power": 5})


def test_with_budgets() -> None:
    """Budgets replace those there were, as numbers or as text."""
    problem = Problem(**parts(budgets={"latency": 99}))
    assert problem.with_budgets({"latency": "50%"}).budgets == {"latency": 12}  # 7 + (17 - 7) / 2
    assert problem.with_budgets({}).budgets == {}
