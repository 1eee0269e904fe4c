"""The register of instances: a fixed list of names, each built when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.bench.generators import CLASSES, cnn, llm, pisinger, scaled
from mpsolve.errors import InputError
from mpsolve.model.problem import Problem
from mpsolve.profiles.bundled import bundled_tables, load_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Published tables of other projects; they lie beside the repository, not in it.
PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "tables"
#: Tables that a person names are called by this and their path.
TABLE = "table/"
SYNTHETIC = "synthetic"
SEEDS = (1, 2, 3)
#: Families with what they are for.
FAMILIES = {
    "bundled": "tables that come with mpsolve (modelled latencies)",
    "published": "published tables of other projects, where their folder is present",
    "two-budgets": "the bundled tables with latency and ROM limited at once",
    "cnn": "like convolutional networks (synthetic)",
    "llm": "like language models (synthetic)",
    "moe": "like a mixture of experts (synthetic)",
    "hard": "hard classes of the knapsack literature (Pisinger 1995)",
    "scaled": "one synthetic network in other units of loss and of latency",
    "layers": "synthetic networks with more and more layers",
    "candidates": "synthetic networks with more and more candidates per layer",
    "table": "tables named with --table",
}


@dataclass(frozen=True)
class InstanceSpec:
    """An instance without its budgets.

    Attributes
    ----------
    name
        ``family/...``
    build
        Builds the problem, which has no budgets yet.
    limited
        The costs that get a budget.
    provenance
        Where its numbers come from, or empty for what its table says.
    """

    name: str
    build: Callable[[], Problem]
    limited: tuple[str, ...] = ("latency",)
    provenance: str = SYNTHETIC

    @property
    def family(self) -> str:
        """The first part of the name."""
        return self.name.partition("/")[0]


def _table(source: str, loss: str | None = None, costs: tuple[str, ...] = ()) -> Problem:
    return Problem.from_table(load_table(source), loss, costs=costs)


def _bundled() -> Iterator[InstanceSpec]:
    for table in bundled_tables():
        build = partial(_table, table.name)
        yield InstanceSpec(f"bundled/{table.name}", build, provenance="")
        both = ("latency", "rom")
        for loss in ("noise-macs", "noise-params"):
            build = partial(_table, table.name, loss, both)
            yield InstanceSpec(f"two-budgets/{table.name}-{loss}", build, both, "")


def _published(folder: Path = PUBLISHED) -> Iterator[InstanceSpec]:
    if not folder.is_dir():
        return
    limited: dict[str, tuple[str, ...]] = {
        "hawq_resnet18": ("latency", "bops", "weight_bits_total"),
        "hawq_resnet50": ("latency", "bops", "weight_bits_total"),
        "haq_mobilenetv2_cloud_b16": ("latency",),
        "limpq_resnet50": ("bops",),
        "mpic_mobilenetv1_10_224": ("latency",),
        "ne16_mobilenetv1_10_224": ("latency",),
    }
    for stem, costs in limited.items():
        for cost in costs:
            build = partial(_table, str(folder / f"{stem}.csv"), costs=(cost,))
            yield InstanceSpec(f"published/{stem}-{cost}", build, (cost,), "")


def _generated() -> Iterator[InstanceSpec]:
    for seed in SEEDS:
        yield InstanceSpec(f"cnn/28x9-seed{seed}", partial(cnn, 28, seed))
        yield InstanceSpec(f"cnn/53x9-seed{seed}", partial(cnn, 53, seed))
        yield InstanceSpec(f"cnn/54x9-seed{seed}", partial(cnn, 54, seed))
        yield InstanceSpec(f"cnn/54x4-seed{seed}", partial(cnn, 54, seed, (8,), (2, 4, 6, 8)))
        yield InstanceSpec(f"llm/224x8-seed{seed}", partial(llm, 224, 8, seed))
        yield InstanceSpec(f"llm/224x8-size-seed{seed}", partial(llm, 224, 8, seed, timed=False))
        yield InstanceSpec(f"llm/560x16-seed{seed}", partial(llm, 560, 16, seed))
    yield InstanceSpec("moe/46080x6-seed1", partial(llm, 46080, 6, 1))
    for kind in CLASSES:
        for groups in (100, 1000):
            for limit, shown in ((10**3, "1e3"), (10**6, "1e6")):
                build = partial(pisinger, kind, groups, 10, limit, 1)
                yield InstanceSpec(f"hard/{kind}-{groups}x10-R{shown}", build, ("cost",))
    for exponent in (0, -2, -4, -6, -8):
        yield InstanceSpec(f"scaled/53x9-loss1e{exponent}", partial(_scaled, exponent, 0))
    for exponent in (-6, -9, -12):
        yield InstanceSpec(f"scaled/53x9-latency1e{exponent}", partial(_scaled, 0, exponent))
    for layers in (16, 32, 64, 128, 256, 512, 1024):
        yield InstanceSpec(f"layers/{layers}x9", partial(cnn, layers, 1))
    for candidates in (2, 4, 8, 16, 32, 64):
        yield InstanceSpec(f"candidates/64x{candidates}", partial(llm, 64, candidates, 1))


def _scaled(loss_exponent: int, cost_exponent: int) -> Problem:
    return scaled(cnn(53, 1), 10.0**loss_exponent, 10.0**cost_exponent)


@cache
def instances() -> dict[str, InstanceSpec]:
    """Every instance of the register, by name, family after family."""
    order = list(FAMILIES)
    specs = sorted(
        (*_bundled(), *_published(), *_generated()), key=lambda spec: order.index(spec.family)
    )
    return {spec.name: spec for spec in specs}


def instance_named(name: str) -> InstanceSpec:
    """An instance of the register, or a table that a person names: ``table/PATH``.

    Raises
    ------
    InputError
        If there is none.
    """
    if name.startswith(TABLE):
        path = name.removeprefix(TABLE)
        return InstanceSpec(name, partial(_table, path), provenance="")
    if name not in instances():
        raise InputError(f"There is no instance {name!r}; see mpsolve bench list.")
    return instances()[name]


def matching(patterns: Iterable[str]) -> tuple[str, ...]:
    """The names of the register that any of the patterns fits, in the register's order.

    Parameters
    ----------
    patterns
        Names, or patterns with ``*``, ``?`` and ``[...]``.

    Raises
    ------
    InputError
        If a pattern fits none.

    Examples
    --------
    >>> matching(["cnn/28x9-seed?"])
    ('cnn/28x9-seed1', 'cnn/28x9-seed2', 'cnn/28x9-seed3')
    """
    wanted = tuple(patterns)
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in instances()):
            raise InputError(
                f"No instance is called {pattern!r}; write a pattern such as 'bundled/*', or see "
                "mpsolve bench list."
            )
    return tuple(n for n in instances() if any(fnmatchcase(n, pattern) for pattern in wanted))
