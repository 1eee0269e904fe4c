"""The program as the shell sees it: pipes, signals, missing packages, terminals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.support import SMALL, environment, process
from tests.support import KERNELS

if TYPE_CHECKING:
    from pathlib import Path

#: Stops inside the search as soon as it reports for the first time, until a signal comes.
WAITING = """
import sys, threading
from mpsolve.formulations.mckp import knapsack, search

def wait(value, bound):
    sys.stderr.write("searching\\n")
    sys.stderr.flush()
    threading.Event().wait()

search.TUNING = search.TUNING._replace(poll_at=0)
within = knapsack.Knapsack.within
knapsack.Knapsack.within = lambda *args, **options: within(*args, **options | {"report": wait})
from mpsolve.cli import main
sys.exit(main())
"""


def test_module_and_exit_statuses(table: Path) -> None:
    """``python -m mpsolve`` exits with 0, 2 and 3, and prints errors on standard error."""
    done = process("solve", table, "--method", "mckp", "-b", "latency=160", "--json")
    assert (done.returncode, json.loads(done.stdout)["loss"]) == (0, 4)
    done = process("solve", table, "--budget", "latency")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert process("solve", table, "--method", "mckp", "-b", "latency=1").returncode == 3


def test_table_from_standard_input() -> None:
    """A table comes through a real pipe."""
    done = process("solve", "-", "--method", "mckp", "-b", "latency=160", stdin=SMALL)
    assert done.returncode == 0
    assert done.stdout.startswith("standard input: 3 layers")


def test_reader_that_goes_away(table: Path) -> None:
    """Piping into a reader that has closed its end is no error and prints nothing."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "mpsolve", "solve", str(table), "--method", "mckp"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_full_disk(table: Path) -> None:
    """Output that cannot be written is an error with one sentence."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mpsolve", "solve", str(table), "--method", "mckp"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Standard output cannot be written")
    assert len(done.stderr.splitlines()) == 1


def hard_table(path: Path) -> int:
    """Write a table whose losses and latencies trade one for one, which takes a search."""
    rows = ["layer,b_in,b_wt,latency,sensitivity"]
    for layer in range(30):
        for k in range(4):
            latency = (layer * 7919 + k * 104729) * 31 % 99991 + 1
            rows.append(f"l{layer},8,{k + 1},{latency},{200000 - latency - 9000 * (k > 0)}")
    path.write_text("\n".join(rows), encoding="utf-8")
    return 30 * 50000


@pytest.mark.parametrize("kernel", KERNELS)
def test_interrupt_during_a_search(kernel: str, tmp_path: Path) -> None:
    """Ctrl-C ends the search with the best answer so far, its bound and its gap; status 0."""
    path = tmp_path / "hard.csv"
    budget = hard_table(path)
    words = ["solve", str(path), "--method", "mckp", "-b", f"latency={budget}", "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment() | {"MPSOLVE_KERNEL": kernel},
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "searching\n"
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate()
    answer = json.loads(output)
    assert running.returncode == 0
    assert (answer["status"], answer["limit"]) == ("feasible", "interrupted")
    assert answer["bound"] <= answer["loss"]
    assert answer["costs"]["latency"] <= budget


def test_interrupt_outside_a_search() -> None:
    """Ctrl-C while the table is being read exits with 130 and without a traceback."""
    script = """
import sys, mpsolve.cli.problem
def interrupt(*args, **kwargs):
    raise KeyboardInterrupt
mpsolve.cli.problem.parse_budgets = interrupt
from mpsolve.cli import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "solve", "t.csv"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("package", ["click", "rich"])
def test_missing_package_names_the_extra(package: str) -> None:
    """Without click or rich the program says what to install, in one sentence."""
    script = f"""
import sys
sys.modules[{package!r}] = None
from mpsolve.cli import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "tables"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: The command line needs {package}")
    assert "pip install 'mpsolve[cli]'" in done.stderr


def on_terminal(columns: int, script: str, *arguments: str) -> str:
    """What a script writes to a terminal of this width."""
    leader, follower = pty.openpty()
    words = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(
        words,
        stdout=follower,
        stderr=follower,
        env=environment() | {"COLUMNS": str(columns), "TERM": "xterm"},
    ) as running:
        os.close(follower)
        written = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            written += part
    os.close(leader)
    assert running.returncode == 0
    return written.decode()


#: However busy the machine is, the search is not long enough to show progress.
MAIN = """
import sys
from mpsolve.cli import main, progress
progress.DELAY = 1e6
sys.exit(main())
"""


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_terminal_of_a_certain_width(columns: int, tmp_path: Path) -> None:
    """No line is wider than the terminal, no number is cut, and short searches show no progress."""
    path = tmp_path / "t.csv"
    names = SMALL.replace("b0.dw", "model.layers.0.self_attn.q_proj")
    path.write_text(names.replace(",100,", ",100000000,"), encoding="utf-8")
    words = ("solve", str(path), "--method", "mckp", "-b", "latency=1x")
    screen = on_terminal(columns, MAIN, *words)
    lines = [strip_styles(line) for line in screen.replace("\r", "").splitlines()]
    assert max(map(len, lines)) <= columns
    assert any("100,000,000" in line for line in lines)
    assert ("vs 8b/8b" in screen) is (columns > 60)
    assert "solving" not in screen
    assert "\N{HORIZONTAL ELLIPSIS}" not in screen


def strip_styles(line: str) -> str:
    """A line without its colours."""
    parts = line.split("\x1b[")
    return parts[0] + "".join(part.partition("m")[2] for part in parts[1:])


def test_progress_on_a_terminal() -> None:
    """A search that lasts shows incumbent, bound and gap, and wipes them in the end."""
    script = """
import threading
from mpsolve.cli import progress
from mpsolve.model.solution import Progress
assert progress.DELAY == 0.5
progress.DELAY, shown, text = 0, threading.Event(), progress.ProgressLine.__str__
def watched(line):
    written = text(line)
    if "bound" in written:
        shown.set()
    return written
progress.ProgressLine.__str__ = watched
with progress.progress_line("solving", silent=False) as line:
    line.update(Progress(0.1, 200.0, 150.0))
    shown.wait()
"""
    screen = on_terminal(100, script)
    assert "gap 25.00%  incumbent 200  bound 150" in screen
    assert screen.rstrip().endswith("\x1b[2K")
