"""Sweeps: every row once, on the disk at once, whatever happens in between."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("joblib")

from mpsolve import InputError
from mpsolve.bench.executors import executor
from mpsolve.bench.reference import establish
from mpsolve.bench.result import Claim, Reference, Row
from mpsolve.bench.store import Store
from mpsolve.bench.sweep import Results, Sweep, run_sweep, worth_repeating
from mpsolve.bench.trial import Trial, run_trial

if TYPE_CHECKING:
    from pathlib import Path

INSTANCE = "layers/16x9"
SWEEP = Sweep((INSTANCE,), (30.0, 60.0), ("mckp", "hull", "greedy-decrease"), repeats=2)
TRIAL = Trial(INSTANCE, 30.0, "mckp", 0, 0, 5.0, None, False)


def ignore(what: str, done: int, total: int) -> None:
    """No progress bar."""


def keys(folder: Path) -> Counter[tuple[object, ...]]:
    """How often each row lies on the disk, shards and the one file together."""
    import pyarrow.parquet as pq

    columns = ["instance", "level", "method", "seed", "repeat"]
    paths = [path for path in folder.rglob("*.parquet") if "references" not in str(path)]
    records = (record for p in paths for record in pq.read_table(p, columns=columns).to_pylist())
    return Counter(tuple(record.values()) for record in records)


def test_a_sweep_runs_everything_once(tmp_path: Path) -> None:
    """12 rows for 2 budgets, 3 methods and 2 repeats; the same sweep again runs nothing."""
    results = Results(tmp_path)
    seen: list[str] = []
    with executor("loky", 1) as execute:
        run_sweep(SWEEP, results, execute, lambda what, done, total: seen.append(what))
        assert len(seen) == 2 + 12
        run_sweep(SWEEP, results, execute, lambda what, done, total: seen.append(what))
    assert len(seen) == 2 + 12
    rows = results.rows.rows().values()
    assert len(rows) == 12
    assert all(row.wrong is False and row.seconds is not None for row in rows)
    assert {row.claim for row in rows if row.method == "mckp"} == {"optimal"}
    assert {r.proven_by for r in results.references.rows().values()} == {"mckp, highs"}
    assert set(keys(tmp_path).values()) == {1}


KILLED = """
import os, signal, sys
from mpsolve.bench import store
from mpsolve.cli import main
add, added = store.Store.add, []
def killed(self, row):
    add(self, row)
    added.append(row)
    if len(added) == 20:
        os.kill(os.getpid(), signal.SIGKILL)
store.Store.add = killed
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_sweep_goes_on_where_it_ended(tmp_path: Path) -> None:
    """SIGKILL in the middle: what was recorded stays, nothing is recorded twice."""
    words = ["bench", "run", INSTANCE, "-q", "-o", str(tmp_path)]
    words += ["--methods", "mckp,hull,discretised-dp", "--budgets", "0:100:20"]
    first = subprocess.run([sys.executable, "-c", KILLED, *words], stdout=subprocess.DEVNULL)
    assert first.returncode == -signal.SIGKILL
    command = [sys.executable, "-m", "mpsolve", *words]
    recorded = keys(tmp_path)
    assert 9 < len(recorded) < 6 * 3 * 3
    before = Store(tmp_path, "rows", Row).rows()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = Store(tmp_path, "rows", Row).rows()
    assert len(after) == 6 * 3 * 3
    assert set(keys(tmp_path).values()) == {1}
    assert {key: after[key] for key in before} == before


def test_a_row_in_a_shard_and_in_the_file_is_one_row(tmp_path: Path) -> None:
    """As a kill between putting rows together and removing the shards leaves it."""
    store = Store(tmp_path, "references", Reference)
    rows = [Reference("a/b", level, 1.0, False, "mckp", True, 0.0) for level in (10.0, 20.0)]
    for row in rows:
        store.add(row)
    shards = {path: path.read_bytes() for path in (tmp_path / "references").glob("*.parquet")}
    store.compact()
    for path, data in shards.items():
        path.write_bytes(data)
    (tmp_path / "references" / "torn.unfinished").write_bytes(b"half a row")
    assert set(store.rows().values()) == set(rows)
    store.compact()
    assert set(store.rows().values()) == set(rows)


