"""Public names that are loaded when they are first used.

A package says what it offers once, in its stub ``__init__.pyi``, which type checkers read as well
(Scientific Python, SPEC 1 "Lazy loading of submodules and functions").
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module

TYPE_CHECKING = False  # typing alone would take longer to import than all else here
if TYPE_CHECKING:
    from collections.abc import Callable


def attach_stub(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """What a package defines as ``__getattr__`` and ``__dir__``.

    Parameters
    ----------
    package
        Its name.
    file
        Its ``__init__.py``, beside which the stub is. There every public name stands as
        ``from package.module import name as name``.
    """

    @cache
    def homes() -> dict[str, str]:
        """Public name -> where it is."""
        import ast  # is not needed before a name is asked for
        from pathlib import Path

        tree = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        return {alias.name: node.module or "" for node in imports for alias in node.names}

    def load(name: str) -> object:
        if name == "__all__":
            return sorted(homes())
        if name.startswith("__") or name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes()[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted(homes())
