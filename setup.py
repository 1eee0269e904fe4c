"""The compiled kernels; everything else is in pyproject.toml.

The extension is optional: where no compiler is found, the installation succeeds without it and the
reference kernel serves.
"""

import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel

NATIVE = Path("mpsolve/formulations/native")
#: The stable ABI has the buffer protocol since Python 3.11; free-threaded Pythons lack it.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")
#: Fused multiply-adds would make answers depend on the machine.
FLAGS = ["-O3", "-std=c11", "-ffp-contract=off"]
MICROSOFT_FLAGS = ["/O2", "/std:c11", "/fp:precise"]


class Wheel(bdist_wheel):
    """A wheel for every later Python, as the stable ABI allows it."""

    def finalize_options(self) -> None:
        """Name the oldest Python that the wheel serves."""
        if STABLE:
            self.py_limited_api = "cp311"
        super().finalize_options()


setup(
    cmdclass={"bdist_wheel": Wheel},
    ext_modules=[
        Extension(
            "mpsolve.formulations.native._native",
            sources=sorted(map(str, NATIVE.glob("*.c"))),
            depends=sorted(map(str, NATIVE.glob("*.h"))),
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE else [],
            extra_compile_args=MICROSOFT_FLAGS if sys.platform == "win32" else FLAGS,
            py_limited_api=STABLE,
            optional=True,
        )
    ],
)
