"""The house is built as its page says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PICTURE = (ROOT / "docs" / "architecture" / "rooms.svg").read_text(encoding="utf-8")
ROOMS = sorted(path.parent.name for path in (ROOT / "mpsolve").glob("*/__init__.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_on_the_page(room: str) -> None:
    """In the tree, in the picture and in the contract."""
    assert f"{room}/" in PAGE
    assert f">{room}<" in PICTURE
    layers = re.findall(r"\w+", " ".join(CONTRACTS[0]["layers"]))
    assert layers.count(room) == 1


def test_what_the_page_names_exists() -> None:
    """Paths in backquotes, from a room on."""
    named = re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w/]+)", PAGE)
    assert len(named) > 20
    missing = [
        name
        for name in named
        if not (ROOT / "mpsolve" / name).is_dir()
        and not (ROOT / "mpsolve" / f"{name}.py").is_file()
    ]
    assert missing == []
