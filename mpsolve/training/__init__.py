"""Everything that needs torch: quantisers, searches, fine-tuning.

Importing this package loads no torch; its names do when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from mpsolve.errors import MissingDependencyError

if TYPE_CHECKING:
    from mpsolve.training.quantisers.grid import Grid as Grid
    from mpsolve.training.quantisers.quantiser import Mode as Mode
    from mpsolve.training.quantisers.quantiser import Quantiser as Quantiser
    from mpsolve.training.quantisers.quantiser import set_mode as set_mode
    from mpsolve.training.quantisers.rounding import fake_quantise as fake_quantise
    from mpsolve.training.quantisers.thresholds import MovingThreshold as MovingThreshold
    from mpsolve.training.quantisers.tqt import TqtQuantiser as TqtQuantiser
    from mpsolve.training.quantisers.tqt import normalise_gradients as normalise_gradients
    from mpsolve.training.quantisers.uniform import UniformQuantiser as UniformQuantiser

#: Public name -> where it is.
_HOMES = {
    "Grid": "mpsolve.training.quantisers.grid",
    "Mode": "mpsolve.training.quantisers.quantiser",
    "Quantiser": "mpsolve.training.quantisers.quantiser",
    "set_mode": "mpsolve.training.quantisers.quantiser",
    "fake_quantise": "mpsolve.training.quantisers.rounding",
    "MovingThreshold": "mpsolve.training.quantisers.thresholds",
    "TqtQuantiser": "mpsolve.training.quantisers.tqt",
    "normalise_gradients": "mpsolve.training.quantisers.tqt",
    "UniformQuantiser": "mpsolve.training.quantisers.uniform",
}

if not TYPE_CHECKING:
    __all__ = sorted(_HOMES)

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'mpsolve.training' has no attribute {name!r}")
        try:
            module = import_module(_HOMES[name])
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingDependencyError("torch", "training", f"mpsolve.training.{name}") from error
        globals()[name] = value = getattr(module, name)
        return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
