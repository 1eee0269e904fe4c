"""Why no assignment exists, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import Conflict, UnsupportedError
from mpsolve.evaluation import keeps, total
from mpsolve.groups import choice_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.groups import ChoiceGroups
    from mpsolve.problem import Problem
    from mpsolve.typing import Number

#: How many layers a sentence names.
SHOWN = 3


def quick_conflict(problem: Problem) -> Conflict | None:
    """A conflict that shows without any search, or None.

    These are: a layer without a candidate, tied layers without a common precision, a budget below
    what the cheapest candidates cost, and a constraint below its smallest coefficients.
    """
    return (
        _empty_layer(problem)
        or _empty_tie(problem)
        or _empty_group(problem)
        or _budget_too_small(problem)
        or _constraint_too_small(problem)
    )


def explain(problem: Problem, least_loss: Callable[[Problem], Number | None]) -> Conflict:
    """Name a smallest set of constraints that an infeasible problem cannot keep together.

    The deletion filter (Chinneck and Dravnieks 1991): leave out one constraint after the other,
    and put back only those without which the rest becomes satisfiable.

    Parameters
    ----------
    problem
        An infeasible problem.
    least_loss
        The optimal loss of a variant of the problem, None where it is infeasible.
    """
    if conflict := quick_conflict(problem):
        return conflict
    indifferent = problem.replace(loss=np.zeros(len(problem.loss), np.int64))
    for part in _parts(problem):
        relaxed = _without(indifferent, part)
        if least_loss(relaxed) is None:
            indifferent = relaxed
    if conflict := quick_conflict(indifferent):
        return conflict
    parts = _parts(indifferent)
    names = tuple(_name(indifferent, part) for part in parts)
    budgets = [part for part in parts if part[0] == "budgets"]
    if not budgets:
        layers = tuple(dict.fromkeys(layer for t in indifferent.ties for layer in t.layers))
        return Conflict(
            f"{_sentence(names)} cannot be kept together; any one of them can be dropped.",
            constraints=names,
            layers=layers,
        )
    cost = str(budgets[-1][1])
    others = _without(indifferent, budgets[-1])
    least = least_loss(others.replace(loss=problem.costs[cost]))
    limit = problem.budgets[cost]
    kept = " and ".join(name for name in names if name != _name(indifferent, budgets[-1]))
    layers = _dominant(problem, cost)[0]
    return Conflict(
        f"{_sentence(names)} cannot be kept together: with {kept} kept, {cost} is at least "
        f"{_number(least or 0)}{_unit(problem, cost)}, above its budget of {_number(limit)}; "
        f"{_listed(layers)} dominate{'s' if len(layers) == 1 else ''} it.",
        constraints=names,
        cost=cost,
        budget=limit,
        least=least,
        layers=layers,
    )


_Part = tuple[str, object]


def _parts(problem: Problem) -> list[_Part]:
    """Every constraint of a problem: the field it stands in, and itself or its budget's name."""
    return [
        (field, item)
        for field in ("restrictions", "ties", "constraints", "budgets")
        for item in getattr(problem, field)
    ]


def _without(problem: Problem, part: _Part) -> Problem:
    field, dropped = part
    if field == "budgets":
        return problem.replace(budgets={k: v for k, v in problem.budgets.items() if k != dropped})
    return problem.replace(**{field: tuple(x for x in getattr(problem, field) if x is not dropped)})


def _name(problem: Problem, part: _Part) -> str:
    field, item = part
    if field == "budgets":
        return f"the budget {item} <= {_number(problem.budgets[str(item)])}"
    return f"the {item}"


def _sentence(names: tuple[str, ...]) -> str:
    text = " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
    return text[0].upper() + text[1:]


