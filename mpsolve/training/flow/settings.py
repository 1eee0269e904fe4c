"""What a flow is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.training.naming import model_name
from mpsolve.training.recipes import chosen_recipe, recipe_for
from mpsolve.training.sensitivity.names import DEFAULT, EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.training.options import Method
    from mpsolve.training.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Search:
    """A differentiable search.

    Attributes
    ----------
    method
        As `search_precisions` takes it.
    algorithm
        What its recipe must be for.
    locked
        Whether a layer and its input share their gates.
    """

    method: Method
    algorithm: str
    locked: bool = False


SEARCHES: Mapping[str, Search] = MappingProxyType(
    {
        "bayesian-bits": Search("bayesian-bits", "bayesian_bits"),
        "bayesian-bits-locked": Search("bayesian-bits", "bayesian_bits", locked=True),
        "edmips": Search("edmips", "edmips"),
    }
)
#: Parts of the range between the least latency and that of 8b/8b.
BUDGETS = ("10%", "25%", "40%", "55%", "70%", "85%")
#: Which starts the greedy heuristics begin from: of each kind the nearest, or all.
STARTS = ("nearest", "all")


@dataclass(frozen=True)
class FlowSettings:
    """A flow.

    Attributes
    ----------
    network
        As `load_model` takes it; with weights, nothing is trained in full precision.
    data
        As `load_data` takes it.
    targets
        As `load_target` takes them.
    seeds
        Of everything random; each is a repetition of the whole flow.
    searches
        Names in `SEARCHES`.
    strengths
        Of Bayesian Bits; by default those of its recipe. EdMIPS, whose regulariser is another, has
        those of its recipe.
    budgets
        Latency targets, as budgets are written.
    metrics
        Sensitivities that the exact method minimises, one after the other.
    examples
        Training examples on which they are measured.
    images
        Test images, at most, on which the integer networks are checked.
    starts
        One of `STARTS`.
    recipes
        ``ALGORITHM=RECIPE``; by default that of the network, or of the data.
    overrides
        Settings of recipes, ``ALGORITHM:SETTING=VALUE``.
    rules
        What the graph asks of activations.

    Raises
    ------
    InputError
        If there is nothing to do, or a name is unknown.
    """

    network: str
    data: str
    targets: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    searches: tuple[str, ...] = tuple(SEARCHES)
    strengths: tuple[float, ...] = ()
    budgets: tuple[str, ...] = BUDGETS
    metrics: tuple[str, ...] = (DEFAULT,)
    examples: int = EXAMPLES
    images: int = 1000
    starts: str = "nearest"
    recipes: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        for name in ("seeds", "budgets", "metrics"):
            values = getattr(self, name)
            if not values:
                raise InputError(f"A flow needs {name}; name at least one.")
        for name in ("targets", "seeds", "searches", "strengths", "budgets", "metrics"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                given = ", ".join(map(str, values))
                raise InputError(f"One of the {name} is given twice: {given}.")
        for search in self.searches:
            if search not in SEARCHES:
                raise InputError(f"There is no search {search!r}; there are {', '.join(SEARCHES)}.")
        if self.starts not in STARTS:
            raise InputError(f"starts is {' or '.join(STARTS)}, not {self.starts!r}.")
        for texts, sign in ((self.recipes, "="), (self.overrides, ":")):
            for text in texts:
                if text.partition(sign)[0] not in self.algorithms:
                    raise InputError(
                        f"{text}: write ALGORITHM{sign}..., with one of "
                        f"{', '.join(self.algorithms)}."
                    )
        for algorithm in self.algorithms:
            self.recipe(algorithm, self.seeds[0])

    @property
    def name(self) -> str:
        """The network without its weights."""
        return model_name(self.network)

    @property
    def trained(self) -> bool:
        """Whether the network comes with weights."""
        return self.network != self.name

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What there must be recipes for, in the order of the flow."""
        first = () if self.trained else ("full_precision",)
        searched = (SEARCHES[search].algorithm for search in self.searches)
        return tuple(dict.fromkeys([*first, *searched, "tqt"]))

    def recipe(self, algorithm: str, seed: int) -> Recipe:
        """How to train."""
        named = dict(text.split("=", 1) for text in self.recipes)
        text = named.get(algorithm) or recipe_for(algorithm, self.name, self.data)
        own = [o.partition(":")[2] for o in self.overrides if o.startswith(f"{algorithm}:")]
        return chosen_recipe(text, algorithm, overrides=own, seed=seed)

    def strengths_of(self, search: str) -> tuple[float, ...]:
        """The strengths of a search."""
        algorithm = SEARCHES[search].algorithm
        if self.strengths and algorithm == "bayesian_bits":
            return self.strengths
        return self.recipe(algorithm, self.seeds[0]).strengths

    def to_json(self) -> dict[str, Any]:
        """Plain data, with everything that the result depends on."""
        seed = self.seeds[0]
        recipes = {name: self.recipe(name, seed).to_json() for name in self.algorithms}
        return {"command": "flow", **asdict(self), "recipes": recipes}
