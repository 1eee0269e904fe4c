"""Samples on disk: interruptions, other machines, and files that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mpsolve import InputError, Precision
from mpsolve.profiles.targets.measured.measure_all import measure_all, measure_one
from mpsolve.profiles.targets.measured.protocol import Summary, Timing
from mpsolve.profiles.targets.measured.record import Record, processor
from mpsolve.profiles.targets.measured.store import Store
from tests.profiles.chain import conv, linear

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mpsolve.profiles.networks import LayerType
    from mpsolve.typing import FloatArray

FLOAT, INT8, FEW = Precision(32, 32), Precision(8, 8), Precision.parse("w4g32:32/5")
TYPES = (conv(3, 16, 8), conv(16, 16, 8), linear(16, 10))
RECORD = Record(
    target="toy",
    device="Abacus 3000",
    cores=2,
    features=("avx2",),
    system="Linux x86_64",
    versions={"mpsolve": "0.1.0"},
    options={"threads": 1},
    date="2026-01-01T00:00:00+00:00",
)


class Toy:
    """A target whose samples are counted, and which is interrupted after so many."""

    def __init__(self, interrupt_after: int = 10**9) -> None:
        self.record = RECORD
        self.timing = Timing(passes=3, rounds=2)
        self.taken: Counter[str] = Counter()
        self._left = interrupt_after

    def precisions(self, layer_type: LayerType) -> tuple[Precision, ...]:
        """Few bits for products; nothing for the second convolution."""
        if layer_type == TYPES[1]:
            return ()
        return (FLOAT, INT8, FEW) if layer_type.kind == "linear" else (FLOAT, INT8)

    def samples(
        self, layer_type: LayerType, precisions: Iterable[Precision]
    ) -> dict[Precision, FloatArray]:
        """Numbers that differ between passes, layer types and precisions."""
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        number = self.taken[str(layer_type)]
        self.taken[str(layer_type)] += 1
        base = layer_type.macs / 1000 + number / 3
        return {p: base * p.b_wt + np.array([0.0, 1.0]) for p in precisions}


def expected(layer_type: LayerType, precision: Precision) -> Summary:
    """What three passes of the toy say."""
    rows = [(layer_type.macs / 1000 + i / 3) * precision.b_wt + np.array([0, 1]) for i in range(3)]
    return Summary.of(np.round(rows, 4))


def test_everything_is_measured_in_every_pass() -> None:
    """A layer type that is named twice is measured once per pass; one without precisions never."""
    toy = Toy()
    seen: list[tuple[str, int, int]] = []
    found = measure_all(toy, [*TYPES, TYPES[0]], progress=lambda *now: seen.append(now))
    assert toy.taken == {str(TYPES[0]): 3, str(TYPES[2]): 3}
    assert seen == [(str(TYPES[i % 3]), i + 1, 9) for i in range(9)]
    assert found[TYPES[1]] == {}
    assert set(found[TYPES[2]]) == {FLOAT, INT8, FEW}
    for layer_type, own in found.items():
        for precision, latency in own.items():
            assert latency == expected(layer_type, precision).latency


def test_one_layer_type_alone() -> None:
    """As many passes, one after the other."""
    toy = Toy()
    found = measure_one(toy, TYPES[0], [INT8])
    assert found[INT8].value == pytest.approx(expected(TYPES[0], INT8).median, abs=1e-3)
    assert toy.taken[str(TYPES[0])] == 3


@pytest.mark.parametrize("after", range(7))
def test_an_interrupted_run_goes_on(tmp_path: Path, after: int) -> None:
    """Wherever it was interrupted, nothing is measured twice, and the answer is the same."""
    path = tmp_path / "samples.jsonl"
    killed = Toy(after)
    if after < 6:
        with pytest.raises(KeyboardInterrupt):
            measure_all(killed, TYPES, path)
    else:
        measure_all(killed, TYPES, path)
    again = Toy()
    again.taken = killed.taken.copy()
    assert measure_all(again, TYPES, path) == measure_all(Toy(), TYPES)
    assert again.taken == {str(TYPES[0]): 3, str(TYPES[2]): 3}


def test_lines_that_a_killed_run_could_not_finish(tmp_path: Path) -> None:
    """Precisions are measured together, so a pass that lacks one of them is measured again."""
    path = tmp_path / "samples.jsonl"
    measure_all(Toy(), TYPES, path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + lines[-1][:20])
    again = Toy()
    again.taken = Counter({str(TYPES[2]): 2})
    assert measure_all(again, TYPES, path)[TYPES[0]] == measure_all(Toy(), TYPES)[TYPES[0]]
    assert again.taken[str(TYPES[2])] == 3


def test_one_line_per_subject_precision_and_pass(tmp_path: Path) -> None:
    """They can be read without this library."""
    path = tmp_path / "samples.jsonl"
    measure_all(Toy(), TYPES, path)
    header, *lines = map(json.loads, path.read_text().splitlines())
    assert header == {"mpsolve": "samples", **RECORD.to_json(), "features": ["avx2"]}
    assert len(lines) == 3 * (2 + 3)
    assert lines[0] == {
        "subject": str(TYPES[0]),
        "b_in": 32,
        "b_wt": 32,
        "samples_us": [round(TYPES[0].macs / 1000 * 32 + i, 4) for i in range(2)],
    }
    assert lines[4]["name"] == "w4g32"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "Abacus 4000"}, "with device Abacus 3000, not Abacus 4000, and the two do not"),
        ({"versions": {"mpsolve": "0.2.0"}}, "with versions mpsolve 0.1.0, not mpsolve 0.2.0"),
        ({"options": {"threads": 2}}, "with options threads 1, not threads 2"),
        ({"features": ("avx2", "avx512f")}, "with features avx2, not avx2 avx512f"),
    ],
)
def test_other_circumstances_do_not_mix(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    """Another machine, version or option is refused in one sentence, and the file is unchanged."""
    path = tmp_path / "samples.jsonl"
    measure_all(Toy(), TYPES, path)
    before = path.read_bytes()
    other = Toy()
    other.record = replace(RECORD, **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        measure_all(other, TYPES, path)
    assert path.read_bytes() == before


#: Another process that measures into the same file.
SECOND = """
import sys
from mpsolve import InputError
from tests.profiles.targets.measured.test_store import TYPES, Toy, measure_all
try:
    measure_all(Toy(), TYPES, sys.argv[1])
