"""What the benchmark needs beyond numpy."""

from __future__ import annotations

from importlib.util import find_spec

from mpsolve.errors import MissingDependencyError


def require(package: str, purpose: str) -> None:
    """Refuse to go on without a package of the extra ``bench``.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    if find_spec(package) is None:
        raise MissingDependencyError(package, "bench", purpose)
