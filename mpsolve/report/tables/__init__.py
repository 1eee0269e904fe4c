"""Answers as rich tables, for terminals, notebooks and the command line."""

from importlib import import_module

from mpsolve.storage.optional import importing

with importing("rich", "cli", "A table for people"):
    import_module("rich")

from mpsolve.report.tables.additivity import additivity_table as additivity_table
from mpsolve.report.tables.answer import cost_table as cost_table
from mpsolve.report.tables.answer import solution_table as solution_table
from mpsolve.report.tables.catalogue import bundled_table_list as bundled_table_list
from mpsolve.report.tables.catalogue import importer_list as importer_list
from mpsolve.report.tables.catalogue import layer_list as layer_list
from mpsolve.report.tables.front import candidates_table as candidates_table
from mpsolve.report.tables.front import front_table as front_table
from mpsolve.report.tables.front import precisions_table as precisions_table
from mpsolve.report.tables.inspection import inspection_sentences as inspection_sentences
from mpsolve.report.tables.inspection import inspection_table as inspection_table
from mpsolve.report.tables.inspection import throughput_table as throughput_table
from mpsolve.report.tables.judgement import difference_table as difference_table
from mpsolve.report.tables.judgement import verification_table as verification_table
from mpsolve.report.tables.mcu import device_list as device_list
from mpsolve.report.tables.mcu import fit_table as fit_table
from mpsolve.report.tables.mcu import rule_text as rule_text
from mpsolve.report.tables.mcu import surface_table as surface_table
from mpsolve.report.tables.methods import comparison_table as comparison_table
from mpsolve.report.tables.networks import network_adders as network_adders
from mpsolve.report.tables.networks import network_layers as network_layers
from mpsolve.report.tables.networks import network_list as network_list
from mpsolve.report.tables.sensitivity import sensitivity_sentences as sensitivity_sentences
from mpsolve.report.tables.sensitivity import sensitivity_table as sensitivity_table
from mpsolve.report.tables.stability import stability_sentences as stability_sentences
from mpsolve.report.tables.stability import stability_table as stability_table
from mpsolve.report.tables.text import cost_label as cost_label
from mpsolve.report.tables.text import labelled as labelled
from mpsolve.report.tables.text import number as number
from mpsolve.report.tables.text import percentage as percentage
from mpsolve.report.tables.text import spoken as spoken
from mpsolve.report.tables.text import status_text as status_text
