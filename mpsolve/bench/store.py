"""Rows on disk: every one is written at once, none is lost or repeated whatever happens.

A row becomes a Parquet file of its own in a folder of shards, under a name that its key decides:
it is written under another name, forced to the disk and renamed, so that it is there completely or
not at all. From time to time all rows are put into one file in the same way, and only then the
shards are removed; rows that are in both are one row.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, get_type_hints

from mpsolve.storage.atomic import replacing, writing
from mpsolve.storage.digest import digest
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from pathlib import Path
    from typing import ClassVar

    import pyarrow as pa

#: Shards beyond which they are put into the one file.
MANY = 500


class Keyed(Protocol):
    """A dataclass of texts, numbers and flags with a key."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> Hashable:
        """What tells it apart from others."""


R = TypeVar("R", bound=Keyed)


class Store(Generic[R]):
    """All rows of one kind in a folder.

    Parameters
    ----------
    folder
        The folder of the sweep.
    name
        ``name.parquet`` is the one file, ``name/`` the folder of shards.
    kind
        The class of the rows.
    """

    def __init__(self, folder: Path, name: str, kind: type[R]) -> None:
        require("pyarrow", "bench", "Storing results")
        self.file = folder / f"{name}.parquet"
        self._shards = folder / name
        self._kind = kind
        self._new = 0

    def rows(self) -> dict[Hashable, R]:
        """Every row by its key."""
        import pyarrow.parquet as pq

        paths = [
            path for path in (self.file, *sorted(self._shards.glob("*.parquet"))) if path.exists()
        ]
        records = (record for path in paths for record in pq.read_table(path).to_pylist())
        rows = (self._kind(**record) for record in records)
        return {row.key: row for row in rows}

    def add(self, row: R) -> None:
        """Write a row; it is on the disk when this returns."""
        name = digest(repr(row.key))[:24]
        self._write([row], self._shards / f"{name}.parquet")
        self._new += 1
        if self._new >= MANY:
            self.compact()

    def compact(self) -> None:
        """Put all rows into the one file."""
        shards = sorted(self._shards.glob("*.parquet"))
        if shards or not self.file.exists():
            self._write(self.rows().values(), self.file)
        for shard in shards:
            shard.unlink()
        self._new = 0

    def _write(self, rows: Iterable[R], path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schema(self._kind))
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path), replacing(path) as part:
            pq.write_table(table, part)


def schema(kind: type[Any]) -> pa.Schema:
    """The columns of a dataclass, from its annotations."""
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    hints = get_type_hints(kind)
    columns = []
    for field in fields(kind):
        hint = hints[field.name]
        optional = hint not in types
        (plain,) = [t for t in types if hint == t | None] if optional else [hint]
        columns.append(pa.field(field.name, types[plain], nullable=optional))
    return pa.schema(columns)
