"""What `import mpsolve` may load."""

from __future__ import annotations

import json
import subprocess
import sys

ALLOWED = {"mpsolve", "numpy"}

SCRIPT = """
import json, sys
before = set(sys.modules)
import mpsolve
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def test_import_loads_numpy_and_the_standard_library_only() -> None:
    """Solvers, pandas, torch and the command line's packages stay out until they are used."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "mpsolve" in loaded
    assert loaded - ALLOWED - set(sys.stdlib_module_names) == set()


def test_a_solve_with_the_knapsack_method_loads_nothing_more() -> None:
    """The whole way from a bundled table to a proven answer needs numpy alone."""
    script = SCRIPT.replace(
        "import mpsolve\n",
        "import mpsolve\n"
        "table = mpsolve.load_table('mobilenet_v1_0.75/pulp8-xpulpnnv1')\n"
        "problem = mpsolve.Problem.from_table(table, budgets={'latency': '0.7x'})\n"
        "assert mpsolve.solve(problem).status == 'optimal'\n",
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout)) - ALLOWED - set(sys.stdlib_module_names) == set()
