"""Why no assignment exists, in one sentence."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import Conflict
from mpsolve.model.evaluation import evaluate, keeps, smallest, total
from mpsolve.presolve.presolved import Presolved
from mpsolve.presolve.quickxplain import (
    BudgetPart,
    Part,
    minimal,
    only,
    parts_of,
    section_of,
    shown_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mpsolve.model.constraints import Tie
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import IntArray, Number, NumberArray

#: How many layers, or constraints beside a budget, a sentence names.
SHOWN = 3


def quick_conflict(problem: Problem, groups: ChoiceGroups | None = None) -> Conflict | None:
    """A conflict that shows without any search, or None.

    These are: a layer without a candidate, tied layers without a common precision, a budget below
    what the cheapest candidates cost, unless pairs of layers add to the cost, and a constraint
    below its smallest coefficients. Its constraints are a smallest set in the sense of `Conflict`.

    Parameters
    ----------
    problem
        The problem.
    groups
        Its `Presolved.largest_groups`, if they are known.
    """
    groups = groups or Presolved(problem).largest_groups
    return (
        _empty_layer(problem)
        or _empty_tie(problem)
        or _empty_group(problem, groups)
        or _budget_too_small(problem, groups)
        or _constraint_too_small(problem)
    )


def quick_choice(problem: Problem, groups: ChoiceGroups) -> IntArray | None:
    """A choice that keeps every constraint and shows without any search, or None.

    That is one of those that cost the least of something that is limited.
    """
    if groups.empty_groups:
        return None
    limited = [problem.costs[name] for name in problem.budgets] or [problem.loss]
    cheapest = map(groups.cheapest, limited)
    return next((choice for choice in cheapest if evaluate(problem, choice).feasible), None)


def explain(problem: Problem, least_loss: Callable[[Problem], Number | None]) -> Conflict:
    """Name a smallest set of constraints that an infeasible problem cannot keep together.

    Parameters
    ----------
    problem
        An infeasible problem.
    least_loss
        The optimal loss of a variant of the problem, None where it is infeasible.
    """
    if conflict := quick_conflict(problem):
        return conflict
    indifferent = _minimising(problem, np.zeros(len(problem.loss), np.int64))

    def conflicting(parts: list[Part]) -> bool:
        variant = only(indifferent, parts)
        return bool(parts) and (quick_conflict(variant) is not None or least_loss(variant) is None)

    parts = minimal(parts_of(problem), conflicting)
    smallest_set = only(indifferent, parts)
    if conflict := quick_conflict(smallest_set):
        return conflict
    names = _names(parts)
    budgets = [part for part in parts if isinstance(part, BudgetPart)]
    if not budgets:
        joined = [layer for tie in smallest_set.ties for layer in tie.layers]
        joined += [layer for constraint in smallest_set.constraints for layer in constraint.terms]
        return Conflict(
            f"{_capital(_together(names))} cannot be kept together; any one of them can be "
            "dropped.",
            constraints=names,
            layers=tuple(dict.fromkeys(joined)),
        )
    cost, limit = budgets[-1].cost, budgets[-1].limit
    kept = [part for part in parts if part is not budgets[-1]]
    others = only(indifferent, kept)
    least = least_loss(_minimising(others, problem.costs[cost], cost))
    layers = _dominant(others, Presolved(others).largest_groups, problem.costs[cost])[1]
    shown = _apart(least or 0, limit)
    together = "cannot be kept together" if kept else "cannot be kept"
    condition = f"with {_together(_names(kept))} kept, " if kept else ""
    return Conflict(
        f"{_capital(_together(names))} {together}: {condition}{cost} is at least "
        f"{shown[0]}{_unit(problem, cost)}, above its budget of {shown[1]}; "
        f"{_listed(layers)} dominate{'s' if len(layers) == 1 else ''} it.",
        constraints=names,
        cost=cost,
        budget=limit,
        least=least,
        layers=layers,
    )


def _minimising(problem: Problem, values: NumberArray, cost: str | None = None) -> Problem:
    """The problem with other losses; with a cost, what pairs add to it is added to them too."""
    kept = [term for term in problem.pairwise if term.cost is not None]
    moved = [replace(term, cost=None) for term in kept if term.cost == cost]
    return problem.replace(loss=values, pairwise=[*kept, *moved])


def _empty_layer(problem: Problem) -> Conflict | None:
    left = np.bincount(problem.layer_index, problem.allowed, len(problem.layers))
    if left.all():
        return None
    layer = problem.layers[int(np.argmin(left))]
    own: list[Part] = [r for r in problem.restrictions if r.layer == layer]
    causes = minimal(own, lambda parts: not section_of(problem, (layer,), parts).allowed.any())
    candidates = ", ".join(map(str, problem.candidates(problem.index_of(layer))))
    return Conflict(
        f"Layer {layer} has no candidate left: of {candidates}, {_together(_names(causes))} "
        f"leave{'s' if len(causes) == 1 else ''} none.",
        constraints=_names(causes),
        layers=(layer,),
    )


def _empty_tie(problem: Problem) -> Conflict | None:
    for tie in problem.ties:
        if _shares(problem, tie):
            continue
        own: list[Part] = [r for r in problem.restrictions if r.layer in tie.layers]
        causes = minimal(own, partial(_keeps_apart, problem, tie))
        beside = f" with {_together(_names(causes))}" if causes else ""
        return Conflict(
            f"The {tie} cannot be kept{beside}: its layers have no {tie.equal} in common.",
            constraints=_names([tie, *causes]),
            layers=tie.layers,
        )
    return None


def _keeps_apart(problem: Problem, tie: Tie, parts: list[Part]) -> bool:
    return not _shares(section_of(problem, tie.layers, parts), tie)


def _shares(problem: Problem, tie: Tie) -> bool:
    """Whether some bit-width, or precision, is offered by every layer of a tie."""
    offered = []
    for i in map(problem.index_of, tie.layers):
        own = range(*problem.offsets[i : i + 2])
        offered.append({tie.key(problem.precisions[j]) for j in own if problem.allowed[j]})
    return bool(set.intersection(*offered))


def _empty_group(problem: Problem, groups: ChoiceGroups) -> Conflict | None:
    for members in groups.empty_groups:
        layers = tuple(problem.layers[i] for i in members)
        causes = minimal(_parts_on(problem, layers), partial(_excludes_all, problem, layers))
        return Conflict(
            f"{_capital(_together(_names(causes)))} cannot be kept together: no choice of "
            "precisions satisfies them.",
            constraints=_names(causes),
            layers=layers,
        )
    return None


def _excludes_all(problem: Problem, layers: tuple[str, ...], parts: list[Part]) -> bool:
    return bool(Presolved(section_of(problem, layers, parts)).largest_groups.empty_groups)


def _parts_on(problem: Problem, layers: tuple[str, ...]) -> list[Part]:
    """The ties and restrictions of layers that are not tied to any other."""
    return [
        *(tie for tie in problem.ties if tie.layers[0] in layers),
        *(restriction for restriction in problem.restrictions if restriction.layer in layers),
    ]


def _budget_too_small(problem: Problem, groups: ChoiceGroups) -> Conflict | None:
    for name, limit in problem.budgets.items():
        cost = problem.costs[name]
        if problem.pairwise_on(name):  # the least sum takes a search
            continue
        if keeps(smallest(groups.merged(cost), groups.offsets), limit, len(problem.layers)):
            continue
        least, layers, share = _dominant(problem, groups, cost)
        causes = _causes(problem, groups, name, limit)
        unit = _unit(problem, name)
        shown = _apart(limit, least)
        because = f"because of {_abridged(_names(causes))} " if causes else ""
        alone = f"; {_listed(layers)} alone account{'s' if len(layers) == 1 else ''} for "
        return Conflict(
            f"The budget on {name} is {shown[0]}{unit}, but {because}every assignment needs at "
            f"least {shown[1]}{unit}" + (f"{alone}{share:.0%} of that." if share else "."),
            constraints=_names([BudgetPart(name, limit), *causes]),
            cost=name,
            budget=limit,
            least=least,
            layers=layers,
        )
    return None


def _dominant(
    problem: Problem, groups: ChoiceGroups, values: NumberArray
) -> tuple[Number, tuple[str, ...], float]:
    """The least sum of some values, the layers that weigh most in it, and their share of it."""
    each = values[problem.flat(groups.cheapest(values))]
    heaviest = np.argsort(-each, kind="stable")[:SHOWN]
    least = total(each)
    share = float(each[heaviest].sum()) / least if each.min() >= 0 and least > 0 else 0.0
    return least, tuple(problem.layers[i] for i in heaviest), share


def _causes(problem: Problem, groups: ChoiceGroups, cost: str, limit: Number) -> list[Part]:
    """The ties and restrictions without which a budget that is too small would be large enough.

    Layers that are tied to each other are looked at together, and first those groups in which
    ties and restrictions cost the most: no group that is needed can be left out.
    """
    values, terms = problem.costs[cost], len(problem.layers)
    free = np.minimum.reduceat(values, problem.offsets[:-1])
    without = np.array([free[list(members)].sum() for members in groups.members])
    bound = np.minimum.reduceat(groups.merged(values), groups.offsets[:-1])
    costliest = np.argsort(without - bound, kind="stable")

    def present(count: int) -> NumberArray:
        """The least values of the groups, if the costliest so many keep what is on them."""
        least = without.copy()
        least[costliest[:count]] = bound[costliest[:count]]
        return least

    def exceeding(least: NumberArray) -> bool:
        return not keeps(total(least), limit, terms)

    count = bisect_left(range(len(bound)), True, key=lambda count: exceeding(present(count)))
    least = present(count)
    causes: list[Part] = []
    for g in costliest[:count]:
        layers = tuple(problem.layers[i] for i in groups.members[int(g)])

        def conflicting(parts: list[Part], g: int = g, layers: tuple[str, ...] = layers) -> bool:
            least[g] = _least(section_of(problem, layers, parts), cost)
            return exceeding(least)

        needed = minimal(_parts_on(problem, layers), conflicting)
        least[g] = _least(section_of(problem, layers, needed), cost)
        causes += needed
    return causes


def _least(problem: Problem, cost: str) -> Number:
    groups = Presolved(problem).largest_groups
    return smallest(groups.merged(problem.costs[cost]), groups.offsets)


def _constraint_too_small(problem: Problem) -> Conflict | None:
    for constraint in problem.constraints:
        spans = [problem.offsets[i : i + 2] for i in map(problem.index_of, constraint.terms)]
        allowed = [problem.allowed[begin:end] for begin, end in spans]
        coefficients = list(constraint.terms.values())
        least = sum(float(c[a].min()) for c, a in zip(coefficients, allowed, strict=True))
        if keeps(least, constraint.limit, len(spans)):
            continue
        layers = tuple(constraint.terms)
        own: list[Part] = [r for r in problem.restrictions if r.layer in layers]
        section = section_of(problem, layers, own).replace(costs={"": np.concatenate(coefficients)})
        causes = _causes(section, Presolved(section).largest_groups, "", constraint.limit)
        shown = _apart(constraint.limit, least)
        because = f"because of {_abridged(_names(causes))} " if causes else ""
        return Conflict(
            f"The {constraint} allows {shown[0]}, but {because}{_listed(layers)} "
            f"need{'s' if len(layers) == 1 else ''} at least {shown[1]}.",
            constraints=_names([constraint, *causes]),
            budget=constraint.limit,
            least=least,
            layers=layers,
        )
    return None


def _names(parts: Iterable[Part]) -> tuple[str, ...]:
    return tuple(map(str, parts))


def _together(names: tuple[str, ...]) -> str:
    """The names in a sentence."""
    named = [f"the {name}" for name in names]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def _abridged(names: tuple[str, ...]) -> str:
    """The first names in a sentence, and how many there are beside them."""
    if len(names) <= SHOWN:
        return _together(names)
    return f"the {', the '.join(names[:SHOWN])} and {len(names) - SHOWN} more"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _unit(problem: Problem, cost: str) -> str:
    return f" {problem.units[cost]}" if cost in problem.units else ""


def _apart(one: Number, other: Number) -> tuple[str, str]:
    """Two different numbers with as many digits as it takes to tell them apart."""
    enough = (d for d in (6, 9, 12) if shown_number(one, d) != shown_number(other, d))
    digits = next(enough, 17)
    return shown_number(one, digits), shown_number(other, digits)


def _listed(layers: tuple[str, ...]) -> str:
    shown = ", ".join(layers[:SHOWN])
    return f"layer {shown}" if len(layers) == 1 else f"layers {shown}"
