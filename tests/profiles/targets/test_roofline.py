"""Roofline models: the formula, the fallback, and files that describe them."""

from __future__ import annotations

import pickle
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsolve import InputError, Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.targets.roofline import Roofline
from mpsolve.profiles.targets.roofline_file import (
    bundled_rooflines,
    parse_roofline,
    read_roofline,
)
from tests.profiles.chain import conv, depthwise, linear

if TYPE_CHECKING:
    from pathlib import Path

CHIP = """\
name = "chip-roofline-model"
description = "A chip"
source = "A data sheet"
unit = "cycles"
overhead = 100

[peak]
"8b/8b" = 16
"4b/4b" = 32

[bandwidth]
weights = 4
activations = 8

[efficiency]
dw = 0.25

[fallback]
precisions = ["8b/4b", "2b/2b"]
"""


def refusal(text: str) -> str:
    """The sentence with which a description is refused."""
    with pytest.raises(InputError) as caught:
        parse_roofline(text, "chip.toml")
    return str(caught.value)


def test_compute_bound_by_hand() -> None:
    """16 * 32 * 9 * 64 = 294,912 MACs at 16 per cycle, more than all bytes take."""
    chip = parse_roofline(CHIP, "chip.toml")
    assert chip.latency(conv(16, 32, 8), Precision(8, 8)).value == 100 + 18_432


def test_memory_bound_by_hand() -> None:
    """64 * 1000 weights of 4 bits at 4 bytes a cycle, 64 inputs of 4 bits, 1000 outputs of 8."""
    chip = parse_roofline(CHIP, "chip.toml")
    expected = 100 + 32_000 / 4 + (32 + 1000) / 8
    assert chip.latency(linear(64, 1000), Precision(4, 4)).value == expected


def test_efficiency_by_hand() -> None:
    """32 * 9 * 64 = 18,432 depthwise MACs at a quarter of 16 per cycle."""
    chip = parse_roofline(CHIP, "chip.toml")
    assert chip.latency(depthwise(32, 8), Precision(8, 8)).value == 100 + 18_432 / 4


def test_fallback_by_hand() -> None:
    """8b/4b is computed at the peak of 8b/8b, but its weights are half as large."""
    chip = parse_roofline(CHIP, "chip.toml")
    compute_bound, memory_bound = conv(16, 32, 8), linear(64, 1000)
    assert chip.latency(compute_bound, Precision(8, 4)).value == 100 + 18_432
    expected = 100 + 32_000 / 4 + (64 + 1000) / 8
    assert chip.latency(memory_bound, Precision(8, 4)).value == expected
    assert chip.computed_in(Precision(2, 2)) == Precision(4, 4)


def test_wide_activations() -> None:
    """16-bit inputs give 16-bit outputs: 2 * (64 + 1000) bytes beside 128,000 of weights."""
    chip = parse_roofline(CHIP.replace('"8b/8b"', '"16b/16b"'), "chip.toml")
    expected = 100 + 128_000 / 4 + 2 * 1064 / 8
    assert chip.latency(linear(64, 1000), Precision(16, 16)).value == expected


@given(
    c_in=st.integers(1, 300),
    c_out=st.integers(1, 300),
    size=st.integers(1, 30),
    scale=st.floats(0.01, 100),
)
def test_scaling(c_in: int, c_out: int, size: int, scale: float) -> None:
    """A machine that is faster by a factor in everything takes less time by that factor."""
    layer_type, precision = conv(c_in, c_out, size), Precision(8, 8)

    def machine(factor: float) -> Roofline:
        peaks = {precision: 3.0 * factor}
        return Roofline("m-model", "m", "m", "us", peaks, 5 * factor, 7 * factor)

    one, other = (machine(f).latency(layer_type, precision).value for f in (1, scale))
    assert other == pytest.approx(one / scale)


def test_never_measured() -> None:
    """Whatever the description says, the latencies are modelled and the unit says so."""
    chip = parse_roofline(CHIP, "chip.toml")
    assert chip.provenance is Provenance.MODELLED
    assert chip.unit == "model cycles"
    assert parse_roofline(CHIP.replace('"cycles"', '"us"'), "c").unit == "us (model)"


def test_precisions() -> None:
    """Those with a peak and those that fall back, for every layer type."""
    chip = parse_roofline(CHIP, "chip.toml")
    assert list(map(str, chip.precisions(linear(1, 1)))) == ["2b/2b", "4b/4b", "8b/4b", "8b/8b"]
    with pytest.raises(InputError, match=r"cannot compute .* in 3b/3b; it offers 2b/2b, 4b/4b"):
        chip.latency(linear(1, 1), Precision(3, 3))


def test_pickle() -> None:
    """A model travels between processes."""
    chip = parse_roofline(CHIP, "chip.toml")
    copy = pickle.loads(pickle.dumps(chip))
    assert copy.latency(linear(8, 8), Precision(8, 8)) == chip.latency(
        linear(8, 8), Precision(8, 8)
    )


