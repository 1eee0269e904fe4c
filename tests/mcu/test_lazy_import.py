"""What fitting a microcontroller loads, and that its functions hide no module."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from mpsolve import mcu

SCRIPT = """
import json, sys
before = set(sys.modules)
from mpsolve.mcu import fit, mcu_problem, memory_map, rom_front, surface
from mpsolve.report import mcu_plots
from mpsolve.mcu.setting import mcu_table
from mpsolve.profiles.networks import named_network
from mpsolve.profiles import merge
net = named_network("ds_cnn")
found = fit(net, "30kB", "16kB")
assert found.fits
memory_map(net, found.solution.configuration)
rom_front(mcu_problem(net, ram=16_000))
surface(net, (30_000,), (16_000,))
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def test_numpy_alone() -> None:
    """Neither torch, nor a plotting library, nor a solver."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (
        set(json.loads(done.stdout)) - {"mpsolve", "numpy"} - set(sys.stdlib_module_names) == set()
    )


def test_no_public_name_is_also_a_module() -> None:
    """Importing a module of that name would put it in the place of the name."""
    modules = {path.stem for path in Path(str(mcu.__file__)).parent.iterdir()}
    public = {name for name, value in vars(mcu).items() if not isinstance(value, ModuleType)}
    assert {"fit", "surface", "family", "memory_map"} <= public
    assert not modules & public
