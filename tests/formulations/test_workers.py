"""Back ends in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mpsolve import MpsolveError, Problem
from mpsolve.formulations import process
from mpsolve.formulations.binary_model import binary_model
from mpsolve.formulations.method import Options, method_named
from mpsolve.formulations.process import Worker, run_in_worker
from mpsolve.formulations.task import Task
from mpsolve.presolve.presolved import Presolved

if TYPE_CHECKING:
    from pathlib import Path

PROBLEM = Problem.from_arrays(
    loss=[[9, 1, 0], [8, 3, 0]], costs={"cost": [[1, 3, 6], [1, 4, 6]]}, budgets={"cost": 7}
)

SCRIPT = """
import numpy, sys
{first}
from mpsolve import Problem, solve
problem = Problem.from_arrays([[9, 1, 0], [8, 3, 0]], {{"c": [[1, 3, 6], [1, 4, 6]]}}, {{"c": 7}})
for method in {methods}:
    print(method, solve(problem, method).loss)
"""


def task() -> Task:
    """A tiny task."""
    model = binary_model(PROBLEM)
    assert model is not None
    return Task(model)


def run_script(text: str, folder: Path) -> str:
    """Run Python elsewhere, with mpsolve found through ``sys.path`` alone."""
    found = f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", found + text],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=environment,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("first", "methods"),
    [
        ("import highspy", ("cpsat", "milp:highs", "highs")),
        ("from ortools.sat.python import cp_model", ("milp:highs", "milp", "cpsat")),
    ],
)
def test_solvers_that_cannot_share_a_process(
    first: str, methods: tuple[str, ...], tmp_path: Path
) -> None:
    """HiGHS and OR-Tools answer one user process, in either order, whatever it has loaded."""
    pytest.importorskip("highspy")
    output = run_script(SCRIPT.format(first=first, methods=methods), tmp_path)
    assert output.splitlines() == [f"{method} 4" for method in methods]


def test_a_worker_serves_many_tasks_and_one_process_holds_it() -> None:
    """A second task meets the same process."""
    run_in_worker("highs", task(), lambda choice, bound: None)
    first = process.idle[os.getpid(), "highs"]
    report = run_in_worker("highs", task(), lambda choice, bound: None)
    assert report is not None
    assert report.choice is not None
    assert report.choice.tolist() == [1, 1]
    assert process.idle[os.getpid(), "highs"] is first


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    """Nobody notices."""
    process.end_idle()
    worker = Worker("highs")
    worker.end()
    process.idle[os.getpid(), "highs"] = worker
    assert method_named("highs").solve(Presolved(PROBLEM), Options()).complete


def test_a_worker_that_dies_at_work_is_one_sentence() -> None:
    """The message says which back end it was and how it ended."""
    worker = Worker("highs")
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(MpsolveError, match=r"process of highs ended unexpectedly.*-9\."):
        worker.ask(task(), lambda choice, bound: None, float("inf"))
    worker.end()


def test_a_back_end_that_fails_is_one_sentence() -> None:
    """An exception in the worker arrives as an error without a traceback."""
    with pytest.raises(MpsolveError, match="nonsense failed: ModuleNotFoundError: No module named"):
        run_in_worker("nonsense", task(), lambda choice, bound: None)


def test_a_silent_worker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline and the grace nothing is waited for, and the process is gone."""
    monkeypatch.setattr(process, "PATIENCE", 0.01)
    worker = Worker("highs")
    os.kill(worker.pid, signal.SIGSTOP)
    assert worker.ask(task(), lambda choice, bound: None, time.monotonic()) is None
    worker.end()
    assert not worker.alive


def test_a_worker_ends_with_its_owner(tmp_path: Path) -> None:
    """Even if the owner is killed, its workers do not go on, and their folders are removed."""
    script = (
        "from mpsolve.formulations.process import Worker\n"
        "import os, signal\n"
        "print(Worker('highs').pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n" + script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    pid = int(done.stdout)
    while True:
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:
                ended = stat.read().rpartition(")")[2].split()[0] == "Z"
        except (ProcessLookupError, FileNotFoundError):
            ended = True
        if ended:
            assert list(tmp_path.glob("mpsolve-*")) == []
            return
        time.sleep(0.02)


def test_a_worker_that_cannot_be_started_leaves_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor does one whose end is interrupted."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    worker = Worker("highs")
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Worker("highs")
    assert len(list(tmp_path.glob("mpsolve-*"))) == 1
    monkeypatch.setattr(popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        worker.end()
    assert list(tmp_path.glob("mpsolve-*")) == []
    monkeypatch.undo()
    worker.end()


def interrupted(*arguments: Any, **options: Any) -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


def test_output_of_a_solver_does_not_disturb(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing appears on the user's standard output and error."""
    for method in ("cpsat", "highs", "milp", "milp:highs"):
        outcome = method_named(method).solve(Presolved(PROBLEM), Options())
        np.testing.assert_array_equal(outcome.choice, [1, 1])
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_starts_workers_of_its_own() -> None:
    """A child does not talk to the worker of its parent."""
    assert method_named("highs").solve(Presolved(PROBLEM), Options()).complete
    child = os.fork()
    if not child:
        idle = (os.getpid(), "highs") in process.idle
        outcome = method_named("highs").solve(Presolved(PROBLEM), Options())
        process.end_idle()
        os._exit(0 if outcome.complete and not idle else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert method_named("highs").solve(Presolved(PROBLEM), Options()).complete
