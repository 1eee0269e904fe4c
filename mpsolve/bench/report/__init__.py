"""The report of a sweep: a page of tables and plots."""

from mpsolve.bench.report.write import write_report as write_report
