"""Calibrate the latency model of PULP clusters again, and say how far it can be trusted."""

from __future__ import annotations

import click

from bench import study
from bench.pulp_calibration.plot import plot
from bench.pulp_calibration.report import markdown, page
from bench.pulp_calibration.results import examine
from mpsolve.cli.output import write_error
from mpsolve.cli.status import SOLVED


@click.command("pulp_calibration", cls=study.Study)
@study.quick_option
@study.results_options(plot=True)
def pulp_calibration(*, quick: bool, wanted: study.Wanted) -> int:
    """Calibrate the latency model of PULP clusters again, and say how far it can be trusted.

    Fits the six free parameters to the twelve network-level ratios of Free Bits, Table 1, compares
    them with those that the target uses, and fits them again with every pair of ratios held out,
    which --quick leaves out. docs/pulp_model.md is written by --markdown docs/pulp_model.md --plot
    docs/pulp_model.svg. All latencies are modelled.
    """
    results = examine(quick=quick)
    study.Findings(
        results.plain(),
        [markdown(results)],
        lambda path, _: page(results, path),
        lambda path: plot(results, path),
    ).deliver(wanted)
    write_error(f"Took {results.seconds:.1f} s.")
    return SOLVED


if __name__ == "__main__":
    study.run(pulp_calibration)
