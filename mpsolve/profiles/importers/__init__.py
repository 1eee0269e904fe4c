"""Latency tables from the files of other programs."""

from mpsolve.profiles.importers.importer import Imported as Imported
from mpsolve.profiles.importers.importer import Importer as Importer
from mpsolve.profiles.importers.importer import Need as Need
from mpsolve.profiles.importers.registry import IMPORTERS as IMPORTERS
from mpsolve.profiles.importers.registry import import_table as import_table
