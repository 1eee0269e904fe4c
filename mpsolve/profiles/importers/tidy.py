"""The tidy form, which every other format becomes: CSV, JSON or Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.profiles.importers.importer import Imported, Need
from mpsolve.profiles.read import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network


@dataclass(frozen=True, slots=True)
class Tidy:
    """See `mpsolve.profiles.tidy`."""

    name: str = "tidy"
    description: str = "the tidy form that every command reads: one row per layer and precision"
    suffixes: tuple[str, ...] = (".csv", ".json", ".parquet")
    files: tuple[int, int | None] = (1, 1)
    network: Need = Need.UNUSED
    precisions: Need = Need.UNUSED

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the file; see `Importer.read`."""
        return Imported(read_table(paths[0]))