def test_columns_keep_their_types(tmp_path: Path) -> None:
    """Missing numbers stay missing, and an unknown optimum is not a number."""
    store = Store(tmp_path, "references", Reference)
    row = Reference("a/b", 10.0, None, True, "", False, float("inf"), "nobody")
    store.add(row)
    assert list(store.rows().values()) == [row]


def test_other_limits_are_refused_in_the_same_folder(tmp_path: Path) -> None:
    """Rows with different limits do not belong into one table."""
    results = Results(tmp_path)
    results.agree(SWEEP)
    with pytest.raises(InputError, match="--time-limit 10; give the same"):
        results.agree(replace(SWEEP, time_limit=3.0))


@pytest.mark.skipif(sys.platform == "win32", reason="files are locked by fcntl")
def test_two_sweeps_in_one_folder_are_refused(tmp_path: Path) -> None:
    """The second would overwrite what the first has put together."""
    with (
        Results(tmp_path).locked(),
        pytest.raises(InputError, match="Another sweep"),
        Results(tmp_path).locked(),
    ):
        pass


def test_a_run_that_reached_its_limit_is_not_repeated() -> None:
    """Nor one that could not be run at all; a first run always takes place."""
    row = run_trial(TRIAL)
    again = replace(TRIAL, repeat=1)
    for changed, worth in (
        (row, True),
        (replace(row, seconds=4.99), False),
        (replace(row, claim=Claim.OVERTIME.value, seconds=None), False),
        (replace(row, claim=Claim.UNSUPPORTED.value, seconds=None), False),
    ):
        assert worth_repeating(again, {row.key: changed}) is worth
        assert worth_repeating(TRIAL, {row.key: changed})


def test_a_contender_that_does_not_stop_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that takes no notice of its limit is ended from outside, and there is a row."""
    monkeypatch.setattr("mpsolve.formulations.process.GRACE_SECONDS", 0.0)
    monkeypatch.setattr("mpsolve.formulations.process.PATIENCE", 0.001)
    large = "hard/uncorrelated-1000x10-R1e3"
    row = run_trial(replace(TRIAL, instance=large, method="discretised-dp", time_limit=1e-6))
    assert (row.claim, row.verdict, row.seconds) == ("overtime", "no answer", None)


def test_what_a_method_cannot_express_is_a_row_that_says_so() -> None:
    """The heuristics know bit-widths, which the hard classes lack."""
    row = run_trial(replace(TRIAL, instance="hard/weakly-100x10-R1e3", method="free-bits"))
    assert (row.claim, row.verdict) == ("unsupported", "not run")
    assert row.note


def test_an_infeasible_case_is_proven_twice() -> None:
    """Two budgets at their least sums cannot be kept together."""
    known = establish("two-budgets/mobilenet_v2/pulp8-xpulpv2-noise-macs", 0.0, 20.0)
    assert known.infeasible
    assert known.optimum is None
    assert known.proven_by.count(",") == 1


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_processes_side_by_side_and_a_cluster_run_the_same_sweep(
    backend: str, tmp_path: Path
) -> None:
    """Two processes of joblib's own, and a local Dask cluster of two workers."""
    if backend == "dask":
        pytest.importorskip("distributed")
    results = Results(tmp_path)
    sweep = replace(SWEEP, levels=(30.0,), repeats=1)
    with executor(backend, 2) as execute:
        run_sweep(sweep, results, execute, ignore)
    rows = results.rows.rows()
    assert {row.method for row in rows.values()} == set(sweep.methods)
    mckp = next(row for row in rows.values() if row.method == "mckp")
    assert (mckp.verdict, mckp.versions[:7]) == ("optimal", "mpsolve")
