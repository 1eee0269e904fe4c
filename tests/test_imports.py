"""What `import mpsolve` may load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mpsolve

ALLOWED = {"mpsolve", "numpy"}

SCRIPT = """
import json, sys
before = set(sys.modules)
import mpsolve
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def test_import_loads_numpy_and_the_standard_library_only() -> None:
    """Solvers, pandas, torch and the command line's packages stay out until they are used.

    Every public name is touched, since names are loaded on demand.
    """
    script = SCRIPT.replace(
        "import mpsolve\n", "import mpsolve\nfor name in dir(mpsolve): getattr(mpsolve, name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert loaded >= ALLOWED
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


def test_every_public_name_is_found_where_it_is_said_to_be() -> None:
    """What type checkers read, what is loaded on demand and what a star takes are the same."""
    stub = Path(mpsolve.__file__).with_suffix(".pyi")
    imported = {
        alias.name: str(node.module)
        for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert len(imported) > 30
    assert sorted(imported) == dir(mpsolve)
    taken: dict[str, object] = {}
    exec("from mpsolve import *", taken)
    assert sorted(taken.keys() - {"__builtins__"}) == sorted(imported)
    for name, module in imported.items():
        assert taken[name] is getattr(sys.modules[module], name)
        assert vars(mpsolve)[name] is taken[name]


def test_no_public_name_is_also_a_module() -> None:
    """Importing a module of that name would put it in the place of the name."""
    modules = {path.stem for path in Path(mpsolve.__file__).parent.iterdir()}
    assert not modules & set(dir(mpsolve))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any other module."""
    with pytest.raises(AttributeError, match="module 'mpsolve' has no attribute 'sovle'"):
        getattr(mpsolve, "sovle")
