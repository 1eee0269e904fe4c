"""Where the runs happen: here one after the other, in processes, or on a cluster."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from mpsolve.bench.machine import one_thread
from mpsolve.errors import InputError
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mpsolve.bench.sweep import Executor

BACKENDS = ("loky", "dask", "ray")
#: Calls per job that Ray gets at once.
BATCH = 4


@contextmanager
def executor(backend: str, jobs: int, scheduler: str | None = None) -> Iterator[Executor]:
    """What runs many calls, through joblib.

    Parameters
    ----------
    backend
        ``loky`` for processes on this machine, ``dask`` or ``ray`` for a cluster.
    jobs
        How many at once. Runs that are side by side disturb each other's times.
    scheduler
        Address of a running cluster; without it one is started on this machine.
    """
    require("joblib", "bench", "A sweep")
    one_thread()
    from joblib import Parallel, delayed, parallel_config

    def execute(
        function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]
    ) -> Iterator[Any]:
        calls = (delayed(function)(*values) for values in arguments)
        if backend != "ray":
            yield from Parallel(return_as="generator_unordered")(calls)
            return
        # Ray's pool hands out nothing before all of its calls are done.
        while batch := list(islice(calls, BATCH * jobs)):
            yield from Parallel()(batch)

    with _cluster(backend, jobs, scheduler), parallel_config(backend=backend, n_jobs=jobs):
        yield execute


@contextmanager
def _cluster(backend: str, jobs: int, scheduler: str | None) -> Iterator[None]:
    if backend == "dask":
        require("distributed", "bench", "The backend dask")
        from distributed import Client, LocalCluster

        if scheduler:
            with Client(scheduler):  # type: ignore[no-untyped-call]
                yield
        else:
            one_each: dict[str, Any] = {
                "n_workers": jobs,
                "threads_per_worker": 1,
                "dashboard_address": None,
            }
            cluster = LocalCluster(**one_each)  # type: ignore[no-untyped-call]
            with cluster, Client(cluster):  # type: ignore[no-untyped-call]
                yield
    elif backend == "ray":
        require("ray", "bench", "The backend ray")
        import ray
        from ray.util.joblib import register_ray

        register_ray()
        ray.init(address=scheduler, num_cpus=None if scheduler else jobs)
        try:
            yield
        finally:
            ray.shutdown()
    elif scheduler:
        raise InputError("--scheduler is for --backend dask and ray.")
    else:
        yield
