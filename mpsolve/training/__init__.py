"""Everything that needs torch: data, quantisers, differentiable searches, fine-tuning, export.

Importing this package loads no torch; its names do when they are first used.
"""

from mpsolve.errors import MissingDependencyError
from mpsolve.storage.lazy import attach_stub

_load, __dir__ = attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "torch":
            raise
        raise MissingDependencyError("torch", "training", f"mpsolve.training.{name}") from error
