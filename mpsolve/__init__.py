"""Chooses the precision of every layer of a neural network exactly.

A latency table, a loss per layer and precision, and a budget give the assignment of least loss
that keeps the budget, with a proof that nothing is better:

>>> import mpsolve
>>> table = mpsolve.load_table("mobilenet_v1_0.75/pulp8-xpulpnnv1")
>>> problem = mpsolve.Problem.from_table(table, budgets={"latency": "0.7x"})
>>> mpsolve.solve(problem).status
<Status.OPTIMAL: 'optimal'>
"""

from mpsolve.storage.lazy import attach_stub

__getattr__, __dir__ = attach_stub(__name__, __file__)
