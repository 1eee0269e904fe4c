"""The house is built as its page says."""

from __future__ import annotations

import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PICTURE = (ROOT / "docs" / "architecture" / "rooms.svg").read_text(encoding="utf-8")
ROOMS = sorted(path.parent.name for path in (ROOT / "mpsolve").glob("*/__init__.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]


def test_no_circle_of_files() -> None:
    """Imports inside functions and for type checkers count; the named edges upwards do not."""
    graph = grimp.build_graph("mpsolve", cache_dir=None)
    named = {edge for contract in CONTRACTS for edge in contract["ignore_imports"]}
    edges = {
        module: {
            other
            for other in graph.find_modules_directly_imported_by(module)
            if f"{module} -> {other}" not in named
        }
        for module in graph.modules
    }
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


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
