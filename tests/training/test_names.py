"""What importing the package loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mpsolve import MissingDependencyError, training

LIGHT = """
import sys
import mpsolve.training, mpsolve.training.recipes
mpsolve.training.load_recipe("tqt_digits")
print([name for name in ("torch", "sklearn", "PIL") if name in sys.modules])
"""

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from mpsolve import MissingDependencyError, training
try:
    training.train
except MissingDependencyError as error:
    print(error)
"""


def output(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Nor does reading a recipe."""
    assert output(LIGHT) == "[]"


def test_an_absent_torch_is_said() -> None:
    """With what to install."""
    assert output(WITHOUT_TORCH) == (
        "mpsolve.training.train needs torch, which is not installed: "
        "pip install 'mpsolve[training]'."
    )


def test_no_public_name_is_also_a_module() -> None:
    """Importing a module of that name would put it in the place of the name."""
    modules = {path.stem for path in Path(str(training.__file__)).parent.iterdir()}
    assert not modules & set(dir(training))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any other module."""
    with pytest.raises(
        AttributeError, match=r"module 'mpsolve\.training' has no attribute 'trian'"
    ):
        getattr(training, "trian")


@pytest.mark.parametrize(
    ("call", "hidden", "package"),
    [
        ("digits", "sklearn.datasets", "scikit-learn"),
        ("imagefolder:/nowhere", "PIL", "pillow"),
    ],
)
def test_an_absent_reader_is_said(
    monkeypatch: pytest.MonkeyPatch, call: str, hidden: str, package: str
) -> None:
    """By the name under which it is installed."""
    monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(MissingDependencyError, match=rf"needs {package}, which is not installed"):
        training.load_data(call)
