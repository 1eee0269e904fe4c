"""What a data set is to the rest of the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from mpsolve.training.data.normalisation import Normalisation
    from mpsolve.training.data.splits import Split


@dataclass(frozen=True, eq=False)
class DataSet:
    """Labelled images in three splits.

    Attributes
    ----------
    name
        The data set, and what it was made with.
    train, validation, test
        The examples to learn from, to choose with, and to report.
    input_shape
        ``(channels, height, width)`` of an input.
    classes
        Number of classes; labels are 0 to ``classes - 1``.
    normalisation
        How its pixels became inputs, which says what a quantiser of the input must hold.
    spec
        What `load_data` takes to read it again; empty where it was made by other means.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    input_shape: tuple[int, int, int]
    classes: int
    normalisation: Normalisation
    spec: str = ""

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            if not len(getattr(self, name)):
                raise InputError(f"{self.name}: the {name} split has no examples.")
        if self.classes < 2:
            raise InputError(f"{self.name}: one class only, so there is nothing to learn.")
        if len(self.normalisation.mean) != self.input_shape[0]:
            raise InputError(f"{self.name}: the normalisation does not fit the channels.")

    def __repr__(self) -> str:
        sizes = f"{len(self.train):,} + {len(self.validation):,} + {len(self.test):,}"
        shape = " x ".join(map(str, self.input_shape))
        return f"<DataSet {self.name}: {sizes} examples of {shape}, {self.classes} classes>"
