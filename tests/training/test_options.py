"""What runs are asked for: keywords for type checkers, classes with the defaults."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from mpsolve.training import train_full_precision
from mpsolve.training.haq.options import HaqKeywords, HaqOptions
from mpsolve.training.options import (
    FinetuneKeywords,
    FinetuneOptions,
    RecipeKeywords,
    RecipeOptions,
    RunKeywords,
    RunOptions,
    SearchKeywords,
    SearchOptions,
    TrainKeywords,
    TrainOptions,
)
from tests.training.small import small_data, small_model

PAIRS = [
    (TrainOptions, TrainKeywords),
    (RunOptions, RunKeywords),
    (RecipeOptions, RecipeKeywords),
    (SearchOptions, SearchKeywords),
    (FinetuneOptions, FinetuneKeywords),
    (HaqOptions, HaqKeywords),
]


@pytest.mark.parametrize(("options", "keywords"), PAIRS, ids=lambda which: which.__name__)
def test_keywords_are_those_of_the_class(options: type, keywords: type) -> None:
    """The same names with the same types, none of them required."""
    written = {field.name: field.type for field in fields(options)}
    said = {name: own.__forward_arg__ for name, own in keywords.__annotations__.items()}
    assert said == written
    assert keywords.__required_keys__ == frozenset()  # type: ignore[attr-defined]
    options()


def test_an_unknown_keyword_is_refused() -> None:
    """As by any other function."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'sead'"):
        train_full_precision(small_model(), small_data(), "x", sead=1)  # type: ignore[call-arg]


def test_options_and_settings_load_no_torch() -> None:
    """The command line reads their defaults before anything is trained."""
    script = (
        "import sys\n"
        "import mpsolve.training.options, mpsolve.training.haq.options\n"
        "import mpsolve.training.flow.settings, mpsolve.training.sensitivity.names\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
