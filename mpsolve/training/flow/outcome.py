"""What a flow has found: one row per point and seed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from mpsolve.storage.atomic import write_text
from mpsolve.training.flow.points import AS_FOUND, HOMOGENEOUS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mpsolve.profiles.table import LatencyTable
    from mpsolve.training.flow.points import Point
    from mpsolve.training.flow.settings import FlowSettings


@dataclass(frozen=True)
class Tuned:
    """A configuration after fine-tuning.

    Attributes
    ----------
    validation_accuracy, validation_loss, test_accuracy
        Of the network with quantisers; the loss is the mean cross entropy in nats.
    images
        How many test images the integer network was checked on.
    integer_correct, quantised_correct, same_class
        For how many of them the class is right, with integers and with quantisers, and for how
        many both have the same.
    onnxruntime
        Whether ONNX Runtime computed them bit by bit as the interpreter; None if not installed.
    largest_own_difference
        The most steps by which a layer of the integer network differs from its model, given the
        same inputs.
    """

    validation_accuracy: float
    validation_loss: float
    test_accuracy: float
    images: int
    integer_correct: int
    quantised_correct: int
    same_class: int
    onnxruntime: bool | None
    largest_own_difference: int


@dataclass(frozen=True)
class Row:
    """A point of one seed.

    Attributes
    ----------
    seed
        Which repetition.
    point
        The configuration and where it comes from.
    reference
        The latency of 8b/8b on the same target.
    tuned
        What fine-tuning made of it; None if it diverged.
    folder
        Where that is kept.
    """

    seed: int
    point: Point
    reference: float
    tuned: Tuned | None
    folder: Path

    @property
    def relative(self) -> float:
        """The latency, in parts of that of 8b/8b."""
        return self.point.latency / self.reference

    @property
    def homogeneous(self) -> bool:
        """Whether no search was before."""
        return self.point.kind == HOMOGENEOUS

    def to_json(self) -> dict[str, Any]:
        """Plain data, as in ``results.csv``."""
        point, tuned = self.point, self.tuned
        return {
            "seed": self.seed,
            "target": point.target,
            "method": point.method,
            "kind": point.kind,
            "source": point.source,
            "budget": point.budget,
            "latency": point.latency,
            "latency_vs_8b": self.relative,
            **{f"loss_{metric}": loss for metric, loss in point.losses.items()},
            "warm_start": point.warm_start,
            **(vars(tuned) if tuned else dict.fromkeys(Tuned.__dataclass_fields__)),
            "configuration": point.id,
            "folder": self.folder.as_posix(),
        }


@dataclass(frozen=True, eq=False)
class FlowResult:
    """What a flow has found.

    Attributes
    ----------
    settings
        What it was asked for.
    folder
        Where everything lies.
    tables
        Target -> the latencies.
    floats
        Seed -> the accuracies in full precision, ``validation_accuracy`` and ``test_accuracy``.
    rows
        All points of all seeds.
    notes
        Sentences about what is missing.
    """

    settings: FlowSettings
    folder: Path
    tables: Mapping[str, LatencyTable]
    floats: Mapping[int, Mapping[str, float]]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def networks(self) -> tuple[Tuned, ...]:
        """All distinct networks that were fine-tuned."""
        tuned = {(row.seed, row.point.id): row.tuned for row in self.rows}
        return tuple(one for one in tuned.values() if one)

    def of(self, target: str, seed: int | None = None) -> list[Row]:
        """The rows of a target, of one seed or of all."""
        return [row for row in self.rows if row.point.target == target and seed in (None, row.seed)]


def baseline(rows: Sequence[Row], name: str) -> Row | None:
    """The homogeneous configuration of this precision, among the rows of one seed and target."""
    for row in rows:
        if row.homogeneous and row.point.method == AS_FOUND and row.point.source == name:
            return row
    return None


def write_rows(rows: Sequence[Row], tables: Mapping[str, LatencyTable], path: Path) -> None:
    """Write one line per row; the tables say what their latencies are."""
    plain = []
    for row in rows:
        table = tables[row.point.target]
        said = {"latency_unit": table.units.get("latency", ""), "latencies": str(table.provenance)}
        plain.append(row.to_json() | said)
    text = StringIO()
    writer = csv.DictWriter(text, list(plain[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain)
    write_text(path, text.getvalue())
