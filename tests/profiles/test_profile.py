"""From a network and a target to a latency table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import product

import pytest

from mpsolve.building.table_columns import table_ties
from mpsolve.errors import UnsupportedError
from mpsolve.model.precision import Precision
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.networks import LayerType, Network, Node
from mpsolve.profiles.networks.tensor_groups import Rules
from mpsolve.profiles.profile import profile
from mpsolve.profiles.targets.target import Latency

EVERY = tuple(Precision(a, w) for a, w in product((2, 4, 8), repeat=2))


@dataclass
class Counting:
    """A target whose latency is MACs x bits of both, and which counts its profiles."""

    kinds: tuple[str, ...] = ("conv", "pw", "linear")
    precise: bool = True
    profiled: Counter[tuple[LayerType, Precision]] = field(default_factory=Counter)

    name = "counting-model"
    description = "MACs times bits."
    source = "the test"
    provenance = Provenance.MODELLED
    unit = "model cycles"

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        return EVERY if layer_type.kind in self.kinds else ()

    def latency(self, layer_type: LayerType, precision: Precision) -> Latency:
        self.profiled[layer_type, precision] += 1
        value = layer_type.macs * (precision.b_in + precision.b_wt)
        return Latency(value, value / 10 if self.precise else None)


POINT = LayerType("pw", 4, 4, (2, 2), (2, 2))  # 64 MACs, 16 weights


def node(name: str, source: str, layer: str = "") -> Node:
    """A pointwise convolution that writes a tensor of its own name."""
    return Node(name, "pw", (source,), name, POINT, layer)


def network(*nodes: Node, shares: dict[str, float] | None = None) -> Network:
    """A network of 4 x 2 x 2 tensors whose input is ``x``."""
    tensors = dict.fromkeys(("x", *(n.output for n in nodes)), (4, 2, 2))
    return Network("small", nodes, tensors, ("x",), (nodes[-1].output,), shares or {})


def residual() -> Network:
    """a reads the input; b and c read its output; an adder sums b and c; d reads the sum."""
    add = Node("add", "add", ("b", "c"), "sum")
    return network(node("a", "x"), node("b", "a"), node("c", "a"), add, node("d", "sum"))


def test_each_layer_type_is_profiled_once_in_each_precision() -> None:
    """Four layers of one type need nine profiles, not thirty."""
    target = Counting()
    table = profile(residual(), target)
    assert set(target.profiled.values()) == {1}
    assert len(target.profiled) == 9
    assert table.layers == ("a", "b", "c", "d")
    assert set(table.layer_types) == {"pw-4-4-2x2"}


def test_columns_count_what_the_layer_type_implies() -> None:
    """At 8b/4b a layer has 64 MACs, 64 x 8 x 4 BOPs, 16 x 4 weight bits and 16 x 8 input bits."""
    table = profile(residual(), Counting(), rom="weights")
    row = table.precisions.index(Precision(8, 4))
    found = {name: values[row] for name, values in table.columns.items()}
    assert found == {
        "latency": 64 * 12,
        "macs": 64,
        "bops": 2048,
        "weight_bits_total": 64,
        "rom": 8,
        "input_bits_total": 128,
    }
    assert table.deviations["latency"][row] == pytest.approx(76.8)
    assert table.units["latency"] == "model cycles"
    assert table.provenance is Provenance.MODELLED


def test_the_graph_restricts_the_candidates() -> None:
    """The readers of the network's input and of the sum keep eight input bits; b and c share."""
    table = profile(residual(), Counting())
    bits = {
        layer: {p.b_in for p in table.precisions[table.offsets[i] : table.offsets[i + 1]]}
        for i, layer in enumerate(table.layers)
    }
    assert bits == {"a": {8}, "b": {2, 4, 8}, "c": {2, 4, 8}, "d": {8}}
    (tie,) = table_ties(table)
    assert (set(tie.layers), tie.equal) == ({"b", "c"}, "b_in")


def test_every_rule_can_be_overridden() -> None:
    """Without rules every layer has all nine precisions and none is tied."""
    rules = Rules(input_bits=None, adder_bits=None, share_inputs=False)
    table = profile(residual(), Counting(), rules=rules)
    assert len(table.precisions) == 36
    assert table_ties(table) == ()


def test_a_layer_that_runs_twice_costs_twice_and_is_stored_once() -> None:
    """Two nodes share the weights of one layer; its latency and deviation double."""
    shared = network(node("a", "x"), node("a2", "a", layer="a"), node("b", "a2"))
    once, twice = (profile(n, Counting(), rom="weights") for n in (network(node("a", "x")), shared))
    assert twice.layers == ("a", "b")
    first = slice(twice.offsets[0], twice.offsets[1])
    for name, factor in (("latency", 2), ("macs", 2), ("weight_bits_total", 1), ("rom", 1)):
        assert (twice.columns[name][first] == factor * once.columns[name]).all()
    assert twice.deviations["latency"][first] == pytest.approx(2 * once.deviations["latency"])


def test_an_expert_that_runs_in_a_quarter_of_the_inferences_costs_a_quarter() -> None:
    """Its share multiplies latency and MACs; its weights are stored all the same."""
    table = profile(network(node("a", "x"), shares={"a": 0.25}), Counting(), rom="weights")
    row = table.precisions.index(Precision(8, 8))
    assert table.columns["latency"][row] == 64 * 16 / 4
    assert table.columns["macs"][row] == 16
    assert table.columns["weight_bits_total"][row] == 128


def test_deviations_are_given_only_where_the_target_states_them() -> None:
    """A target without deviations gives a table without them."""
    assert not profile(residual(), Counting(precise=False)).deviations


def test_progress_counts_profiles() -> None:
    """Nine profiles, told one by one."""
    told: list[tuple[int, int]] = []
    profile(residual(), Counting(), progress=lambda done, total: told.append((done, total)))
    assert told == [(i, 9) for i in range(1, 10)]


def test_a_layer_that_the_target_cannot_run_is_named() -> None:
    """One sentence says which; it may be left out."""
    linear = Node("fc", "linear", ("a",), "y", LayerType("linear", 16, 4), "fc")
    tensors = {"x": (4, 2, 2), "a": (4, 2, 2), "y": (4, 1, 1)}
    mixed = Network("mixed", (node("a", "x"), linear), tensors, ("x",), ("y",))
    target = Counting(kinds=("pw",))
    with pytest.raises(UnsupportedError, match="cannot run layer fc of mixed, linear-16-4"):
        profile(mixed, target)
    assert profile(mixed, target, leave_out=True).layers == ("a",)


def test_rules_that_the_target_cannot_keep_are_named() -> None:
    """No precision has sixteen input bits."""
    with pytest.raises(UnsupportedError, match="at least 16 input bits"):
        profile(residual(), Counting(), rules=Rules(adder_bits=16))
