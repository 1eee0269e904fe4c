"""The table of sensitivities: what it adds, what it shares, and how a killed run goes on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from mpsolve import InputError, Precision, TableError
from mpsolve.model.provenance import Provenance
from mpsolve.profiles.merge import with_sensitivity
from mpsolve.profiles.read import read_table
from mpsolve.profiles.table import LatencyTable
from mpsolve.profiles.write import write_csv
from mpsolve.training import Mode, set_mode
from mpsolve.training.sensitivity.examples import Examples
from mpsolve.training.sensitivity.loss import LossIncrease
from mpsolve.training.sensitivity.measure import clipping, measure_sensitivities
from mpsolve.training.sensitivity.metric import Sensitivity
from mpsolve.training.sensitivity.operand import Operand
from mpsolve.training.sensitivity.registry import METRICS
from tests.training.sensitivity.handmade import convolutional, images
from tests.training.small import small_data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpsolve.training.progress import Count
    from mpsolve.training.sensitivity.operand import QuantisableModel
    from tests.training.sensitivity.handmade import HandMade

PRECISIONS = [Precision(a, w) for a in (8, 4) for w in (8, 3, 2)]
DATA = images()


@torch.no_grad()
def loss_at(model: HandMade, quantised: dict[tuple[str, str], int]) -> torch.Tensor:
    """``(N,)`` losses with some operands quantised, set by hand."""
    set_mode(model, Mode.FLOAT)
    for (layer, kind), bits in quantised.items():
        quantiser = model.quantiser(layer, kind)
        quantiser.set_bits(bits)  # type: ignore[operator]
        quantiser.mode = Mode.QUANTISE
    inputs, targets = (torch.cat(part) for part in zip(*DATA.batches, strict=True))
    return cross_entropy(model(inputs), targets, reduction="none").double()


def increase(quantised: dict[tuple[str, str], int]) -> torch.Tensor:
    return loss_at(convolutional(), quantised) - loss_at(convolutional(), {})


@dataclass(frozen=True)
class Constant:
    """Scores 1 for weights and 12 for activations, plus the bits; errors are 3 and 4."""

    name: ClassVar[str] = "constant"

    def measure(
        self, model: QuantisableModel, data: Examples, operand: Operand, bits: Sequence[int]
    ) -> list[Sensitivity]:
        if operand.kind == "weight":
            return [Sensitivity(1.0 + b, 3.0) for b in bits]
        return [Sensitivity(12.0 + b, 4.0) for b in bits]


def test_the_parts_of_a_layer_are_added() -> None:
    """Errors in squares; layers that read one activation count a part each."""
    table = measure_sensitivities(convolutional(), DATA, Constant(), [Precision(4, 8)])
    assert table.layers == ("layer0", "layer3", "layer7", "branch0")
    np.testing.assert_allclose(table.columns["sensitivity"], [25, 25, 17, 17])
    np.testing.assert_allclose(
        table.deviations["sensitivity"], [5, 5, np.hypot(3, 2), np.hypot(3, 2)]
    )
    assert table.b_in_groups == ("", "", "layer7", "layer7")


def test_measured_losses_are_those_of_a_direct_evaluation() -> None:
    """Of the network with a single operand quantised; errors from the same examples."""
    for layer, kind, bits in (("layer3", "weight", 2), ("layer7", "activation", 3)):
        operand = Operand(layer, kind)  # type: ignore[arg-type]
        (found,) = LossIncrease().measure(convolutional(), DATA, operand, (bits,))
        direct = increase({(layer, kind): bits})
        assert np.isclose(found.value, float(direct.mean()), atol=1e-7)
        assert np.isclose(found.error, float(direct.std()) / len(DATA) ** 0.5, atol=1e-7)


def test_pairs_are_those_of_a_direct_evaluation() -> None:
    """An activation that two layers read is counted once in their sum."""
    own = [Precision(2, 3)]
    table = measure_sensitivities(convolutional(), DATA, "loss-pairs", own)
    for row, layer in enumerate(table.layers[:2]):
        direct = increase({(layer, "activation"): 2, (layer, "weight"): 3})
        assert np.isclose(table.columns["sensitivity_measured"][row], direct.mean(), atol=1e-7)
    both = sum(
        increase({(layer, "activation"): 2, (layer, "weight"): 3})
        for layer in ("layer7", "branch0")
    )
    once = both - increase({("layer7", "activation"): 2})
    assert np.isclose(table.columns["sensitivity_measured"][2:].sum(), once.mean(), atol=1e-7)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_leaves_the_model_as_it_was(name: str) -> None:
    """Modes, precisions, batch statistics and gradients; and no random number is drawn."""
    model = convolutional()
    model.train()
    model.quantiser("layer3", "weight").mode = Mode.OBSERVE
    before = {key: value.clone() for key, value in model.state_dict().items()}
    random = torch.get_rng_state()
    measure_sensitivities(model, DATA, name, [Precision(4, 4)])
    assert torch.equal(random, torch.get_rng_state())
    assert all(module.training for module in model.modules())
    assert model.quantiser("layer3", "weight").mode is Mode.OBSERVE
    assert model.quantiser("layer0", "weight").mode is Mode.QUANTISE
    assert set(map(str, model.configuration.values())) == {"8b/8b"}
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


@pytest.mark.parametrize("name", METRICS)
def test_fewer_bits_of_all_weights_are_seen_by_every_metric(name: str) -> None:
    """2 bits cost more than 8 where nothing but the size of the error counts."""
    table = measure_sensitivities(convolutional(), DATA, name, [Precision(8, 2), Precision(8, 8)])
    two, eight = table.columns["sensitivity_measured"].reshape(-1, 2).T
    if name in ("taylor", "loss", "loss-pairs"):
        assert np.abs(two).sum() > np.abs(eight).sum()
    else:
        assert (two > eight).all()


def test_estimates_below_0_count_as_0() -> None:
    """Which is said, with the least of them."""
    table = measure_sensitivities(convolutional(), DATA, "loss", PRECISIONS)
    measured = table.columns["sensitivity_measured"]
    np.testing.assert_array_equal(table.columns["sensitivity"], np.clip(measured, 0, None))
    row = int(measured.argmin())
    assert clipping(table) == (
        f"{(measured < 0).sum()} of 24 sensitivities are negative and count as 0; the least is "
        f"{measured.min():.3g}, of {table.layer_of(row)} at {table.precisions[row]}."
    )
    assert clipping(measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS)) == ""


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.mark.parametrize("name", ["hessian", "linearity", "loss-pairs"])
def test_a_killed_run_goes_on_as_if_undisturbed(name: str, tmp_path: Path) -> None:
    """What it measured is not measured again, and a torn line is."""
    whole = measure_sensitivities(convolutional(), DATA, name, PRECISIONS)
    file = tmp_path / "run.jsonl"
    operands = 4 if name == "loss-pairs" else 7

    def kill(state: Count) -> None:
        if state.done == 3:
            raise Killed

    with pytest.raises(Killed):
        measure_sensitivities(
            convolutional(), DATA, name, PRECISIONS, checkpoint=file, progress=kill
        )
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == 4
    file.write_text("".join(lines[:3]) + lines[3][:20])
    seen: list[Count] = []
    resumed = measure_sensitivities(
        convolutional(), DATA, name, PRECISIONS, checkpoint=file, progress=seen.append
    )
    assert [(s.done, s.total) for s in seen] == [(i, operands) for i in range(1, operands + 1)]
    for column, values in whole.columns.items():
        np.testing.assert_array_equal(values, resumed.columns[column])
    np.testing.assert_array_equal(
        whole.deviations["sensitivity"], resumed.deviations["sensitivity"]
    )
    assert file.read_text().startswith("".join(lines[:3]))
    assert len(file.read_text().splitlines()) == operands + 1


def test_a_complete_checkpoint_is_not_measured_again(tmp_path: Path) -> None:
    """The numbers in the file are believed."""
    file = tmp_path / "run.jsonl"
    measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS, checkpoint=file)
    text = re.sub(r'"8": \[[^,]*,', '"8": [77.0,', file.read_text())
    file.write_text(text)
    table = measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS, checkpoint=file)
    assert table.columns["sensitivity"][0] == 154


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    """With what differs."""
    file = tmp_path / "run.jsonl"
    measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS, checkpoint=file)
    with pytest.raises(InputError, match=r"run\.jsonl was measured with another metric and"):
        measure_sensitivities(convolutional(1), DATA, "mse", PRECISIONS, checkpoint=file)
    with pytest.raises(InputError, match="another data; name another file, or remove it"):
        measure_sensitivities(convolutional(), images(6), "kl", PRECISIONS, checkpoint=file)
    with pytest.raises(InputError, match="another precisions"):
        measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS[1:], checkpoint=file)
    file.write_text('{"mpsolve": "front"}\n')
    with pytest.raises(InputError, match="is not a checkpoint of sensitivities"):
        measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS, checkpoint=file)


def test_a_line_that_is_no_sensitivity_is_refused(tmp_path: Path) -> None:
    """With the line."""
    file = tmp_path / "run.jsonl"
    measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS, checkpoint=file)
    with file.open("a") as stream:
        stream.write('{"measured": "fc"}\n')
    with pytest.raises(InputError, match=r'line \d+ is no part of .*: \{"measured": "fc"'):
        measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS, checkpoint=file)


def test_layers_have_their_own_candidates() -> None:
    """In their own order; all layers of the network need some, and no others do."""
    own = {layer: PRECISIONS[i:] for i, layer in enumerate(convolutional().named)}
    table = measure_sensitivities(convolutional(), DATA, "mse", own)
    every = measure_sensitivities(convolutional(), DATA, "mse", PRECISIONS)
    assert np.diff(table.offsets).tolist() == [6, 5, 4, 3]
    expected = np.concatenate(
        [every.columns["sensitivity"][6 * i + i : 6 * i + 6] for i in range(4)]
    )
    np.testing.assert_array_equal(table.columns["sensitivity"], expected)
    with pytest.raises(InputError, match="no layer fc in the network"):
        measure_sensitivities(convolutional(), DATA, "mse", own | {"fc": PRECISIONS})
    with pytest.raises(InputError, match="Layer layer3 has no candidates"):
        measure_sensitivities(convolutional(), DATA, "mse", own | {"layer3": []})
    with pytest.raises(InputError, match="weight needs a whole number of bits"):
        measure_sensitivities(convolutional(), DATA, "mse", [Precision.parse("q4_k:4.5")])
    with pytest.raises(InputError, match="no metric 'mxe'; choose one of hessian, taylor, mse"):
        measure_sensitivities(convolutional(), DATA, "mxe", PRECISIONS)


def latencies(layers: tuple[str, ...]) -> LatencyTable:
    """Two candidates per layer, the second faster."""
    return LatencyTable(
        layers,
        np.arange(0, 2 * len(layers) + 1, 2),
        (Precision(8, 8), Precision(8, 2)) * len(layers),
        {"latency": np.array([10, 5] * len(layers))},
        provenance=Provenance.MODELLED,
        source="latencies.csv",
        deviations={"latency": np.ones(2 * len(layers))},
    )


def test_sensitivities_join_a_latency_table(tmp_path: Path) -> None:
    """From memory or from the CSV file that was written, with standard deviations."""
    table = measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS)
    write_csv(table, tmp_path / "kl.csv")
    assert read_table(tmp_path / "kl.csv").columns.keys() == table.columns.keys()
    for source in (table, tmp_path / "kl.csv"):
        joined = with_sensitivity(latencies(table.layers), source)
        expected = table.columns["sensitivity"].reshape(4, 6)[:, [0, 2]].ravel()
        np.testing.assert_array_equal(joined.columns["sensitivity"], expected)
        assert joined.columns["latency"].tolist() == [10, 5] * 4
        deviations = table.deviations["sensitivity"].reshape(4, 6)[:, [0, 2]].ravel()
        np.testing.assert_array_equal(joined.deviations["sensitivity"], deviations)
        assert set(joined.deviations) == {"latency", "sensitivity"}
        assert joined.provenance is Provenance.MODELLED


def test_tables_that_do_not_match_are_refused() -> None:
    """With the layer, the precision or the column."""
    table = measure_sensitivities(convolutional(), DATA, "kl", PRECISIONS[:2])
    with pytest.raises(TableError, match=r"Layer fc of latencies\.csv is missing in sensitiv"):
        with_sensitivity(latencies((*table.layers, "fc")), table)
    with pytest.raises(TableError, match=r"Layer branch0 of sensitivities \(kl\) is missing in l"):
        with_sensitivity(latencies(table.layers[:3]), table)
    with pytest.raises(TableError, match="no sensitivity of layer layer0 at 8b/2b, which lat"):
        with_sensitivity(latencies(table.layers), table)
    with pytest.raises(TableError, match=r"latencies\.csv has no column sensitivity; its columns"):
        with_sensitivity(table, latencies(table.layers))
    with pytest.raises(TableError, match="has a column sensitivity already"):
        with_sensitivity(table, table)


def test_examples_are_a_fixed_subset() -> None:
    """Distinct, the same for a seed, and all if there are fewer."""
    split = small_data(60).train
    first, again = (Examples.draw(split, 20, batch_size=8, seed=1) for _ in range(2))
    assert [len(inputs) for inputs, _ in first.batches] == [8, 8, 4]
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != Examples.draw(split, 20, batch_size=8, seed=2).fingerprint
    inputs = torch.cat([inputs for inputs, _ in first.batches])
    assert len(inputs.unique(dim=0)) == 20
    assert len(Examples.draw(split, 10_000)) == len(split)
    with pytest.raises(InputError, match="no examples"):
        Examples(())
