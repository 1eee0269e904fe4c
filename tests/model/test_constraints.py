"""Ties, restrictions and linear constraints as plain data."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast

import numpy as np
import pytest

from mpsolve import InputError, LinearConstraint, Precision, Restriction, Tie
from mpsolve.model.constraints import KINDS


@pytest.mark.parametrize(
    ("equal", "key"), [("precision", Precision(8, 4)), ("b_in", 8), ("b_wt", 4)]
)
def test_tie_key(equal: Any, key: object) -> None:
    """What tied layers share: the whole precision or one of its bit-widths."""
    assert Tie(("a", "b"), equal).key(Precision(8, 4)) == key


def test_named_formats_with_equal_bits_differ() -> None:
    """Two formats of 4.5 bits are one bit-width but two precisions."""
    one, other = Precision(16, 4.5, "q4_k"), Precision(16, 4.5, "iq4")
    assert Tie(("a", "b")).key(one) != Tie(("a", "b")).key(other)
    assert Tie(("a", "b"), "b_wt").key(one) == Tie(("a", "b"), "b_wt").key(other)


def test_tie_text() -> None:
    """A tie names its label and at most four layers."""
    assert str(Tie(("a", "b"))) == "tie (equal precision of a, b)"
    assert str(Tie(tuple("abcde"), "b_in", "res1")) == "tie res1 (equal b_in of a, b, c, d, ...)"


@pytest.mark.parametrize("layers", [(), ("a",), ("a", "a"), ("a", "b", "a")])
def test_tie_joins_different_layers(layers: tuple[str, ...]) -> None:
    """A layer cannot be tied to itself or to nothing."""
    with pytest.raises(InputError, match="A tie joins two or more different layers, not"):
        Tie(layers)


def test_tie_of_something_else() -> None:
    """The message lists what can be shared."""
    with pytest.raises(InputError, match="one of precision, b_in, b_wt, not 'bits'"):
        Tie(("a", "b"), cast("Any", "bits"))


def test_tie_takes_any_sequence() -> None:
    """A list of layers becomes a tuple, so that a tie can be hashed."""
    assert hash(Tie(cast("Any", ["a", "b"]))) == hash(Tie(("a", "b")))


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("fixed", {"4b/4b"}),
        ("forbidden", {"2b/8b", "8b/2b", "4b/8b", "8b/8b", "2b/2b"}),
        ("minimum", {"4b/4b", "4b/8b", "8b/8b"}),
        ("maximum", {"4b/4b", "2b/2b"}),
    ],
)
def test_restriction_allows(kind: Any, allowed: set[str]) -> None:
    """Of six candidates, those that a restriction to 4b/4b leaves; 2b/8b is not comparable."""
    restriction = Restriction("fc", kind, Precision(4, 4))
    candidates = ["2b/8b", "8b/2b", "4b/4b", "4b/8b", "8b/8b", "2b/2b"]
    assert {c for c in candidates if restriction.allows(Precision.parse(c))} == allowed


@pytest.mark.parametrize("kind", KINDS)
def test_restriction_text(kind: Any) -> None:
    """A restriction names its kind, its precision and its layer."""
    assert str(Restriction("fc", kind, Precision(8, 4))) == f"{kind} 8b/4b of layer fc"


def test_restriction_reads_text() -> None:
    """The precision may be written as text, and a wrong text is refused."""
    assert Restriction("fc", "fixed", cast("Any", "w4a8")).allows(Precision(8, 4))
    with pytest.raises(InputError, match="'eight' is not a precision"):
        Restriction("fc", "fixed", cast("Any", "eight"))


def test_restriction_of_another_kind() -> None:
    """The message lists the kinds."""
    with pytest.raises(InputError, match="fixed, forbidden, minimum, maximum, not 'above'"):
        Restriction("fc", cast("Any", "above"), Precision(8, 8))


def test_linear_constraint_is_read_only() -> None:
    """The coefficients are copied, turned into floats and cannot be changed."""
    given = np.array([1, 2])
    constraint = LinearConstraint("RAM", {"a": given}, 3)
    given[0] = 7
    assert constraint.terms["a"].tolist() == [1.0, 2.0]
    assert constraint.terms["a"].dtype == np.float64
    assert type(constraint.limit) is float
    with pytest.raises(ValueError, match="read-only"):
        constraint.terms["a"][0] = 7
    with pytest.raises(TypeError):
        cast("Any", constraint.terms)["b"] = given


def test_linear_constraint_copies() -> None:
    """A constraint pickles and copies with its name, coefficients and limit."""
    constraint = LinearConstraint("RAM", {"a": np.array([1.0, 2.5])}, 3)
    for twin in (pickle.loads(pickle.dumps(constraint)), copy.deepcopy(constraint)):
        assert (str(twin), twin.limit) == ("constraint RAM", 3.0)
        assert twin.terms["a"].tolist() == [1.0, 2.5]


def test_linear_constraint_needs_layers() -> None:
    """A sum over nothing is refused."""
    with pytest.raises(InputError, match="Constraint RAM needs at least one layer"):
        LinearConstraint("RAM", {}, 3)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), "3", None, True, [3]])
def test_linear_constraint_needs_a_finite_limit(limit: object) -> None:
    """The message names the constraint and quotes the limit."""
    with pytest.raises(InputError, match="The limit of constraint RAM must be a finite number"):
        LinearConstraint("RAM", {"a": np.ones(2)}, cast("Any", limit))


@pytest.mark.parametrize(
    "values",
    [3.0, [[1.0, 2.0]], [1.0, float("nan")], [1.0, float("inf")], ["x"], [1, [2, 3]], None],
)
def test_linear_constraint_needs_numbers(values: object) -> None:
    """The message names the constraint and the layer whose coefficients are wrong."""
    with pytest.raises(InputError, match=r"Constraint RAM, layer fc: give one finite number per"):
        LinearConstraint("RAM", {"fc": cast("Any", values)}, 3)
