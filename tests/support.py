"""What tests of several folders share."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from mpsolve.formulations.mckp.kernels import NAMES

#: Skips a test where there is no compiler.
needs_compiled = pytest.mark.skipif(
    find_spec("mpsolve.formulations.native._native") is None,
    reason="the compiled kernel was not built",
)
#: The kernels of the knapsack method, of which a machine without a compiler lacks one.
KERNELS = [
    pytest.param(name, marks=[needs_compiled] if name == "compiled" else []) for name in NAMES
]
