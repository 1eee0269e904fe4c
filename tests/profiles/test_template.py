"""The page on new targets and importers: its code is run as it stands."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve import InputError, Precision, TableError
from mpsolve.profiles.importers import registry
from mpsolve.profiles.importers.importer import Need
from mpsolve.profiles.targets.roofline_file import parse_roofline
from tests.profiles.chain import chain, conv, depthwise, linear
from tests.profiles.importers.helpers import by_layer

if TYPE_CHECKING:
    from types import ModuleType

    from mpsolve.profiles.importers import Importer
    from mpsolve.profiles.targets.target import Target

PAGE = Path(__file__).parents[2] / "docs" / "adding_a_target.md"


def block(language: str, containing: str) -> str:
    """The only block of code on the page that contains a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    (found,) = [text for text in blocks if containing in text]
    return str(found)


def module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, containing: str
) -> ModuleType:
    """A block of the page as the file that it says it is."""
    path = tmp_path / f"{name}.py"
    path.write_text(block("python", containing), encoding="utf-8")
    spec = spec_from_file_location(f"mpsolve_page_{name}", path)
    assert spec
    assert spec.loader
    loaded = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, loaded)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def importer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """The page's importer, registered."""
    found: Importer = module(tmp_path, monkeypatch, "my_log", "class MyLog").MyLog()
    monkeypatch.setitem(registry.IMPORTERS, found.name, found)
    return found


def test_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 * 32 * 64 MACs by eight lanes with two 4-bit weights a cycle each, and 200 to set up."""
    target: Target = module(tmp_path, monkeypatch, "my_chip", "class MyChip").MY_CHIP
    pointwise = conv(16, 32, 8, 1)
    assert target.latency(pointwise, Precision(8, 8)).value == 200 + 32_768 / 8
    assert target.latency(pointwise, Precision(8, 4)).value == 200 + 32_768 / 16
    assert target.precisions(depthwise(16, 8)) == (Precision(8, 8),)
    with pytest.raises(InputError, match="my-chip-model cannot compute dw-16-16-8x8-k3-p1 in 8b/4"):
        target.latency(depthwise(16, 8), Precision(8, 4))


def test_roofline() -> None:
    """The page's machine is read: 16 * 32 * 64 MACs at 32 per cycle, and 500 of overhead."""
    machine = parse_roofline(block("toml", "[peak]"), "page.toml")
    assert machine.latency(conv(16, 32, 8, 1), Precision(4, 4)).value == 500 + 32_768 / 32


def test_importer(importer: Importer, tmp_path: Path) -> None:
    """A log becomes a table, with the columns of a network if there is one."""
    assert importer.network is Need.OPTIONAL
    log = tmp_path / "run.log"
    log.write_text("# layer b_in b_wt cycles\nstem 8 8 900\nstem 8 4 950\n\nhead 8 8 70\n")
    network = chain(stem=conv(3, 4, 8), head=linear(4, 10))
    table = registry.import_table("my-log", [log], network=network).table
    assert by_layer(table) == {"stem": {"8b/8b": 900, "8b/4b": 950}, "head": {"8b/8b": 70}}
    assert by_layer(table, "weight_bits_total")["head"] == {"8b/8b": 320}
    assert str(table.provenance) == "simulated"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stem 8 8\n", "line 1: 'stem 8 8' is not layer, b_in, b_wt and cycles."),
        ("# nothing\n", "the table is empty"),
        ("", "run.log is empty."),
    ],
)
def test_importer_refuses(importer: Any, tmp_path: Path, text: str, sentence: str) -> None:
    """Wrong logs are answered with the file and the line."""
    log = tmp_path / "run.log"
    log.write_text(text)
    with pytest.raises(TableError, match=re.escape(sentence)):
        registry.import_table(importer.name, [log])
