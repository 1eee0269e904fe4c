"""Homogeneous choices, and what layers take that lack the precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mpsolve import InputError, Precision, Problem, Restriction, Tie
from mpsolve.building.homogeneous import homogeneous_choice
from mpsolve.presolve.choice_groups import choice_groups


def problem(*candidates: str, **more: Any) -> Problem:
    """One layer per text of candidates, named a, b, c, ..."""
    rows = [row.split() for row in candidates]
    return Problem.from_arrays(
        [[0] * len(row) for row in rows],
        {},
        layers=[chr(ord("a") + i) for i in range(len(rows))],
        precisions=rows,
        **more,
    )


def taken(of: Problem, precision: Any) -> tuple[list[str], tuple[str, ...]]:
    """The precisions that the layers take, and the notes."""
    choice, notes = homogeneous_choice(of, precision)
    return [str(p) for p in of.configuration(choice).values()], notes


@pytest.mark.parametrize("precision", ["8b/4b", "w4a8", Precision(8, 4)])
def test_every_layer_has_it(precision: Any) -> None:
    """Nothing is to be said when every layer takes the precision itself."""
    of = problem("8b/8b 8b/4b", "8b/4b 8b/8b")
    assert taken(of, precision) == (["8b/4b", "8b/4b"], ())


def test_nearest_higher() -> None:
    """a lacks 4b/4b; of 8b/8b, 4b/8b and 8b/4b the last two have 4 bits more, 4b/8b fewer in."""
    of = problem("8b/8b 8b/4b 4b/8b 2b/2b", "4b/4b 8b/8b")
    assert taken(of, "4b/4b") == (
        ["4b/8b", "4b/4b"],
        ("Layer a takes 4b/8b, the nearest precision above 4b/4b.",),
    )


def test_notes_abridge() -> None:
    """Up to three layers are named, of more the first two."""
    assert taken(problem(*["8b/8b"] * 3), "4b/4b")[1] == (
        "Layers a, b, c take 8b/8b, the nearest precision above 4b/4b.",
    )
    assert taken(problem(*["8b/8b"] * 4), "4b/4b")[1] == (
        "Layers a, b and 2 more take 8b/8b, the nearest precision above 4b/4b.",
    )


def test_nothing_higher() -> None:
    """The message names the layer and what it can take."""
    with pytest.raises(InputError) as caught:
        homogeneous_choice(problem("8b/8b", "4b/8b 8b/4b"), "8b/8b")
    assert str(caught.value) == (
        "Layer b has no precision at or above 8b/8b; it can take 4b/8b, 8b/4b."
    )


def test_named_formats() -> None:
    """A format of the problem is named without its bits, and nothing stands in for it."""
    of = problem("q4_k:4.5 q8_0:8.5", "q4_k:4.5")
    assert taken(of, "q4_k") == (["q4_k", "q4_k"], ())
    with pytest.raises(InputError, match="Layer b has no precision at or above q8_0"):
        homogeneous_choice(of, "q8_0")


def test_named_formats_stand_in_for_pairs() -> None:
    """A format with as many bits, or more, serves where a pair is asked for."""
    of = problem("f16:16/16 q8_0:8.5", "16b/16b f16:16/16")
    choice, notes = taken(of, "16b/16b")
    assert choice == ["f16", "16b/16b"]
    assert notes == ("Layer a takes f16, the nearest precision above 16b/16b.",)
    assert taken(of, "8b/8b")[0] == ["q8_0", "16b/16b"]


def test_text_that_is_no_precision() -> None:
    """Neither a format of the problem nor a pair of bit-widths."""
    with pytest.raises(InputError, match="'q4_k' is not a precision"):
        homogeneous_choice(problem("8b/8b"), "q4_k")


def test_groups_move_together() -> None:
    """b lacks 4b/4b, so both tied layers take 8b/4b; c is free."""
    of = problem("4b/4b 8b/4b", "2b/2b 8b/4b", "4b/4b", ties=[Tie(("a", "b"))])
    choice, notes = homogeneous_choice(of, "4b/4b", choice_groups(of))
    assert choice.tolist() == [1, 1, 0]
    assert notes == ("Layers a, b take 8b/4b, the nearest precision above 4b/4b.",)


def test_groups_respect_restrictions() -> None:
    """A forbidden precision is not taken, unless no groups are given."""
    of = problem("4b/4b 8b/8b", restrictions=[Restriction("a", "forbidden", Precision(4, 4))])
    assert homogeneous_choice(of, "4b/4b")[0].tolist() == [0]
    assert homogeneous_choice(of, "4b/4b", choice_groups(of))[0].tolist() == [1]


def test_order_of_candidates_does_not_matter() -> None:
    """The same precisions are taken however the candidates are ordered."""
    rng = np.random.default_rng(0)
    texts = ["8b/8b", "8b/4b", "4b/8b", "2b/8b"]
    for _ in range(10):
        shuffled = " ".join(rng.permutation(texts))
        assert taken(problem(shuffled), "4b/4b")[0] == ["4b/8b"]
