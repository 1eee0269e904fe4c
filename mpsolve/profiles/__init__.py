"""Latency tables: their form, the files they come from, and those that come with mpsolve."""

from mpsolve.model.provenance import Provenance as Provenance
from mpsolve.profiles.bundled import BundledTable as BundledTable
from mpsolve.profiles.bundled import bundled_table as bundled_table
from mpsolve.profiles.bundled import bundled_tables as bundled_tables
from mpsolve.profiles.bundled import load_table as load_table
from mpsolve.profiles.read import from_pandas as from_pandas
from mpsolve.profiles.read import read_table as read_table
from mpsolve.profiles.table import LatencyTable as LatencyTable
from mpsolve.profiles.write import write_csv as write_csv
