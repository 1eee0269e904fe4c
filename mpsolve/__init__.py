"""Chooses the precision of every layer of a neural network exactly.

A latency table, a loss per layer and precision, and a budget give the assignment of least loss
that keeps the budget, with a proof that nothing is better:

>>> import mpsolve
>>> table = mpsolve.load_table("mobilenet_v1_0.75/pulp8-xpulpnnv1")
>>> problem = mpsolve.Problem.from_table(table, budgets={"latency": "0.7x"})
>>> mpsolve.solve(problem).status
<Status.OPTIMAL: 'optimal'>
"""

from mpsolve.arrays import Assignment as Assignment
from mpsolve.arrays import assign as assign
from mpsolve.comparison import Comparison as Comparison
from mpsolve.comparison import compare as compare
from mpsolve.configuration import Configuration as Configuration
from mpsolve.constraints import LinearConstraint as LinearConstraint
from mpsolve.constraints import Restriction as Restriction
from mpsolve.constraints import Tie as Tie
from mpsolve.entrance import free_bits as free_bits
from mpsolve.entrance import greedy_decrease as greedy_decrease
from mpsolve.entrance import greedy_increase as greedy_increase
from mpsolve.entrance import solve as solve
from mpsolve.errors import Conflict as Conflict
from mpsolve.errors import InfeasibleError as InfeasibleError
from mpsolve.errors import InputError as InputError
from mpsolve.errors import MissingDependencyError as MissingDependencyError
from mpsolve.errors import MpsolveError as MpsolveError
from mpsolve.errors import NoSolutionError as NoSolutionError
from mpsolve.errors import TableError as TableError
from mpsolve.errors import UnsupportedError as UnsupportedError
from mpsolve.precision import Precision as Precision
from mpsolve.problem import Problem as Problem
from mpsolve.profiles.bundled import bundled_tables as bundled_tables
from mpsolve.profiles.bundled import load_table as load_table
from mpsolve.profiles.read import read_table as read_table
from mpsolve.profiles.table import LatencyTable as LatencyTable
from mpsolve.profiles.table import Provenance as Provenance
from mpsolve.solution import Limit as Limit
from mpsolve.solution import Progress as Progress
from mpsolve.solution import Solution as Solution
from mpsolve.solution import Status as Status
from mpsolve.verification import Verification as Verification
from mpsolve.verification import verify as verify
