"""``mpsolve import``: files of other programs, written as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import Precision, load_table
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers import IMPORTERS

if TYPE_CHECKING:
    from tests.cli.support import Run

DATA = Path(__file__).parents[1] / "data" / "importers"
FP16, INT8 = DATA / "tensorrt_fp16.json", DATA / "tensorrt_int8.json"


def test_list(run: Run) -> None:
    """Every format is listed with what it needs."""
    result = run("import", "--list")
    assert result.exit_code == 0
    for name, importer in IMPORTERS.items():
        assert name in result.stdout
        assert importer.description in result.stdout


def test_profiles(run: Run, tmp_path: Path) -> None:
    """Two profiles become a table that other commands read, and what is left out is told."""
    output = tmp_path / "table.csv"
    result = run(
        "import", "tensorrt", FP16, INT8, "-o", output,
        "--precision", f"{FP16}=16b/16b", "--precision", f"{INT8}=8b/8b",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"{output}: 2 layers, 4 candidates; latency; measured\n")
    assert f"note: {INT8}: 2 of 6 rows convert formats" in result.stdout
    table = load_table(str(output))
    assert table.precisions == (Precision(16, 16), Precision(8, 8)) * 2
    assert table.units["latency"] == "ms"
    assert run("solve", output, "--budget", "latency=1x").exit_code == 0


def test_network_unit_and_provenance(run: Run, tmp_path: Path) -> None:
    """A person names the network and says what the file does not."""
    source, output = tmp_path / "haq.npy", tmp_path / "table.csv"
    np.save(source, np.arange(28 * 64).reshape(28, 8, 8))
    result = run(
        "import", "haq", source, "-o", output, "--network", "mobilenet_v1_0.75",
        "--unit", "cycles", "--provenance", "measured",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    table = load_table(str(output))
    assert table.units["latency"] == "cycles"
    assert table.provenance is Provenance.MEASURED
    assert table.layers[0] == "conv0"
    assert set(table.columns) == {"latency", "weight_bits_total", "macs"}


def test_sizes(run: Run, tmp_path: Path) -> None:
    """A table without latencies is written and solved under a budget on the memory."""
    output = tmp_path / "sizes.csv"
    result = run("import", "gguf", "--network", "autoencoder", "-o", output)
    assert result.exit_code == 0, result.stderr
    solved = run("solve", output, "--budget", "rom=150kB", "--reference", "f16:16")
    assert solved.exit_code == 0, solved.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tensorrt", FP16], "A file of tensorrt holds one precision and does not state it"),
        (["tensorrt", FP16, "--precision", "8b/8b"], "write FILE=PRECISION"),
        (["tensorrt", FP16, "--precision", "x=8b/8b"], "--precision x=8b/8b: x is none of the"),
        (["tensorrt", FP16, "--precision", f"{FP16}=8b"], "'8b' is not a precision"),
        (
            ["tensorrt", FP16, *["--precision", f"{FP16}=8b/8b"] * 2],
            "has two precisions; give one.",
        ),
        (
            ["tensorrt", FP16, INT8, "--precision", f"{FP16}=8b/8b"],
            f"There is no --precision for {INT8}; give one for each file.",
        ),
        (["haq", FP16], f"{FP16} is not a NumPy array of numbers"),
        (["haq", FP16, "--network", "nonet"], "'nonet' is neither a network nor a file"),
        (["gguf", "--network", "autoencoder", "--unit", "ms"], "the table has no latencies"),
        (
            ["tensorrt", FP16, "--precision", f"{FP16}=8b/8b", "--unit", "us"],
            "--unit us: the files state ms.",
        ),
        (["nope", FP16], "There is no format 'nope'"),
    ],
)
def test_refusals(run: Run, tmp_path: Path, arguments: list[object], sentence: str) -> None:
    """Wrong arguments and files are answered with one sentence and write nothing."""
    output = tmp_path / "table.csv"
    result = run("import", *arguments, "-o", output)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not output.exists()
