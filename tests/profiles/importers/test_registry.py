"""All importers: what each of them takes, and what is refused before a file is opened."""

from __future__ import annotations

import builtins
import re
from typing import TYPE_CHECKING, Any

import pytest

from mpsolve import InputError, MissingDependencyError, Precision
from mpsolve.profiles.importers import IMPORTERS, Need, import_table
from tests.profiles.chain import chain, linear
from tests.profiles.helpers import TIDY, assert_same, read
from tests.profiles.importers.helpers import DATA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NETWORK = chain(a=linear(2, 2))
BITS = Precision(8, 8)


@pytest.mark.parametrize("importer", IMPORTERS.values(), ids=list(IMPORTERS))
def test_importers_describe_themselves(importer: Any) -> None:
    """Names are lower case, suffixes begin with a dot, and needs are known."""
    assert re.fullmatch("[a-z0-9-]+", importer.name)
    assert IMPORTERS[importer.name] is importer
    assert all(suffix.startswith(".") for suffix in importer.suffixes)
    assert isinstance(importer.network, Need)
    assert isinstance(importer.precisions, Need)
    assert importer.description


def test_tidy(tmp_path: Path) -> None:
    """The tidy form is one of the formats."""
    path = tmp_path / "t.csv"
    path.write_text(TIDY, encoding="utf-8")
    assert_same(import_table("tidy", [path]).table, read(TIDY))


@pytest.mark.parametrize(
    ("form", "files", "options", "sentence"),
    [
        ("tensorflow", 1, {}, "There is no format 'tensorflow'; did you mean tensorrt?"),
        ("zzz", 1, {}, "There is no format 'zzz'; there are tidy, tensorrt, onnxruntime"),
        ("tidy", 2, {}, "tidy is read from 1 file, not from 2."),
        ("gguf", 2, {}, "gguf is read from at most 1 file, not from 2."),
        ("tensorrt", 0, {}, "tensorrt is read from 1 or more files, not from 0."),
        ("quantlib-xlsx", 1, {}, "quantlib-xlsx knows no layers by name; give the network"),
        ("tidy", 1, {"network": NETWORK}, "tidy names its layers itself; leave out the network."),
        ("haq", 1, {"precisions": [BITS]}, "haq states its precisions itself; leave them out."),
        ("tensorrt", 2, {"precisions": [BITS]}, "A file of tensorrt holds one precision and does "),
    ],
)
def test_refusals(form: str, files: int, options: dict[str, Any], sentence: str) -> None:
    """What does not fit the format is refused with what it takes."""
    with pytest.raises(InputError, match=re.escape(sentence)):
        import_table(form, ["file"] * files, **options)


@pytest.mark.parametrize(
    ("form", "package", "extra", "network"),
    [("quantlib-xlsx", "openpyxl", "tables", NETWORK), ("gguf", "gguf", "gguf", None)],
)
def test_missing_packages(
    monkeypatch: pytest.MonkeyPatch, form: str, package: str, extra: str, network: Any
) -> None:
    """Without its package, a format says which extra brings it."""
    real = builtins.__import__

    def without(
        name: str,
        globals: Any = None,
        locals: Any = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        if level == 0 and name.partition(".")[0] == package:
            raise ModuleNotFoundError(name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=rf"pip install 'mpsolve\[{extra}\]'"):
        import_table(form, [DATA / "tensorrt_fp16.json"], network=network)
