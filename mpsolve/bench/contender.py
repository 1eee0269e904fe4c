"""What takes part: the protocol of a contender, and the registry.

A contender is one class in one file, and one entry in `CONTENDERS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from mpsolve.errors import InputError
from mpsolve.formulations.method import METHODS
from mpsolve.heuristics.method import HEURISTICS
from mpsolve.storage.optional import installed_version

if TYPE_CHECKING:
    from mpsolve.bench.result import Claim
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contender says.

    Attributes
    ----------
    claim
        What it says about its answer.
    choice
        ``(N,)`` its choice, or None.
    bound
        The lower bound that it states, or None.
    note
        A remark.
    """

    claim: Claim
    choice: IntArray | None = None
    bound: float | None = None
    note: str = ""


class Contender(Protocol):
    """A method that takes part."""

    def unsupported(self, problem: Problem) -> str | None:
        """One sentence that names the part of the problem it cannot express, or None."""

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Choose, within about so many seconds of wall time."""


class Kind(StrEnum):
    """What a contender is, in the order of reports."""

    OURS = "ours"
    GENERAL = "general solver behind our model"
    HEURISTIC = "heuristic"
    BASELINE = "baseline"
    RAW = "general solver, plain model"
    PEER = "peer"


@dataclass(frozen=True)
class ContenderSpec:
    """A contender that is not loaded yet.

    Attributes
    ----------
    name
        What it is called.
    kind
        What it is.
    module, attribute, arguments
        Where its class is, and what the class takes.
    packages
        The distributions it needs, with the modules by which they are found.
    random
        Whether it draws random numbers, so that it is run with several seeds.
    """

    name: str
    kind: Kind
    module: str
    attribute: str
    arguments: tuple[str, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    random: bool = False

    @property
    def home(self) -> str:
        """Which process serves it: solvers that do not get along have processes of their own."""
        return self.name if self.kind in (Kind.RAW, Kind.PEER) else "mpsolve"

    @property
    def missing(self) -> str | None:
        """One sentence that says what it needs and is not installed, or None."""
        for package, module in self.packages:
            if find_spec(module) is None:
                return f"{self.name} needs {package}, which is not installed."
        return None

    def versions(self) -> str:
        """The versions of what it runs on."""
        names = dict.fromkeys(["mpsolve", "numpy", *(package for package, _ in self.packages)])
        return ", ".join(f"{name} {installed_version(name)}" for name in names)

    def load(self) -> Contender:
        """Import its module and make one.

        Raises
        ------
        InputError
            If a package that it needs is not installed.
        """
        if self.missing:
            raise InputError(self.missing)
        factory = getattr(import_module(self.module), self.attribute)
        contender: Contender = factory(*self.arguments)
        return contender


_SCIPY, _PULP, _ORTOOLS = ("scipy", "scipy"), ("pulp", "pulp"), ("ortools", "ortools")
_NEEDED = {"milp": (_PULP,), "highs": (_SCIPY,), "cpsat": (_ORTOOLS,)}


def _ours(name: str) -> ContenderSpec:
    family = name.partition(":")[0]
    if family in HEURISTICS:
        kind = Kind.HEURISTIC
    else:
        kind = Kind.GENERAL if family in _NEEDED else Kind.OURS
    packages: tuple[tuple[str, str], ...] = _NEEDED.get(family, ())
    if name == "milp:highs":
        packages = (_PULP, ("highspy", "highspy"))
    return ContenderSpec(name, kind, "mpsolve.bench.ours", "Ours", (name,), packages)


def _baseline(name: str, attribute: str, *, random: bool = False) -> ContenderSpec:
    module = f"mpsolve.bench.baselines.{name.replace('-', '_')}"
    return ContenderSpec(name, Kind.BASELINE, module, attribute, random=random)


def _raw(name: str, attribute: str, *packages: tuple[str, str]) -> ContenderSpec:
    module = f"mpsolve.bench.general.{name}"
    return ContenderSpec(f"raw-{name}", Kind.RAW, module, attribute, packages=packages)


def _peer(name: str, attribute: str, *packages: tuple[str, str]) -> ContenderSpec:
    module = f"mpsolve.bench.peers.{name.replace('-', '_')}"
    return ContenderSpec(name, Kind.PEER, module, attribute, packages=packages)


_SPECS = (
    ContenderSpec("assign", Kind.OURS, "mpsolve.bench.ours", "Assign"),
    *map(_ours, (*METHODS, "milp:highs", *HEURISTICS)),
    _baseline("hull", "Hull"),
    _baseline("discretised-dp", "DiscretisedDp"),
    _baseline("annealing", "Annealing", random=True),
    _baseline("evolution", "Evolution", random=True),
    _baseline("random-search", "RandomSearch", random=True),
    _raw("cbc", "Cbc", _PULP),
    _raw("highs", "Highs", _SCIPY),
    _raw("cpsat", "CpSat", _ORTOOLS),
    _raw("scip", "Scip", ("pyscipopt", "pyscipopt")),
    _peer("modelopt", "ModelOpt", ("nvidia-modelopt", "modelopt"), _PULP),
    _peer("mct", "Mct", ("model-compression-toolkit", "model_compression_toolkit"), _PULP),
    _peer("auto-round", "AutoRound", ("auto-round", "auto_round")),
    _peer("pareto-dp", "ParetoDp", ("pareto-dp", "pareto_dp")),
)
#: Name -> contender, kind after kind.
CONTENDERS = {
    spec.name: spec for spec in sorted(_SPECS, key=lambda spec: list(Kind).index(spec.kind))
}


def contender_named(name: str) -> ContenderSpec:
    """The contender of this name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in CONTENDERS:
        raise InputError(f"There is no method {name!r}; there are {', '.join(CONTENDERS)}.")
    return CONTENDERS[name]
