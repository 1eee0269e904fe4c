"""Packages that not everybody installs."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mpsolve.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@contextmanager
def importing(package: str, extra: str, purpose: str) -> Iterator[None]:
    """Say what to install where an import inside fails; the parameters are those of `require`.

    Raises
    ------
    MissingDependencyError
        In place of an `ImportError`.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(package, extra, purpose) from error


def installed_version(package: str, otherwise: str = "(not installed)") -> str:
    """The version of a package by the name under which it is installed."""
    from importlib.metadata import PackageNotFoundError, version  # takes long to import

    try:
        return version(package)
    except PackageNotFoundError:
        return otherwise
