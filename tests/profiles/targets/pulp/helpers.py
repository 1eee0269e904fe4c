"""Layer types and modelled latencies of four networks, read from CSV files."""

from __future__ import annotations

import csv
from pathlib import Path

from hypothesis import strategies as st

from mpsolve import Precision
from mpsolve.profiles.networks import LayerType, Network, Node
from mpsolve.profiles.networks.layer_type import KINDS
from mpsolve.profiles.targets.pulp.geometry import Geometry
from mpsolve.profiles.targets.pulp.platform import L2_BYTES_LARGE, L2_BYTES_SMALL, Isa

DATA = Path(__file__).parents[3] / "data"
#: Network -> the L2 with which its table was made.
NETWORKS = {
    "mobilenet_v1_0.75_224": L2_BYTES_SMALL,
    "mobilenet_v1_1.00_224": L2_BYTES_SMALL,
    "mobilenet_v2_1.00_224": L2_BYTES_LARGE,
    "mnasnet_a1_1.00_224": L2_BYTES_LARGE,
}


def layer_types(network: str) -> dict[str, LayerType]:
    """Layer -> layer type; squeeze-and-excitation is left out, as in the tables."""
    with (DATA / "networks" / f"{network}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] in KINDS]
    return {
        row["name"]: LayerType(
            row["kind"],
            int(row["in_ch"]),
            int(row["out_ch"]),
            (int(row["in_h"]), int(row["in_w"])),
            (int(row["out_h"]), int(row["out_w"])),
            (int(row["k"]),) * 2,
            (int(row["stride"]),) * 2,
            ((int(row["k"]) - 1) // 2,) * 2,
            groups=int(row["groups"]),
            bias=row["kind"] == "linear",
        )
        for row in rows
    }


def modelled_rows(network: str) -> list[tuple[str, Precision, dict[Isa, int]]]:
    """Layer, precision and the latency on each platform."""
    with (DATA / "modelled" / f"{network}.csv").open(encoding="utf-8", newline="") as file:
        return [
            (
                row["layer"],
                Precision(int(row["b_in"]), int(row["b_wt"])),
                {isa: int(row[isa]) for isa in Isa},
            )
            for row in csv.DictReader(file)
        ]


def chain(layers: int) -> Network:
    """A network of so many fully connected layers."""
    tensors = [f"t{i}" for i in range(layers + 1)]
    return Network(
        f"chain{layers}",
        tuple(
            Node(f"fc{i}", "linear", (tensors[i],), tensors[i + 1], LayerType("linear", 8, 8))
            for i in range(layers)
        ),
        dict.fromkeys(tensors, (8, 1, 1)),
        (tensors[0],),
        (tensors[-1],),
    )


@st.composite
def convolutions(draw: st.DrawFn) -> LayerType:
    """Convolutions of all kinds, mostly small, with odd sizes and kernels."""
    kind = draw(st.sampled_from(("conv", "dw", "pw")))
    channels = draw(st.integers(1, 200))
    out = channels if kind == "dw" else draw(st.integers(1, 200))
    k = 1 if kind == "pw" else draw(st.sampled_from((1, 2, 3, 5, 7)))
    stride, padding = draw(st.integers(1, 3)), draw(st.integers(0, k - 1))
    size = draw(st.integers(max(2, k), 60)), draw(st.integers(max(2, k), 60))
    height, width = ((side + 2 * padding - k) // stride + 1 for side in size)
    groups = channels if kind == "dw" else 1
    window = (k, k), (stride, stride), (padding, padding)
    return LayerType(kind, channels, out, size, (height, width), *window, groups=groups)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Geometries of such convolutions in one of the nine precisions."""
    widths = st.sampled_from((2, 4, 8))
    return Geometry.of(draw(convolutions()), draw(widths), draw(widths))
