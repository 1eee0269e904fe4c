"""What a table says before anything is solved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsolve.analysis.inspect_table import inspect_table, throughput
from mpsolve.errors import InputError
from mpsolve.model.precision import Precision
from mpsolve.profiles.bundled import bundled_table
from mpsolve.profiles.table import LatencyTable
from mpsolve.report.tables import inspection_sentences

P22, P44, P48, P84, P88 = map(Precision.parse, ("2b/2b", "4b/4b", "4b/8b", "8b/4b", "8b/8b"))


def table(
    rows: dict[str, dict[Precision, int]], macs: int | None = None, types: tuple[str, ...] = ()
) -> LatencyTable:
    """A table of latencies by layer and precision."""
    precisions = tuple(p for own in rows.values() for p in own)
    latencies = [latency for own in rows.values() for latency in own.values()]
    columns = {"latency": np.array(latencies)}
    if macs is not None:
        columns["macs"] = np.full(len(latencies), macs)
    offsets = [0]
    for own in rows.values():
        offsets.append(offsets[-1] + len(own))
    return LatencyTable(tuple(rows), np.array(offsets), precisions, columns, layer_types=types)


def test_a_precision_is_useful_unless_a_higher_one_is_as_fast() -> None:
    """4b/8b (9) is matched by 8b/8b (9); 4b/4b (7) and 2b/2b (3) are faster than all above."""
    found = inspect_table(table({"a": {P22: 3, P44: 7, P48: 9, P84: 12, P88: 9}}))
    assert found.useful["a"] == (P22, P44, P88)


def test_inversions_are_the_pairs_in_which_the_higher_precision_is_faster() -> None:
    """8b/4b (12) is slower than 8b/8b (9); incomparable pairs do not count."""
    found = inspect_table(table({"a": {P44: 7, P48: 13, P84: 12, P88: 9}, "b": {P44: 1, P88: 1}}))
    assert [(i.layer, i.lower, i.higher, i.latencies) for i in found.inversions] == [
        ("a", P48, P88, (13, 9)),
        ("a", P84, P88, (12, 9)),
    ]


def test_missing_precisions_are_those_that_only_other_layers_have() -> None:
    """Layer b lacks 2b/2b."""
    found = inspect_table(table({"a": {P22: 1, P88: 2}, "b": {P88: 2}}))
    assert found.missing == {"b": (P22,)}
    assert "b without 2b/2b" in inspection_sentences(found)[0]


def test_layers_of_one_type_that_cost_differently_contradict_each_other() -> None:
    """10 against 12 is a contradiction, 10.0 against 10.2 is noise, and a kind is no type."""
    types = ("conv-3-8", "conv-3-8", "dw-8-8", "dw-8-8", "pw", "pw")
    latencies = (100, 120, 100, 102, 1, 9)
    rows = {f"l{i}": {P88: latency} for i, latency in enumerate(latencies)}
    assert inspect_table(table(rows, types=types)).contradictions == ("conv-3-8",)


def test_free_bits_of_the_modelled_mobilenet_are_those_of_the_model_page() -> None:
    """From 4b/4b on XpulpNNv1 13 of 28 layers rise, which saves 10.2 % (modelled)."""
    found = inspect_table(bundled_table("mobilenet_v1_0.75/pulp8-xpulpnnv1"))
    assert len(found.raised) == 13
    assert found.saved == pytest.approx(0.102, abs=5e-4)


def test_without_a_start_nothing_rises() -> None:
    """No layer is at or above 16b/16b."""
    found = inspect_table(table({"a": {P44: 2, P88: 1}}), "16b/16b")
    assert found.before is None
    assert not found.raised
    assert "no precision at or above 16b/16b" in " ".join(inspection_sentences(found))


def test_throughput_is_macs_per_unit_of_latency() -> None:
    """120 MACs in 2, 4 and 6 cycles: 60, 30 and 20 per cycle, mean 36.67, deviation 17."""
    (found,) = throughput(table({"a": {P88: 2}, "b": {P88: 4}, "c": {P88: 6}}, macs=120))
    assert (found.least, found.greatest, found.layers) == (20, 60, 3)
    assert found.mean == pytest.approx(110 / 3)
    assert found.deviation == pytest.approx(((23.33333**2 + 6.66667**2 + 16.66667**2) / 3) ** 0.5)


def test_a_table_without_latencies_is_refused() -> None:
    """There is nothing to inspect."""
    plain = LatencyTable(("a",), np.array([0, 1]), (P88,), {"macs": np.array([1])})
    with pytest.raises(InputError, match="no latencies"):
        inspect_table(plain)


@given(st.lists(st.integers(0, 5), min_size=5, max_size=5))
def test_useful_precisions_cover_all_others(latencies: list[int]) -> None:
    """Every precision has a useful one that is higher or equal and not slower."""
    own = dict(zip((P22, P44, P48, P84, P88), latencies, strict=True))
    useful = inspect_table(table({"a": own})).useful["a"]
    for precision, latency in own.items():
        assert any(u.is_higher_or_equal(precision) and own[u] <= latency for u in useful)
    for one in useful:
        assert not any(p.is_higher(one) and own[p] <= own[one] for p in own)
