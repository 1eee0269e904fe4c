"""What is shipped."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINKS = ("formulations", "profiles", "training")


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    script = "import sys, uv_build; print(uv_build.build_wheel(sys.argv[1]))"
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        env=os.environ | {"PATH": programs},
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_only_top_level_package_is_mpsolve(wheel_names: list[str]) -> None:
    """Nothing named formulations, profiles or training may land in site-packages."""
    top = {name.partition("/")[0] for name in wheel_names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"mpsolve"}


def test_tables_and_type_marker_are_shipped(wheel_names: list[str]) -> None:
    """Every bundled table, every module and py.typed are in the wheel."""
    package = ROOT / "mpsolve"
    wanted = [*package.rglob("*.csv"), *package.rglob("*.py"), package / "py.typed"]
    assert len(wanted) > 30
    missing = {str(path.relative_to(ROOT)) for path in wanted} - set(wheel_names)
    assert missing == set()


@pytest.mark.parametrize("name", LINKS)
def test_top_level_folders_are_relative_links(name: str) -> None:
    """The folders at the root show the code of the package without being a second copy of it."""
    link = ROOT / name
    if not link.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert str(link.readlink()) == f"mpsolve/{name}"
    assert (link / "__init__.py").is_file()
