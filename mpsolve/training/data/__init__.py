"""Data sets: their splits, how they are normalised, and in which order they are gone through."""

from mpsolve.training.data.dataset import DataSet as DataSet
from mpsolve.training.data.load import load_data as load_data
from mpsolve.training.data.normalisation import Normalisation as Normalisation
from mpsolve.training.data.splits import DatasetSplit as DatasetSplit
from mpsolve.training.data.splits import Split as Split
from mpsolve.training.data.splits import TensorSplit as TensorSplit