def _empty_layer(problem: Problem) -> Conflict | None:
    left = np.bincount(problem.layer_index, problem.allowed, len(problem.layers))
    if left.all():
        return None
    layer = problem.layers[int(np.argmin(left))]
    causes = tuple(str(r) for r in problem.restrictions if r.layer == layer)
    candidates = ", ".join(map(str, problem.candidates(problem.index_of(layer))))
    return Conflict(
        f"Layer {layer} has no candidate left: of {candidates}, {' and '.join(causes)} "
        f"leave{'s' if len(causes) == 1 else ''} none.",
        constraints=causes,
        layers=(layer,),
    )


def _empty_tie(problem: Problem) -> Conflict | None:
    for tie in problem.ties:
        shared: set[object] | None = None
        for layer in tie.layers:
            i = problem.index_of(layer)
            offered = {
                tie.key(problem.precisions[j])
                for j in range(problem.offsets[i], problem.offsets[i + 1])
                if problem.allowed[j]
            }
            shared = offered if shared is None else shared & offered
        if not shared:
            causes = [str(r) for r in problem.restrictions if r.layer in tie.layers]
            beside = f" with {' and '.join(causes)}" if causes else ""
            return Conflict(
                f"The {tie} cannot be kept{beside}: its layers have no {tie.equal} in common.",
                constraints=(str(tie), *causes),
                layers=tie.layers,
            )
    return None


def _empty_group(problem: Problem) -> Conflict | None:
    for members in _groups(problem).empty_groups:
        layers = tuple(problem.layers[i] for i in members)
        ties = tuple(str(t) for t in problem.ties if t.layers[0] in layers)
        return Conflict(
            f"{_sentence(ties)} cannot be kept together: no choice of precisions satisfies them.",
            constraints=ties,
            layers=layers,
        )
    return None


def _budget_too_small(problem: Problem) -> Conflict | None:
    for name, limit in problem.budgets.items():
        layers, least, share = _dominant(problem, name)
        if keeps(least, limit, len(problem.layers)):
            continue
        unit = _unit(problem, name)
        return Conflict(
            f"The budget on {name} is {_number(limit)}{unit}, but every assignment needs at "
            f"least {_number(least)}{unit}; {_listed(layers)} alone "
            f"account{'s' if len(layers) == 1 else ''} for {share:.0%} of that.",
            constraints=(f"the budget {name} <= {_number(limit)}",),
            cost=name,
            budget=limit,
            least=least,
            layers=layers,
        )
    return None


def _dominant(problem: Problem, cost: str) -> tuple[tuple[str, ...], Number, float]:
    """The layers that weigh most in the least value of a cost, that value, and their share."""
    groups = _groups(problem)
    least = np.minimum.reduceat(groups.merged(problem.costs[cost]), groups.offsets[:-1])
    order = np.argsort(-least, kind="stable")[:SHOWN]
    layers = tuple(problem.layers[i] for g in order for i in groups.members[int(g)])[:SHOWN]
    whole = float(least.sum())
    return layers, total(least), float(least[order].sum()) / whole if whole else 0.0


def _constraint_too_small(problem: Problem) -> Conflict | None:
    for constraint in problem.constraints:
        least = 0.0
        for layer, coefficients in constraint.terms.items():
            i = problem.index_of(layer)
            allowed = problem.allowed[problem.offsets[i] : problem.offsets[i + 1]]
            least += float(coefficients[allowed].min())
        if not keeps(least, constraint.limit, len(constraint.terms)):
            layers = tuple(constraint.terms)
            return Conflict(
                f"The {constraint} allows {constraint.limit:,}, but {_listed(layers)} need at "
                f"least {least:,}.",
                constraints=(str(constraint),),
                budget=constraint.limit,
                least=least,
                layers=layers,
            )
    return None


def _groups(problem: Problem) -> ChoiceGroups:
    try:
        return choice_groups(problem)
    except UnsupportedError:
        return choice_groups(problem, merge="whole")


def _unit(problem: Problem, cost: str) -> str:
    return f" {problem.units[cost]}" if cost in problem.units else ""


def _number(value: Number) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _listed(layers: tuple[str, ...]) -> str:
    shown = ", ".join(layers[:SHOWN])
    return f"layer {shown}" if len(layers) == 1 else f"layers {shown}"
