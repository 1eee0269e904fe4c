"""The processor as a target. Nothing here depends on how fast it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import (
    Configuration,
    InputError,
    MissingDependencyError,
    Precision,
    Provenance,
    UnsupportedError,
)
from mpsolve.profiles.networks import NetworkBuilder
from mpsolve.profiles.profile import profile
from mpsolve.profiles.targets.measured.conversions import conversion_total, measure_conversions
from mpsolve.profiles.targets.measured.cpu import CpuTarget
from mpsolve.profiles.targets.measured.end_to_end import (
    additivity,
    layer_total,
    random_configurations,
)
from mpsolve.profiles.targets.measured.ort import graph, runtime
from mpsolve.profiles.targets.measured.ort.formats import FLOAT, INT8, WEIGHT_ONLY
from mpsolve.profiles.targets.measured.ort.offered import why_not
from mpsolve.profiles.targets.measured.ort.tensors import TensorType, conversion_call
from mpsolve.profiles.targets.registry import load_target
from mpsolve.profiles.targets.target import MeasuredTarget
from tests.profiles.chain import conv, depthwise, linear

if TYPE_CHECKING:
    from pathlib import Path

    from mpsolve.profiles.networks import Network

TINY = (conv(3, 8, 4), depthwise(8, 4), conv(8, 8, 4, k=1), linear(8, 4))


def quick() -> CpuTarget:
    """A target that measures next to nothing."""
    return CpuTarget(weights_mib=0, passes=2, rounds=2, sample_us=1)


def tiny() -> Network:
    """Three layers of three kinds."""
    net = NetworkBuilder("tiny")
    x = net.dw("depthwise", net.conv("conv", net.input(3, 4, 4), 8))
    return net.build(net.linear("fc", net.global_pool("pool", x), 4))


def test_what_the_processor_offers() -> None:
    """Floats and bytes for every layer; a product has few bits per weight beside them."""
    target = quick()
    for layer_type in TINY:
        offered = target.precisions(layer_type)
        assert offered[:2] == (FLOAT, INT8)
        assert {*offered, *target.refusals(layer_type)} == {
            FLOAT,
            INT8,
            *(WEIGHT_ONLY if layer_type.kind == "linear" else ()),
        }


def test_it_is_a_measured_target() -> None:
    """By name and with options; it says what it is and on what."""
    target = load_target("cpu:threads=2,passes=1")
    assert isinstance(target, CpuTarget)
    assert isinstance(target, MeasuredTarget)
    assert (target.threads, target.timing.passes) == (2, 1)
    assert (target.name, target.unit, target.provenance) == ("cpu", "us", Provenance.MEASURED)
    assert "2 threads" in target.description
    assert target.record.device in target.source
    assert "onnxruntime" in target.record.versions
    assert target.record.options["passes"] == 1


@pytest.mark.parametrize("options", [{"threads": 0}, {"weights_mib": -1}, {"rounds": 0}])
def test_options_that_make_no_sense(options: dict[str, int]) -> None:
    """One sentence."""
    with pytest.raises(InputError, match="Measure"):
        CpuTarget(**options)


def test_latencies_are_measured_together_and_once() -> None:
    """All precisions of a layer type, when the first of them is asked for."""
    target = quick()
    first = target.latency(TINY[0], FLOAT)
    assert first.value >= 0
    assert first.deviation is not None
    assert target.latency(TINY[0], FLOAT) is first
    assert target.measure(TINY[0], [INT8]).keys() == {INT8}
    with pytest.raises(InputError, match=r"does not offer conv-3-8-4x4-k3-p1 at 8b/4b: it has no"):
        target.latency(TINY[0], Precision(8, 4))


def test_a_refused_precision_is_never_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what the runtime would have run."""
    monkeypatch.setattr(
        "mpsolve.profiles.targets.measured.cpu.why_not",
        lambda layer_type, precision, threads: "it runs floats" if precision == INT8 else "",
    )
    target = quick()
    assert INT8 not in target.precisions(TINY[0])
    assert target.refusals(TINY[0]) == {INT8: "it runs floats"}
    with pytest.raises(InputError, match="at 8b/8b: it runs floats"):
        target.samples(TINY[0], [INT8])
    assert target.unsupported(TINY[0]) == ""


