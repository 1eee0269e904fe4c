"""Pieces of work: complete ones are kept, and whatever ends a run loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mpsolve import InputError
from mpsolve.training.flow.pool import Pool, Task
from tests.cli.support import environment
from tests.training.flow import pieces


class Watcher:
    """Keeps what a display is told."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, int, int]] = []
        self.told: list[tuple[str, float | None]] = []

    def phase(self, name: str, done: int, total: int) -> None:
        """Note it."""
        self.phases.append((name, done, total))

    def tell(self, task: str, part: float | None) -> None:
        """Note it."""
        self.told.append((task, part))


def squares(folder: Path, count: int = 4) -> list[Task]:
    return [Task(f"task {i}", folder / str(i), pieces.square, (i,)) for i in range(count)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_are_in_the_order_of_the_tasks_and_kept(tmp_path: Path, jobs: int) -> None:
    """A second run does nothing again; one that lost a result does that one alone."""
    watcher = Watcher()
    with Pool(jobs, watcher) as pool:
        first = pool.run("squares", squares(tmp_path))
        assert [result["square"] for result in first] == [0, 1, 4, 9]
        (tmp_path / "2" / "result.json").unlink()
        assert [result["square"] for result in pool.run("squares", squares(tmp_path))] == [
            *(0, 1, 4, 9)
        ]
    done = [(tmp_path / str(i) / "done").read_text() for i in range(4)]
    assert done == ["x", "x", "xx", "x"]
    here = {result["process"] == os.getpid() for result in first}
    assert here == {jobs == 1}
    assert [phase[1] for phase in watcher.phases] == [0, 1, 2, 3, 4, 3, 4]
    for i in range(4):
        parts = [part for name, part in watcher.told if name == f"task {i}"]
        assert set(parts[:-1]) <= {0.25, None}  # the third task runs twice
        assert parts[-1] is None


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_is_handed_on(tmp_path: Path, jobs: int) -> None:
    """As it was raised; the other tasks keep their results."""
    tasks = [*squares(tmp_path, 1), Task("bad", tmp_path / "bad", pieces.refuse)]
    with pytest.raises(InputError, match="Nothing is right"), Pool(jobs) as pool:
        pool.run("all", tasks)
    assert not tasks[1].complete
    assert tasks[0].complete or jobs == 2


def test_a_process_that_vanishes_is_one_sentence(tmp_path: Path) -> None:
    """Which says what may help."""
    tasks = [Task(f"gone {i}", tmp_path / str(i), pieces.vanish) for i in range(2)]
    with pytest.raises(InputError, match=r"ended abruptly.*--jobs 1"), Pool(2) as pool:
        pool.run("all", tasks)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_lets_everything_keep_what_it_has(tmp_path: Path, jobs: int) -> None:
    """Work that heeds it ends by itself, in this process or in others."""
    tasks = [Task(f"wait {i}", tmp_path / str(i), pieces.patient) for i in range(jobs)]

    def press() -> None:
        while not all((task.folder / "begun").exists() for task in tasks):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt), Pool(jobs) as pool:
        pool.run("all", tasks)
    presser.join()
    assert all((task.folder / "kept").exists() for task in tasks)
    assert not any(task.complete for task in tasks)


ORPHANS = """
import sys
from pathlib import Path
from mpsolve.training.flow.pool import Pool, Task
from tests.training.flow import pieces
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with Pool(2) as pool:
        pool.run("all", [Task(f"t{i}", folder / str(i), pieces.endless) for i in range(2)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_processes_do_not_outlive_the_first(tmp_path: Path) -> None:
    """kill -9 ends all of them, so that none writes where the next run works."""
    script = tmp_path / "main.py"
    script.write_text(ORPHANS)
    root = str(Path(__file__).parents[3])
    paths = environment() | {"PYTHONPATH": root}
    first = subprocess.Popen([sys.executable, script, tmp_path], env=paths)
    files = [tmp_path / str(i) / "begun" for i in range(2)]
    while not all(file.exists() and file.read_text() for file in files):
        assert first.poll() is None
        time.sleep(0.05)
    first.kill()
    first.wait()
    left = [int(file.read_text()) for file in files]
    while any(map(alive, left)):
        time.sleep(0.05)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    """With what to do."""
    (task,) = squares(tmp_path, 1)
    task.folder.mkdir(parents=True)
    (task.folder / "result.json").write_text("{")
    with pytest.raises(
        InputError, match=r"result\.json cannot be read; remove it to repeat task 0"
    ):
        Pool(1).run("squares", [task])
