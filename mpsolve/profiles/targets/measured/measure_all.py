"""Measuring many layer types, or tensors that are converted, in several passes, into a store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from mpsolve.profiles.targets.measured.protocol import Summary
from mpsolve.profiles.targets.measured.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.targets.measured.protocol import Timing
    from mpsolve.profiles.targets.measured.record import Record
    from mpsolve.profiles.targets.target import Latency
    from mpsolve.typing import FloatArray

#: Told what was measured, how many measurements are done, and how many there are.
Progress = Callable[[str, int, int], None]
#: What is measured: its text tells it apart from all others.
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Sampler(Protocol[T_contra]):
    """What is able to take samples of something in several precisions."""

    @property
    def record(self) -> Record:
        """The circumstances."""
        ...

    @property
    def timing(self) -> Timing:
        """How much is measured."""
        ...

    def precisions(self, subject: T_contra, /) -> tuple[Precision, ...]:
        """The precisions that there are for it."""
        ...

    def samples(
        self, subject: T_contra, precisions: Iterable[Precision], /
    ) -> dict[Precision, FloatArray]:
        """One pass: ``(rounds,)`` microseconds in each precision."""
        ...


def measure_all(
    sampler: Sampler[T],
    subjects: Iterable[T],
    store: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> dict[T, dict[Precision, Latency]]:
    """The latencies of everything in all its precisions.

    Parameters
    ----------
    sampler
        Takes the samples.
    subjects
        Such as layer types; each is measured once, however often it is named.
    store
        A file that takes up every subject of every pass as soon as it is measured. What it holds
        already is not measured again, so that an interrupted run goes on.
    progress
        Called after every subject of every pass.

    Raises
    ------
    InputError
        If the store was measured on another machine, by other versions or with other options.
    """
    offered = {subject: sampler.precisions(subject) for subject in subjects}
    passes = range(sampler.timing.passes)
    total, done = len(offered) * len(passes), 0
    with closing(Store(sampler.record, store)) as kept:
        for number in passes:
            for subject, precisions in offered.items():
                if precisions and kept.passes(subject, precisions) <= number:
                    kept.add(subject, sampler.samples(subject, precisions))
                done += 1
                if progress:
                    progress(str(subject), done, total)
    return {
        subject: {p: Summary.of(kept.samples(subject, p)).latency for p in precisions}
        for subject, precisions in offered.items()
    }


def measure_one(
    sampler: Sampler[T], subject: T, precisions: Iterable[Precision]
) -> dict[Precision, Latency]:
    """The latencies of one thing in some of its precisions."""
    wanted = tuple(precisions)
    passes = [sampler.samples(subject, wanted) for _ in range(sampler.timing.passes)]
    return {p: Summary.of(np.array([own[p] for own in passes])).latency for p in wanted}


def why_nothing(verdicts: Mapping[Precision, str]) -> str:
    """Why no precision is offered, in one sentence, from why each is not; "" if one is."""
    if not all(verdicts.values()):
        return ""
    reasons = (f"{precision}: {why.rstrip('.')}" for precision, why in verdicts.items())
    return f"Tried in vain were {'; '.join(reasons)}."
