"""The compiled kernels; everything else is in pyproject.toml.

The extensions are optional: where no compiler is found, the installation succeeds without them and
the NumPy kernels serve.
"""

import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel

FORMULATIONS = Path("mpsolve/formulations")
#: Extension module -> folder of its sources.
KERNELS = {"mckp._kernel": "mckp/kernel", "lagrangian._labels": "lagrangian/kernel"}
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
            f"mpsolve.formulations.{name}",
            sources=sorted(map(str, (FORMULATIONS / folder).glob("*.c"))),
            depends=sorted(map(str, (FORMULATIONS / folder).glob("*.h"))),
            define_macros=COMPILED,
            # Fused multiply-adds would round otherwise than NumPy does.
            extra_compile_args=["-O3", "-std=c11", "-ffp-contract=off"],
            py_limited_api=STABLE,
            optional=True,
        )
        for name, folder in KERNELS.items()
    ],
)
