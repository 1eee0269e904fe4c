"""GGUF types: bits per weight, and the matrices in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import InputError, Problem, solve
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.importers import import_table
from mpsolve.profiles.importers.gguf import BLOCKS, type_precision
from tests.profiles.chain import chain, conv, depthwise, linear
from tests.profiles.importers.helpers import by_layer, refusal

if TYPE_CHECKING:
    from pathlib import Path

#: Bits per weight as llama.cpp's quantize tool and its pull requests state them.
STATED = {
    "q4_0": 4.5,
    "q4_1": 5,
    "q5_0": 5.5,
    "q5_1": 6,
    "q8_0": 8.5,
    "q2_k": 2.625,
    "q3_k": 3.4375,
    "q4_k": 4.5,
    "q5_k": 5.5,
    "q6_k": 6.5625,
    "iq1_s": 1.5625,
    "iq1_m": 1.75,
    "iq2_xxs": 2.0625,
    "iq2_xs": 2.3125,
    "iq2_s": 2.5625,
    "iq3_xxs": 3.0625,
    "iq3_s": 3.4375,
    "iq4_xs": 4.25,
    "iq4_nl": 4.5,
    "tq1_0": 1.6875,
    "tq2_0": 2.0625,
    "mxfp4": 4.25,
    "f16": 16,
    "bf16": 16,
    "f32": 32,
}


@pytest.mark.parametrize("name", STATED)
def test_bits_per_weight(name: str) -> None:
    """A type has the bits per weight that are stated for it, and activations of 16 bits."""
    precision = type_precision(name)
    assert (precision.b_in, precision.b_wt, precision.name) == (16, STATED[name], name)


def test_blocks_of_the_gguf_package() -> None:
    """All blocks are those of llama.cpp's own package, as far as its version knows them."""
    gguf = pytest.importorskip("gguf")
    sizes = {kind.name.lower(): size for kind, size in gguf.GGML_QUANT_SIZES.items()}
    assert {name: sizes[name] for name in BLOCKS if name in sizes} == {
        name: block for name, block in BLOCKS.items() if name in sizes
    }
    assert set(STATED) <= set(sizes)


def test_types_are_sorted() -> None:
    """Candidates stand in the order of their bits."""
    bits = [type_precision(name).b_wt for name in BLOCKS]
    assert bits == sorted(bits)


def test_sizes_of_a_network() -> None:
    """4096 x 4096 weights in blocks of 256 weights and 144 bytes, or of 32 and 18."""
    network = chain(q=linear(4096, 4096, 7), down=linear(4096, 1024, 7))
    table = import_table("gguf", [], network=network).table
    sizes = by_layer(table, "weight_bits_total")
    assert sizes["q"]["q4_k"] == sizes["q"]["q4_0"] == 8 * 144 * 65_536
    assert sizes["down"]["q6_k"] == 8 * 210 * 16_384
    assert by_layer(table, "macs")["q"]["f16"] == 7 * 4096 * 4096
    assert "latency" not in table.columns
    assert table.provenance is Provenance.DERIVED
    assert table.units == {"weight_bits_total": "bit"}
    assert table.source == "chain"


def test_blocks_fill_rows() -> None:
    """Rows of 288 weights take blocks of 32; those of 3 take none, and kernels are 3 wide."""
    network = chain(stem=conv(3, 288, 8), dw=depthwise(288, 8), fc=linear(288, 5))
    sizes = by_layer(import_table("gguf", [], network=network).table, "weight_bits_total")
    assert list(sizes["stem"]) == list(sizes["dw"]) == ["f16", "bf16", "f32"]
    assert set(sizes["fc"]) == {name for name, (weights, _) in BLOCKS.items() if weights <= 32}


def test_a_budget_on_the_size() -> None:
    """The table is solved as any other: half of f16 lets every layer keep 8 bits at most."""
    network = chain(a=linear(256, 512), b=linear(512, 256))
    table = import_table("gguf", [], network=network).table
    problem = Problem.from_table(table, budgets={"rom": "262144B"}, reference="f16:16")
    solution = solve(problem)
    assert solution.configuration is not None
    assert solution.costs["weight_bits_total"] <= 8 * 262_144
    assert {str(p) for p in solution.configuration.values()} <= set(BLOCKS)


def test_matrices_of_a_file(tmp_path: Path) -> None:
    """Matrices are layers, vectors are told, and what the file holds now is told too."""
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    kind = gguf.GGMLQuantizationType.Q8_0
    matrix = gguf.quants.quantize(np.ones((64, 288), np.float32), kind)
    writer.add_tensor("token_embd.weight", np.ones((10, 256), np.float16))
    writer.add_tensor("blk.0.attn_q.weight", matrix, raw_dtype=kind)
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(256, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    imported = import_table("gguf", [path])
    sizes = by_layer(imported.table, "weight_bits_total")
    assert sizes["token_embd.weight"]["q4_k"] == 8 * 144 * 10
    assert sizes["blk.0.attn_q.weight"]["q8_0"] == 8 * 34 * 9 * 64
    assert "q4_k" not in sizes["blk.0.attn_q.weight"]
    assert imported.notes == (
        "The matrices are now stored as 1 f16, 1 q8_0.",
        "Vectors keep their types and take 1,024 bytes more: blk.0.attn_norm.weight.",
    )


def test_refused_files(tmp_path: Path) -> None:
    """Other files are refused by name."""
    pytest.importorskip("gguf")
    path = tmp_path / "model.gguf"
    path.write_bytes(b"nothing of the kind, but long enough to have a header")
    assert refusal("gguf", path).startswith(f"{path} is not a readable GGUF file: ")
    path.write_bytes(b"")
    assert refusal("gguf", path) == f"{path} is empty."


def test_a_file_or_a_network(tmp_path: Path) -> None:
    """The layers come from one of both."""
    with pytest.raises(InputError, match="either one file or a network"):
        import_table("gguf", [])
    with pytest.raises(InputError, match="either one file or a network"):
        import_table("gguf", [tmp_path / "m.gguf"], network=chain(a=linear(2, 2)))
