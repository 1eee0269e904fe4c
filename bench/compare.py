"""How many times as long this working tree takes as another revision, benchmark by benchmark."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from bench import study
from mpsolve.bench.machine import description
from mpsolve.bench.progress import progress
from mpsolve.bench.report.page import Table
from mpsolve.cli.status import SOLVED
from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.bench.sweep import Watch

ROOT = Path(__file__).resolve().parent.parent
#: What is no part of a working tree; a compiled kernel is built anew.
IGNORED = (".*", "build", "dist", "*.egg-info", "*.so", "*.pyd", "__pycache__")

#: Benchmark -> its median in seconds, in each pass.
Passes = dict[str, list[float]]


def unpack(revision: str, folder: Path) -> Path:
    """The files of a revision.

    Raises
    ------
    InputError
        If git does not know it.
    """
    archive = folder / "revision.zip"
    words = ["git", "-C", str(ROOT), "archive", "--format=zip", f"--output={archive}", revision]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"git has no files of {revision!r}: {done.stderr.strip()}")
    shutil.unpack_archive(archive, folder / "revision")
    return folder / "revision"


def install(tree: Path, place: Path) -> Path:
    """Build the package of a tree and put it into a folder, without what it needs.

    Raises
    ------
    InputError
        If it cannot be built.
    """
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    words = [*pip, "--target", str(place), str(tree)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{tree.name} cannot be installed: {done.stderr.strip()}")
    return place


def medians(package: Path, harness: Path, select: str) -> dict[str, float]:
    """Benchmark -> median in seconds, of the package in a folder.

    Parameters
    ----------
    package
        Where it is installed.
    harness
        A folder that holds these benchmarks and nothing of the package.
    select
        Which benchmarks, as pytest's ``-k`` takes it; all if empty.

    Raises
    ------
    InputError
        If none of them ran, or if they ran on another package.
    """
    report = harness / "report.json"
    report.unlink(missing_ok=True)
    words = [sys.executable, "-m", "pytest", "bench/speed", "-q", f"--benchmark-json={report}"]
    done = subprocess.run(
        [*words, "-k", select],
        cwd=harness,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists() or not report.stat().st_size:
        raise InputError(f"No benchmark ran: {done.stdout.strip()} {done.stderr.strip()}")
    found = json.loads(report.read_text(encoding="utf-8"))
    if package not in Path(found["package"]).parents:
        raise InputError(f"The benchmarks ran on {found['package']}.")
    return {own["name"]: own["stats"]["median"] for own in found["benchmarks"]}


def passes(revision: str, repeats: int, select: str, watch: Watch) -> tuple[Passes, Passes]:
    """The medians of the revision and of this tree, one pass over both after the other."""
    with TemporaryDirectory(prefix="mpsolve-compare-") as name:
        folder = Path(name)
        ignore = shutil.ignore_patterns(*IGNORED)
        here = shutil.copytree(ROOT, folder / "here", symlinks=True, ignore=ignore)
        shutil.copytree(ROOT / "bench", folder / "harness" / "bench", ignore=ignore)
        packages = (
            install(unpack(revision, folder), folder / "before"),
            install(here, folder / "now"),
        )
        both: tuple[Passes, Passes] = defaultdict(list), defaultdict(list)
        for repeat in range(repeats):
            watch("passes", repeat, repeats)
            order = (0, 1) if repeat % 2 == 0 else (1, 0)
            for which in order:
                found = medians(packages[which], folder / "harness", select)
                for benchmark, seconds in found.items():
                    both[which][benchmark].append(seconds)
        watch("passes", repeats, repeats)
    return both


def table(before: Mapping[str, Sequence[float]], now: Mapping[str, Sequence[float]]) -> Table:
    """Medians over the passes, and the median and the range of the ratios within a pass.

    Parameters
    ----------
    before, now
        Benchmark -> seconds in each pass; what the revision cannot run is missing in ``before``.
    """
    rows = []
    for name, seconds in now.items():
        shown = f"{1e3 * statistics.median(seconds):.3g}"
        if name not in before:
            rows.append((name, "-", shown, "-", "-"))
            continue
        old = before[name]
        ratios = [new / was for was, new in zip(old, seconds, strict=True)]
        rows.append(
            (
                name,
                f"{1e3 * statistics.median(old):.3g}",
                shown,
                f"{statistics.median(ratios):.2f}",
                f"{min(ratios):.2f} to {max(ratios):.2f}",
            )
        )
    return Table(("benchmark", "before [ms]", "now [ms]", "now / before", "range"), tuple(rows))


@click.command("compare", cls=study.Study)
@click.argument("revision")
@click.option(
    "--repeats", type=click.IntRange(1), default=5, show_default=True, help="Passes over both."
)
@click.option("--select", default="", metavar="WORDS", help="Which benchmarks, as pytest's -k.")
@study.results_options()
def compare(*, revision: str, repeats: int, select: str, wanted: study.Wanted) -> int:
    """Compare the speed of this working tree with that of REVISION, by the benchmarks in speed.

    Both are built and installed into temporary folders and measured by the benchmarks of this tree,
    in turn, in processes of their own; what they need is what is installed here. A ratio below 1
    says that this tree is faster. Benchmarks that the revision cannot run have no ratio. It needs
    mpsolve[speed] and git.
    """
    with progress(quiet=wanted.as_json) as watch:
        before, now = passes(revision, repeats, select, watch)
    data = {"revision": revision, "before": before, "now": now}
    said = f"{revision} against this tree, medians of {repeats} passes; {description()}."
    study.Findings.of(data, said, table(before, now)).deliver(wanted)
    return SOLVED


if __name__ == "__main__":
    study.run(compare)