def test_a_layer_type_without_any_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever profiles it is told what was tried, and why in vain."""
    monkeypatch.setattr(
        "mpsolve.profiles.targets.measured.cpu.why_not",
        lambda layer_type, precision, threads: f"no kernel of {precision.b_in} bits",
    )
    message = "Tried in vain were 32b/32b: no kernel of 32 bits; 8b/8b: no kernel of 8 bits."
    assert quick().unsupported(TINY[0]) == message
    with pytest.raises(UnsupportedError, match=f"cpu cannot run layer conv.*{message}"):
        profile(tiny(), quick())


def test_a_model_that_is_too_large() -> None:
    """It is refused before anybody tries to build it; in fewer bits it may be small enough."""
    layer_type = linear(2**15, 2**14)
    assert why_not(layer_type, FLOAT) == "a model of this size cannot be stored in one piece"


def test_a_profile_with_a_store(tmp_path: Path) -> None:
    """The table holds the medians of the store; measured again, nothing is measured."""
    path, network = tmp_path / "samples.jsonl", tiny()
    table = profile(network, quick(), store=path)
    assert table.provenance is Provenance.MEASURED
    assert table.units["latency"] == "us"
    assert set(table.deviations) == {"latency"}
    before = path.read_bytes()
    again = profile(network, quick(), store=path)
    np.testing.assert_array_equal(again.columns["latency"], table.columns["latency"])
    measured = measure_conversions(quick(), network, path)
    assert path.read_bytes().startswith(before)
    assert measure_conversions(quick(), network, path) == measured


@pytest.mark.parametrize("to", [FLOAT, INT8], ids=str)
@pytest.mark.parametrize(
    "tensor",
    [
        TensorType(16, (6, 6)),
        TensorType(10, (5, 5)),
        TensorType(32, (1, 7), rows=True),
        TensorType(3, (8, 8), outer=True),
        TensorType(10, (1, 1), rows=True, outer=True),
    ],
    ids=str,
)
def test_what_a_conversion_consists_of(tensor: TensorType, to: Precision) -> None:
    """One quantisation or dequantisation and changes of layout, and no layer."""
    call = conversion_call(tensor, to)
    read, written = (place.numpy().dtype for place in call.places)
    assert (read, written) == ((np.float32, np.uint8) if to == INT8 else (np.uint8, np.float32))
    call()


def test_whole_networks_beside_the_sums_of_their_parts() -> None:
    """The parts are those of the table and of the conversions; the whole is measured."""
    network, target = tiny(), quick()
    table = profile(network, target)
    costs = measure_conversions(target, network)
    chosen = {
        "float": Configuration.homogeneous(table.layers, FLOAT),
        **random_configurations(table, 2, seed=4),
    }
    seen: list[tuple[str, int, int]] = []
    rows = additivity(network, table, costs, chosen, target, lambda *now: seen.append(now))
    assert seen == [("tiny", 1, 2), ("tiny", 2, 2)]
    assert [row.name for row in rows] == ["float", "random 1", "random 2"]
    for row in rows:
        configuration = chosen[row.name]
        layers = sum(
            latency
            for layer, precision, latency in zip(
                np.repeat(table.layers, np.diff(table.offsets)),
                table.precisions,
                table.columns["latency"],
                strict=True,
            )
            if configuration[layer] == precision
        )
        assert row.layers_us == pytest.approx(layers)
        assert row.conversions_us == conversion_total(network, costs, configuration)
        assert row.predicted_us == row.layers_us + row.conversions_us
        assert row.ratio == pytest.approx(row.measured.median / row.predicted_us)
        assert 1 + row.error == pytest.approx(1 / row.ratio)
    assert rows[0].conversions_us == 0


def test_random_configurations() -> None:
    """They are the same every time, and int8 becomes more frequent from one to the next."""
    wide = NetworkBuilder("wide")
    x = wide.input(8, 2, 2)
    for i in range(200):
        x = wide.pw(f"l{i}", x, 8)
    table = profile(wide.build(x), load_target("ne16"))
    drawn = random_configurations(table, 3, seed=1)
    assert drawn == random_configurations(table, 3, seed=1) != random_configurations(table, 3)
    shares = [sum(p == INT8 for p in own.values()) / 200 for own in drawn.values()]
    assert shares == pytest.approx([0.25, 0.5, 0.75], abs=0.1)


def test_a_precision_that_the_table_lacks() -> None:
    """It is named with its layer."""
    table = profile(tiny(), quick())
    with pytest.raises(InputError, match="tiny on cpu has no 4b/4b for layer conv"):
        layer_total(table, Configuration.homogeneous(table.layers, "4b/4b"))


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_packages(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """The message names the extra to install."""
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"needs {package}.*mpsolve\[onnx\]"):
        getattr(graph if package == "onnx" else runtime, f"import_{package}")()
