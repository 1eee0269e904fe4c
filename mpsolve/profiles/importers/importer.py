"""What an importer does: files that another program wrote, made a latency table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.networks.network import Network
    from mpsolve.profiles.table import LatencyTable


class Need(StrEnum):
    """Whether an importer takes something beside the files."""

    REQUIRED = "needed"
    OPTIONAL = "optional"
    UNUSED = "not used"


@dataclass(frozen=True, slots=True)
class Imported:
    """A table, and what a person should know about it.

    Attributes
    ----------
    table
        The table.
    notes
        One sentence each: what the files hold and the table does not.
    """

    table: LatencyTable
    notes: tuple[str, ...] = ()


class Importer(Protocol):
    """A format.

    Attributes
    ----------
    name
        What the command line calls it.
    description
        One sentence for people: which program writes it, and what is read.
    suffixes
        Usual suffixes of its files.
    files
        The least and the greatest number of files; None where any number will do.
    network
        Whether a network is needed: files that know layer types or only numbers do not name
        layers.
    precisions
        Whether the precision of every file is needed, as it is where a file holds one.
    """

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def suffixes(self) -> tuple[str, ...]: ...
    @property
    def files(self) -> tuple[int, int | None]: ...
    @property
    def network(self) -> Need: ...
    @property
    def precisions(self) -> Need: ...

    def read(
        self, paths: Sequence[Path], network: Network | None, precisions: Sequence[Precision]
    ) -> Imported:
        """Read the files.

        Parameters
        ----------
        paths
            The files, as many as ``files`` allows.
        network
            The network, if one is given.
        precisions
            One for each file where ``precisions`` is needed, else none.

        Raises
        ------
        TableError
            If a file is not what it should be; the message names the file and the place.
        """
        ...
