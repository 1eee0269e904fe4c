"""The compiled kernel; everything else is in pyproject.toml.

The extension is optional: where no compiler is found, the installation succeeds without it and the
NumPy kernel serves.
"""

import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel

KERNEL = Path("mpsolve/formulations/mckp/kernel")
#: The stable ABI has the buffer protocol since Python 3.11; free-threaded Pythons lack it.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")
COMPILED = [("Py_LIMITED_API", "0x030B0000")] if STABLE else []


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
            "mpsolve.formulations.mckp._kernel",
            sources=sorted(map(str, KERNEL.glob("*.c"))),
            depends=sorted(map(str, KERNEL.glob("*.h"))),
            define_macros=COMPILED,
            # Fused multiply-adds would round otherwise than NumPy does.
            extra_compile_args=["-O3", "-std=c11", "-ffp-contract=off"],
            py_limited_api=STABLE,
            optional=True,
        )
    ],
)
