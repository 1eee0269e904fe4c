"""Chooses the precision of every layer of a neural network exactly.

A latency table, a loss per layer and precision, and a budget give the assignment of least loss
that keeps the budget, with a proof that nothing is better:

>>> import mpsolve
>>> table = mpsolve.load_table("mobilenet_v1_0.75/pulp8-xpulpnnv1")
>>> problem = mpsolve.Problem.from_table(table, budgets={"latency": "0.7x"})
>>> mpsolve.solve(problem).status
<Status.OPTIMAL: 'optimal'>
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpsolve.alternatives.diverse import diverse as diverse
    from mpsolve.alternatives.k_best import k_best as k_best
    from mpsolve.analysis.compare import Comparison as Comparison
    from mpsolve.analysis.compare import compare as compare
    from mpsolve.analysis.inspect_table import Inspection as Inspection
    from mpsolve.analysis.inspect_table import inspect_table as inspect_table
    from mpsolve.analysis.ranging import Sensitivity as Sensitivity
    from mpsolve.analysis.ranging import sensitivity as sensitivity
    from mpsolve.analysis.verify import Verification as Verification
    from mpsolve.analysis.verify import verify as verify
    from mpsolve.building.pairs_file import read_pairs as read_pairs
    from mpsolve.building.pairs_file import write_pairs as write_pairs
    from mpsolve.errors import Conflict as Conflict
    from mpsolve.errors import InfeasibleError as InfeasibleError
    from mpsolve.errors import InputError as InputError
    from mpsolve.errors import MissingDependencyError as MissingDependencyError
    from mpsolve.errors import MpsolveError as MpsolveError
    from mpsolve.errors import NoSolutionError as NoSolutionError
    from mpsolve.errors import TableError as TableError
    from mpsolve.errors import UnsupportedError as UnsupportedError
    from mpsolve.fronts.front import Front as Front
    from mpsolve.fronts.pareto_front import pareto_front as pareto_front
    from mpsolve.model.configuration import Configuration as Configuration
    from mpsolve.model.constraints import LinearConstraint as LinearConstraint
    from mpsolve.model.constraints import Restriction as Restriction
    from mpsolve.model.constraints import Tie as Tie
    from mpsolve.model.pairwise import PairwiseTerm as PairwiseTerm
    from mpsolve.model.precision import Precision as Precision
    from mpsolve.model.problem import Problem as Problem
    from mpsolve.model.provenance import Provenance as Provenance
    from mpsolve.model.solution import Limit as Limit
    from mpsolve.model.solution import Progress as Progress
    from mpsolve.model.solution import Solution as Solution
    from mpsolve.model.solution import Status as Status
    from mpsolve.profiles.bundled import bundled_tables as bundled_tables
    from mpsolve.profiles.bundled import load_table as load_table
    from mpsolve.profiles.networks.builder import NetworkBuilder as NetworkBuilder
    from mpsolve.profiles.networks.layer_type import LayerType as LayerType
    from mpsolve.profiles.networks.load import load_network as load_network
    from mpsolve.profiles.networks.network import Network as Network
    from mpsolve.profiles.networks.readers.torch_program import from_torch as from_torch
    from mpsolve.profiles.networks.tensor_groups import Rules as Rules
    from mpsolve.profiles.profile import profile as profile
    from mpsolve.profiles.read import read_table as read_table
    from mpsolve.profiles.table import LatencyTable as LatencyTable
    from mpsolve.profiles.targets.registry import load_target as load_target
    from mpsolve.profiles.write import write_csv as write_csv
    from mpsolve.solving.assign import Assignment as Assignment
    from mpsolve.solving.assign import PreparedAssignment as PreparedAssignment
    from mpsolve.solving.assign import assign as assign
    from mpsolve.solving.assign import prepare as prepare
    from mpsolve.solving.session import Session as Session
    from mpsolve.solving.solve import free_bits as free_bits
    from mpsolve.solving.solve import greedy_decrease as greedy_decrease
    from mpsolve.solving.solve import greedy_increase as greedy_increase
    from mpsolve.solving.solve import solve as solve
    from mpsolve.uncertainty.sets import Box as Box
    from mpsolve.uncertainty.sets import Budgeted as Budgeted
    from mpsolve.uncertainty.sets import ChanceConstraint as ChanceConstraint
    from mpsolve.uncertainty.solve_robust import solve_robust as solve_robust
    from mpsolve.uncertainty.stability import Stability as Stability
    from mpsolve.uncertainty.stability import stability as stability

#: Public name -> where it is. Names are loaded when they are first used: with all of them at once,
#: ``import mpsolve`` took 1.7 times as long as ``import numpy``.
_HOMES = {
    "Assignment": "mpsolve.solving.assign",
    "PreparedAssignment": "mpsolve.solving.assign",
    "assign": "mpsolve.solving.assign",
    "prepare": "mpsolve.solving.assign",
    "Session": "mpsolve.solving.session",
    "Comparison": "mpsolve.analysis.compare",
    "compare": "mpsolve.analysis.compare",
    "Configuration": "mpsolve.model.configuration",
    "LinearConstraint": "mpsolve.model.constraints",
    "Restriction": "mpsolve.model.constraints",
    "Tie": "mpsolve.model.constraints",
    "diverse": "mpsolve.alternatives.diverse",
    "free_bits": "mpsolve.solving.solve",
    "greedy_decrease": "mpsolve.solving.solve",
    "greedy_increase": "mpsolve.solving.solve",
    "solve": "mpsolve.solving.solve",
    "Conflict": "mpsolve.errors",
    "InfeasibleError": "mpsolve.errors",
    "InputError": "mpsolve.errors",
    "MissingDependencyError": "mpsolve.errors",
    "MpsolveError": "mpsolve.errors",
    "NoSolutionError": "mpsolve.errors",
    "TableError": "mpsolve.errors",
    "UnsupportedError": "mpsolve.errors",
    "Front": "mpsolve.fronts.front",
    "Inspection": "mpsolve.analysis.inspect_table",
    "inspect_table": "mpsolve.analysis.inspect_table",
    "LayerType": "mpsolve.profiles.networks.layer_type",
    "Network": "mpsolve.profiles.networks.network",
    "NetworkBuilder": "mpsolve.profiles.networks.builder",
    "load_network": "mpsolve.profiles.networks.load",
    "from_torch": "mpsolve.profiles.networks.readers.torch_program",
    "Rules": "mpsolve.profiles.networks.tensor_groups",
    "load_target": "mpsolve.profiles.targets.registry",
    "profile": "mpsolve.profiles.profile",
    "write_csv": "mpsolve.profiles.write",
    "k_best": "mpsolve.alternatives.k_best",
    "pareto_front": "mpsolve.fronts.pareto_front",
    "read_pairs": "mpsolve.building.pairs_file",
    "write_pairs": "mpsolve.building.pairs_file",
    "PairwiseTerm": "mpsolve.model.pairwise",
    "Precision": "mpsolve.model.precision",
    "Problem": "mpsolve.model.problem",
    "bundled_tables": "mpsolve.profiles.bundled",
    "load_table": "mpsolve.profiles.bundled",
    "read_table": "mpsolve.profiles.read",
    "LatencyTable": "mpsolve.profiles.table",
    "Provenance": "mpsolve.model.provenance",
    "Sensitivity": "mpsolve.analysis.ranging",
    "sensitivity": "mpsolve.analysis.ranging",
    "solve_robust": "mpsolve.uncertainty.solve_robust",
    "Stability": "mpsolve.uncertainty.stability",
    "stability": "mpsolve.uncertainty.stability",
    "Box": "mpsolve.uncertainty.sets",
    "Budgeted": "mpsolve.uncertainty.sets",
    "ChanceConstraint": "mpsolve.uncertainty.sets",
    "Limit": "mpsolve.model.solution",
    "Progress": "mpsolve.model.solution",
    "Solution": "mpsolve.model.solution",
    "Status": "mpsolve.model.solution",
    "Verification": "mpsolve.analysis.verify",
    "verify": "mpsolve.analysis.verify",
}

if not TYPE_CHECKING:
    __all__ = sorted(_HOMES)

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'mpsolve' has no attribute {name!r}")
        globals()[name] = value = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
