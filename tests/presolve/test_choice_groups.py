"""Choice groups: exactly the combinations that keep the ties, and the way back."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.random_problems import random_problem
from mpsolve import Precision, Problem, Restriction, Tie, UnsupportedError
from mpsolve.presolve.choice_groups import MAX_JOINT, ChoiceGroups, choice_groups, layer_groups

PRECISIONS = ["8b/8b", "8b/4b", "4b/8b"]
SEEDS = st.integers(0, 2**32)


def three_layers(**more: Any) -> Problem:
    """Layers a, b and c with three candidates each; the loss is 1 to 9."""
    return Problem.from_arrays(
        np.arange(1, 10).reshape(3, 3), {}, layers=["a", "b", "c"], precisions=PRECISIONS, **more
    )


def tied_problem(seed: int) -> Problem:
    """A small random problem with ties of every kind and restrictions."""
    rng = np.random.default_rng(seed)
    relations = ("precision", "b_in", "b_wt")
    return random_problem(rng, max_layers=5, relations=relations, restrictions=True)


def consistent_choices(problem: Problem, ties: tuple[Tie, ...]) -> set[tuple[int, ...]]:
    """Every choice that keeps these ties and the restrictions, in plain Python."""
    rows = [range(n) for n in np.diff(problem.offsets).tolist()]
    kept = set()
    for choice in product(*rows):
        chosen = {
            layer: problem.candidates(i)[k]
            for i, (layer, k) in enumerate(zip(problem.layers, choice, strict=True))
        }
        restricted = all(r.allows(chosen[r.layer]) for r in problem.restrictions)
        if restricted and all(len({tie.key(chosen[n]) for n in tie.layers}) == 1 for tie in ties):
            kept.add(choice)
    return kept


def lifted_choices(groups: ChoiceGroups) -> list[tuple[int, ...]]:
    """Every choice of the groups, lifted."""
    rows = [range(n) for n in np.diff(groups.offsets).tolist()]
    return [tuple(groups.lift(np.array(c, np.int64)).tolist()) for c in product(*rows)]


@settings(deadline=None, max_examples=200)
@given(SEEDS)
def test_groups_enumerate_what_keeps_the_ties(seed: int) -> None:
    """Lifting every choice of the groups gives every tie-consistent choice exactly once."""
    problem = tied_problem(seed)
    lifted = lifted_choices(choice_groups(problem))
    assert len(set(lifted)) == len(lifted)
    assert set(lifted) == consistent_choices(problem, problem.ties)


@settings(deadline=None, max_examples=100)
@given(SEEDS)
def test_only_whole_precisions_merged(seed: int) -> None:
    """With ``merge="whole"`` the other ties remain, and are named."""
    problem = tied_problem(seed)
    groups = choice_groups(problem, merge="whole")
    whole = tuple(tie for tie in problem.ties if tie.equal == "precision")
    assert set(lifted_choices(groups)) == consistent_choices(problem, whole)
    assert set(groups.remaining_ties) == set(problem.ties) - set(whole)


@settings(deadline=None, max_examples=200)
@given(SEEDS)
def test_lower_is_the_inverse_of_lift(seed: int) -> None:
    """Lowering a lifted choice gives it back; a choice that breaks a tie has no image."""
    problem = tied_problem(seed)
    groups = choice_groups(problem)
    if groups.empty_groups:
        return
    rng = np.random.default_rng(seed)
    choice = rng.integers(0, np.diff(groups.offsets))
    lowered = groups.lower(groups.lift(choice))
    assert lowered is not None
    assert lowered.tolist() == choice.tolist()
    arbitrary = rng.integers(0, np.diff(problem.offsets))
    possible = tuple(arbitrary.tolist()) in consistent_choices(problem, problem.ties)
    assert (groups.lower(arbitrary) is not None) == possible


@settings(deadline=None, max_examples=100)
@given(SEEDS)
def test_the_candidates_of_one_layer(seed: int) -> None:
    """In each joint candidate of its group it is the one that a lifted choice holds."""
    problem = tied_problem(seed)
    groups = choice_groups(problem)
    if groups.empty_groups:
        return
    counts, first = np.diff(groups.offsets), np.zeros(len(groups.members), np.int64)
    for layer in range(len(problem.layers)):
        g, own = groups.of_layer(layer)
        assert layer in groups.members[g]
        lifted = [groups.lift(first + j * (np.arange(len(first)) == g)) for j in range(counts[g])]
        assert own.tolist() == [choice[layer] for choice in lifted]


def test_the_last_candidates_without_ties() -> None:
    """Each choice has an image, except where a candidate may not be used."""
    problem = Problem.from_arrays([[0, 5], [0, 7]], {})
    for choice in product(range(2), repeat=2):
        lowered = choice_groups(problem).lower(np.array(choice))
        assert lowered is not None
        assert lowered.tolist() == list(choice)
    some = choice_groups(problem, usable=np.array([True, True, True, False]))
    assert some.lower(np.array([1, 1])) is None


@settings(deadline=None, max_examples=200)
@given(SEEDS)
def test_merged_values_add_up(seed: int) -> None:
    """The value of a choice of the groups is that of the lifted choice, and cheapest is least."""
    problem = tied_problem(seed)
    groups = choice_groups(problem)
    if groups.empty_groups:
        return
    values = np.random.default_rng(seed).integers(-50, 50, len(problem.loss))
    merged = groups.merged(values)
    sums = []
    for choice in product(*(range(n) for n in np.diff(groups.offsets).tolist())):
        joint = groups.offsets[:-1] + np.array(choice)
        flat = problem.flat(groups.lift(np.array(choice)))
        assert merged[joint].sum() == values[flat].sum()
        sums.append(merged[joint].sum())
    assert values[problem.flat(groups.cheapest(values))].sum() == min(sums)


def test_no_ties() -> None:
    """Without ties every layer is a group of its own."""
    groups = choice_groups(three_layers())
    assert groups.trivial
    assert list(groups.members) == [(0,), (1,), (2,)]
    assert groups.merged(np.arange(1, 10)).tolist() == list(range(1, 10))
    assert groups.empty_groups == ()


def test_two_tied_layers() -> None:
    """a and c share their weight bits: 8 of 8b/8b or 4b/8b, or 4 of 8b/4b; b stands between."""
    groups = choice_groups(three_layers(ties=[Tie(("a", "c"), "b_wt")]))
    assert list(groups.members) == [(0, 2), (1,)]
    assert not groups.trivial
    assert groups.offsets.tolist() == [0, 5, 8]
    # a: 1, 2, 3; c: 7, 8, 9. Pairs: 1+7, 1+9, 2+8, 3+7, 3+9; then b alone.
    assert groups.merged(np.arange(1, 10)).tolist() == [8, 10, 10, 10, 12, 4, 5, 6]
    assert groups.lift(np.array([2, 0])).tolist() == [1, 0, 1]


def test_precisions_of_a_joint_candidate() -> None:
    """In the order of the members."""
    problem = three_layers(ties=[Tie(("a", "c"), "b_wt")])
    groups = choice_groups(problem)
    assert groups.precisions(problem, 1) == (Precision(8, 8), Precision(4, 8))
    assert groups.precisions(problem, 5) == (Precision(8, 8),)


def test_ties_chain() -> None:
    """a with b in input bits and b with c in weight bits form one group of three."""
    problem = three_layers(ties=[Tie(("c", "b"), "b_wt"), Tie(("a", "b"), "b_in")])
    groups = choice_groups(problem)
    assert list(groups.members) == [(0, 1, 2)]
    # b=8/8: a in {8/8, 8/4}, c in {8/8, 4/8}: 4; b=8/4: a 2, c 1: 2; b=4/8: a 1, c 2: 2.
    assert len(groups.part_offsets) - 1 == 8


def test_empty_groups() -> None:
    """Tied layers without a common precision leave their group empty and the others as they are."""
    restrictions = [
        Restriction("a", "fixed", Precision(8, 4)),
        Restriction("b", "forbidden", Precision(8, 4)),
    ]
    groups = choice_groups(three_layers(ties=[Tie(("a", "b"))], restrictions=restrictions))
    assert groups.empty_groups == ((0, 1),)
    assert np.diff(groups.offsets).tolist() == [0, 3]
    assert groups.lower(np.array([1, 1, 0])) is None


def test_usable_candidates() -> None:
    """A mask takes the place of the restrictions, for layers and for groups alike."""
    usable = np.array([1, 0, 1, 1, 1, 1, 0, 0, 1], bool)
    groups = layer_groups(np.array([0, 3, 6, 9]), usable)
    assert groups.offsets.tolist() == [0, 2, 5, 6]
    assert groups.parts.tolist() == [0, 2, 3, 4, 5, 8]
    assert groups.lift(np.array([1, 0, 0])).tolist() == [2, 0, 2]
    tied = choice_groups(three_layers(ties=[Tie(("a", "c"))]), usable=usable)
    assert tied.lift(np.array([0, 1])).tolist() == [2, 1, 2]


def test_members_of_single_layers() -> None:
    """They behave like a tuple of tuples without being one."""
    members = layer_groups(np.array([0, 2, 3, 4])).members
    assert len(members) == 3
    assert members[1] == (1,)
    assert members[-1] == (2,)
    assert members[1:] == [(1,), (2,)]
    with pytest.raises(IndexError):
        members[3]


def test_too_many_joint_candidates() -> None:
    """Input bits shared by ten layers with two weight widths each: 2^10 * 1 per input width."""
    precisions = [f"{b_in}b/{b_wt}b" for b_in in (2, 4, 8, 16, 32) for b_wt in (2, 4)]
    problem = Problem.from_arrays(np.zeros((10, 10)), {}, precisions=precisions)
    allowed = choice_groups(problem.replace(ties=[Tie(problem.layers[:9], "b_in")]))
    assert len(allowed.part_offsets) - 1 == 5 * 2**9 + 10
    too_many = problem.replace(ties=[Tie(problem.layers, "b_in")])
    assert MAX_JOINT < 5 * 2**10
    with pytest.raises(UnsupportedError) as caught:
        choice_groups(too_many)
    assert str(caught.value) == (
        "The 10 layers tied to each other (layer0, layer1, layer2, ...) have more than 4096 joint "
        "candidates; use method milp or cpsat, which keep ties as constraints."
    )
