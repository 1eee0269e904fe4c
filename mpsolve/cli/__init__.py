"""The command line: one module per command of ``mpsolve``, and what they share."""

from __future__ import annotations

import sys
from importlib import import_module

from mpsolve.errors import MissingDependencyError

#: Packages of the extra ``cli``.
NEEDED = ("click", "rich")


def main() -> int:
    """Run the command line on the arguments of the process and return its exit status."""
    for package in NEEDED:
        try:
            import_module(package)
        except ModuleNotFoundError:
            error = MissingDependencyError(package, "cli", "The command line")
            sys.stderr.write(f"Error: {error}\n")
            return 2
    try:
        from mpsolve.cli.application import application

        status: int = application.main(prog_name="mpsolve", standalone_mode=False)
    except KeyboardInterrupt:  # while the program was being loaded
        return 130
    return status
