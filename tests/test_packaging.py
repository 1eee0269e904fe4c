"""What is shipped."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINKS = ("formulations", "profiles", "training")


BUILD = """
import sys
from setuptools import build_meta
folder = sys.argv[1]  # which setuptools changes
print(build_meta.build_sdist(folder), build_meta.build_wheel(folder))
"""


def build(tree: Path, folder: Path, **environment: str) -> None:
    """Build a source archive and a wheel of a copy of this tree."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "__pycache__")
    shutil.copytree(ROOT, tree, symlinks=True, ignore=ignored)
    subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=tree,
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what this tree builds."""
    folder = tmp_path_factory.mktemp("built")
    build(tmp_path_factory.mktemp("tree") / "mpsolve", folder)
    return folder


@pytest.fixture(scope="module")
def wheel_names(built: Path) -> list[str]:
    """The names of the files in the wheel."""
    return names_in(built)


def names_in(folder: Path) -> list[str]:
    """The names of the files in the wheel of a folder."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_only_top_level_package_is_mpsolve(wheel_names: list[str]) -> None:
    """Nothing named bench, formulations, profiles or training may land in site-packages."""
    top = {name.partition("/")[0] for name in wheel_names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"mpsolve"}


def test_nothing_that_is_shipped_imports_what_is_not() -> None:
    """Tests and studies import the package, and never the other way round."""
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "mpsolve").rglob("*.py")
        for name in imported(path)
        if name.partition(".")[0] in ("bench", "tests")
    }
    assert found == set()


def imported(path: Path) -> list[str]:
    """The modules that a file imports, wherever in it."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
    return names


def test_tables_and_type_marker_are_shipped(wheel_names: list[str]) -> None:
    """Every table, target and module, the protocol and py.typed are in the wheel."""
    package = ROOT / "mpsolve"
    suffixes = ("csv", "md", "py", "toml")
    wanted = [path for suffix in suffixes for path in package.rglob(f"*.{suffix}")]
    wanted.append(package / "py.typed")
    assert len(wanted) > 30
    missing = {str(path.relative_to(ROOT)) for path in wanted} - set(wheel_names)
    assert missing == set()


def test_the_source_archive_holds_what_builds_and_tests_the_package(built: Path) -> None:
    """The kernel's C files, the tests and the studies travel with it."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    kernel = (ROOT / "mpsolve/formulations/native").glob("*.[ch]")
    python = (path for name in ("tests", "bench") for path in (ROOT / name).rglob("*.py"))
    wanted = {str(path.relative_to(ROOT)) for path in (*kernel, *python)}
    assert len(wanted) > 40
    assert wanted - names == set()


def test_without_a_compiler_the_package_is_built_without_the_kernel(tmp_path: Path) -> None:
    """The compiled kernel is a luxury: where none can be built, the wheel is pure Python."""
    build(tmp_path / "tree", tmp_path / "built", CC="no-such-compiler")
    names = names_in(tmp_path / "built")
    assert "mpsolve/formulations/mckp/search.py" in names
    assert not [name for name in names if "_native" in name and not name.endswith((".py", ".pyi"))]


@pytest.mark.parametrize("name", LINKS)
def test_top_level_folders_are_relative_links(name: str) -> None:
    """The folders at the root show the code of the package without being a second copy of it."""
    link = ROOT / name
    if not link.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert str(link.readlink()) == f"mpsolve/{name}"
    assert (link / "__init__.py").is_file()