def test_read_from_a_file(tmp_path: Path) -> None:
    """A file gives the same machine as its text."""
    path = tmp_path / "chip.toml"
    path.write_text(CHIP, encoding="utf-8")
    assert read_roofline(path).peaks == parse_roofline(CHIP, "chip.toml").peaks
    with pytest.raises(InputError, match=r"nowhere.toml: there is no such file"):
        read_roofline(tmp_path / "nowhere.toml")
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"chip.toml cannot be read: 'utf-8' codec"):
        read_roofline(path)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('unit = "cycles"\n', "", "chip.toml: the key unit is missing."),
        ('"A chip"', "3", "chip.toml: the key description must be a text, not 3."),
        ('"cycles"', '"ms"', "chip.toml: The unit of chip-roofline-model is cycles or us, not "),
        ("roofline-model", "roofline", "chip.toml: The name of a model ends in -model, and "),
        ("overhead", "overhed", "chip.toml: the key overhed is unknown; did you mean overhead?"),
        ("= 100", "= -1", "chip.toml: chip-roofline-model: the overhead must be at least 0, not"),
        ("= 100", "= true", "chip.toml: the key overhead must be a number, not True."),
        ("[peak]", "[peaks]", "chip.toml: the key peaks is unknown; did you mean peak?"),
        ('"8b/8b" = 16', '"8" = 16', "chip.toml: table [peak]: '8' is not a precision"),
        ("= 16", '= "x"', "chip.toml: table [peak]: the key 8b/8b must be a number, not 'x'."),
        ("= 16", "= 0", "chip.toml: chip-roofline-model: the peak of 8b/8b must be a positive"),
        ("weights = 4\n", "", "chip.toml: table [bandwidth]: the key weights is missing."),
        ("weights = 4", "weights = nan", "chip.toml: chip-roofline-model: the weight bandwidth "),
        ("weights", "weight", "chip.toml: table [bandwidth]: the key weight is unknown; did you "),
        ("dw =", "depth =", "chip.toml: table [efficiency]: the key depth is unknown; known are"),
        ("0.25", "1.5", "chip.toml: chip-roofline-model: the efficiency of dw must be in (0, 1]"),
        ("8b/4b", "8b/8b", "chip.toml: chip-roofline-model: 8b/8b has a peak; it needs no "),
        ("8b/4b", "16b/4b", "chip.toml: chip-roofline-model: no precision with a peak is higher "),
        ('["8b/4b", "2b/2b"]', "4", "chip.toml: table [fallback]: precisions must be a list"),
        ("[peak]", "[peak", "chip.toml is not TOML: "),
        (CHIP[CHIP.index("[band") : CHIP.index("[eff")], "", "the table [bandwidth] is missing."),
        (CHIP[CHIP.index('"8b/8b"') : CHIP.index("[band")], "", "needs the peak of at least one"),
    ],
)
def test_refusals(old: str, new: str, sentence: str) -> None:
    """Every wrong description is answered with the file, the table and the key."""
    assert old in CHIP
    assert sentence in refusal(CHIP.replace(old, new, 1))


def test_a_value_is_no_table() -> None:
    """``peak = 3`` is answered with the table that it should be."""
    head = CHIP[: CHIP.index("[peak]")]
    assert "chip.toml: peak must be a table, [peak], not 3." in refusal(f"{head}peak = 3\n")


def test_templates() -> None:
    """The models that come along are named after their files and say where numbers come from."""
    folder = resources.files("mpsolve.profiles.targets") / "rooflines"
    names = sorted(file.name for file in folder.iterdir())
    assert [f"{model.name}.toml" for model in bundled_rooflines()] == names
    for model in bundled_rooflines():
        assert model.name.endswith("-roofline-model")
        assert "No layer was measured" in model.source or "no layer was measured" in model.source


def test_cortex_m4_by_hand() -> None:
    """Two MACs a cycle, and flash gives 16 bytes in 6 cycles, rounded to four digits."""
    text = (
        resources.files("mpsolve.profiles.targets") / "rooflines/cortex-m4-roofline-model.toml"
    ).read_text(encoding="utf-8")
    assert tomllib.loads(text)["bandwidth"]["weights"] == pytest.approx(16 / 6, abs=5e-5)
    model = next(m for m in bundled_rooflines() if m.name.startswith("cortex-m4"))
    assert model.latency(conv(16, 32, 8), Precision(8, 2)).value == 294_912 / 2


def test_t4_by_hand() -> None:
    """4096 x 4096 weights once: memory takes 52.4 us and more, 4-bit weights half of it."""
    model = next(m for m in bundled_rooflines() if m.name.startswith("t4"))
    moved = 4096 * 4096 + 2 * 4096
    assert model.latency(linear(4096, 4096), Precision(8, 8)).value == pytest.approx(moved / 320e3)
    half = 4096 * 4096 / 2 + 2 * 4096
    assert model.latency(linear(4096, 4096), Precision(8, 4)).value == pytest.approx(half / 320e3)
