"""Packages that are not installed."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from mpsolve import MissingDependencyError
from mpsolve.storage.optional import importing, installed_version, require

SENTENCE = r"Flying needs wings, which is not installed: pip install 'mpsolve\[air\]'\."


def test_what_is_not_installed_is_named() -> None:
    """With the extra that brings it, whether it is looked for or imported."""
    with pytest.raises(MissingDependencyError, match=SENTENCE):
        require("wings", "air", "Flying")
    with pytest.raises(MissingDependencyError, match=SENTENCE), importing("wings", "air", "Flying"):
        import_module("wings")


def test_what_is_installed_is_no_matter() -> None:
    """Nothing is said, and other errors stay what they are."""
    require("numpy", "air", "Flying")
    with pytest.raises(ZeroDivisionError), importing("wings", "air", "Flying"):
        1 / 0


def test_versions() -> None:
    """What the package says of itself, or that it is not there."""
    assert installed_version("numpy") == np.__version__
    assert installed_version("wings-of-air") == "(not installed)"
    assert installed_version("wings-of-air", "unknown") == "unknown"
