"""Calibrate the latency model of PULP clusters again, and say how far it can be trusted.

python -m bench.pulp_calibration [--quick] [--json] [--markdown FILE] [--plot FILE]

Fits the six free parameters to the twelve network-level ratios of Free Bits, Table 1, compares them
with those that `mpsolve.profiles.targets.pulp` uses, and fits them again with every pair of ratios
held out. ``docs/pulp_model.md`` is written by --markdown docs/pulp_model.md --plot
docs/pulp_model.svg. All latencies are modelled.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench.pulp_calibration.plot import plot
from bench.pulp_calibration.report import markdown, write_markdown
from bench.pulp_calibration.results import examine
from mpsolve.errors import MpsolveError


def main(quick: bool, as_json: bool, markdown_file: Path | None, plot_file: Path | None) -> int:
    """Run the command and return its exit status."""
    try:
        results = examine(quick=quick)
        if markdown_file:
            write_markdown(results, markdown_file)
        if plot_file:
            plot(results, plot_file)
    except MpsolveError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(results.plain(), indent=2) if as_json else markdown(results))
    print(f"Took {results.seconds:.1f} s.", file=sys.stderr)
    return 0


def arguments(values: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="leave out what fits or tiles again")
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    parser.add_argument(
        "--markdown", dest="markdown_file", type=Path, metavar="FILE", help="write into this page"
    )
    parser.add_argument(
        "--plot", dest="plot_file", type=Path, metavar="FILE", help="an SVG or PNG file"
    )
    return parser.parse_args(values)


if __name__ == "__main__":
    sys.exit(main(**vars(arguments())))