except InputError as error:
    print(error)
"""


def test_two_runs_at_once(tmp_path: Path) -> None:
    """The second is refused in a sentence, and the file of the first is as if it were alone."""
    path, said = tmp_path / "samples.jsonl", []

    def meanwhile(subject: str, done: int, total: int) -> None:
        if done == 2:
            command = [sys.executable, "-c", SECOND, str(path)]
            said.append(subprocess.run(command, capture_output=True, text=True).stdout)

    measure_all(Toy(), TYPES, path, progress=meanwhile)
    assert said[0].startswith(f"{path} is being written by another run; wait until it ends")
    measure_all(Toy(), TYPES, tmp_path / "alone.jsonl")
    assert path.read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


def test_another_day_mixes(tmp_path: Path) -> None:
    """The date alone is no obstacle."""
    path = tmp_path / "samples.jsonl"
    measure_all(Toy(), TYPES, path)
    later = Toy()
    later.record = replace(RECORD, date="2027-01-01T00:00:00+00:00")
    measure_all(later, TYPES, path)
    assert not later.taken


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"mpsolve": "front"}', "is not a store of samples"),
        ("[1]", "is not a store of samples"),
        ('{"mpsolve": "samples"}', "is not a store of samples"),
    ],
)
def test_files_that_are_no_store(tmp_path: Path, line: str, message: str) -> None:
    """They are refused by name and line."""
    path = tmp_path / "other.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=f"other.jsonl.*{message}"):
        Store(RECORD, path)


def test_a_line_without_samples(tmp_path: Path) -> None:
    """It is refused with its number."""
    path = tmp_path / "samples.jsonl"
    Store(RECORD, path).close()
    path.write_text(path.read_text() + '{"subject": "x", "b_in": 8, "b_wt": 8}\n')
    with pytest.raises(InputError, match="line 2 is no part of a store of samples"):
        Store(RECORD, path)


def test_a_record_of_this_machine() -> None:
    """It names the processor, the versions and the options, and survives JSON."""
    record = Record.here("toy", ("onnx", "no-such-package"), {"threads": 1})
    assert record.device == processor()[0]
    assert record.versions["numpy"] == np.__version__
    assert record.versions["no-such-package"] == "unknown"
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert record.difference(replace(record, date="")) == ""
    assert record.difference(replace(record, cores=99)) == "cores"
    text = str(record)
    assert all(part in text for part in (record.device, "threads 1", record.date, np.__version__))
