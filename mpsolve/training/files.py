"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Another path beside it to write to, whose file takes its place if nothing goes wrong."""
    part = path.with_name(f".{path.name}.part")
    yield part
    os.replace(part, path)
