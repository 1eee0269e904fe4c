"""Packages that not everybody installs."""

from __future__ import annotations

from importlib.util import find_spec

from mpsolve.errors import MissingDependencyError


def require(package: str, extra: str, purpose: str) -> None:
    """Refuse to go on without an optional package; it is not imported.

    Parameters
    ----------
    package
        The name under which it is imported.
    extra
        The extra of mpsolve that brings it.
    purpose
        What needs it, as the beginning of a sentence: ``Reading Parquet``.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    if find_spec(package) is None:
        raise MissingDependencyError(package, extra, purpose)
