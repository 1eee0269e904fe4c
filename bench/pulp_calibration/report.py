"""The results as Markdown, and where they stand in a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.pulp_calibration.fit import FIGURE_SD, PUBLISHED
from bench.pulp_calibration.published import FIGURES
from mpsolve.bench.report.page import Table
from mpsolve.errors import InputError
from mpsolve.profiles.targets.pulp.parameters import CALIBRATED, FREE, PRIOR, PRIOR_LOG_SD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.pulp_calibration.results import Results
    from mpsolve.typing import FloatArray

#: What stands between these lines of a page is written by the command.
BEGIN = "<!-- written by python -m bench.pulp_calibration --markdown -->"
END = "<!-- end of what is written -->"


def markdown(results: Results) -> str:
    """All tables."""
    parts = [_parameters(results), _figures(results)]
    if results.pairs is not None and results.networks is not None:
        parts.append(_held_out(results.pairs, results.networks))
    parts += [_checks(results), _sensitivity(results)]
    return "\n".join(parts)


def page(results: Results, path: Path) -> str:
    """The tables alone, or the page at this path with them between the lines `BEGIN` and `END`.

    Raises
    ------
    InputError
        If the page cannot be read, or has not both of the two lines.
    """
    text = f"{BEGIN}\n\n{markdown(results)}\n{END}\n"
    if not path.exists():
        return text
    try:
        before = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if (BEGIN in before) != (END in before):
        raise InputError(f"{path} has only one of the lines {BEGIN!r} and {END!r}; give both.")
    if BEGIN in before:
        start, _, rest = before.partition(BEGIN)
        return start + text + rest.partition(f"{END}\n")[2]
    if before:
        raise InputError(f"{path} exists and has no line {BEGIN!r}; add it, and {END!r}.")
    return text


def _parameters(results: Results) -> str:
    fitted = results.fitted
    return "### Free parameters\n\n" + _table(
        ("parameter", "a priori", "prior log sd", "calibrated", "posterior log sd", "fitted again"),
        (
            (
                f"`{name}`",
                f"{getattr(PRIOR.parameters, name):g}",
                f"{PRIOR_LOG_SD[j]:g}",
                f"{getattr(CALIBRATED.parameters, name):.4g}",
                f"{CALIBRATED.log_sd[j]:.3f}",
                f"{100 * (fitted.log_values - CALIBRATED.log_values)[j]:+.2f} %, "
                f"log sd {fitted.log_sd[j]:.3f}",
            )
            for j, name in enumerate(FREE)
        ),
    )


def _figures(results: Results) -> str:
    pairs = results.pairs
    held_out = () if pairs is None else ("error where held out: mean [range]",)
    rows = (
        (
            str(figure),
            f"{figure.change:+.1f}",
            f"{results.prior[i]:+.1f}",
            f"{results.calibrated[i]:+.1f}",
            f"{results.errors[i]:+.1f}",
            *(() if pairs is None else (_range(pairs[i]),)),
        )
        for i, figure in enumerate(FIGURES)
    )
    prior, errors = np.abs(results.prior - PUBLISHED), np.sort(np.abs(results.errors))
    signs = (np.sign(results.prior) == np.sign(PUBLISHED)).sum()
    text = (
        f"\nA priori {signs} of {len(FIGURES)} signs are right, the rank correlation is "
        f"{_rank_correlation(results.prior):.3f} and the mean error {prior.mean():.1f} points. "
        f"Calibrated, with a standard deviation of {FIGURE_SD:g} points assumed of every figure, "
        f"the mean error is {errors.mean():.1f} points, without the largest "
        f"{errors[:-1].mean():.1f}."
    )
    title = "### Change of latency against 8b/8b, in per cent\n\n"
    header = ("figure", "published", "a priori", "calibrated", "error", *held_out)
    return title + _table(header, rows) + text + "\n"


def _held_out(pairs: FloatArray, networks: dict[str, FloatArray]) -> str:
    size = np.abs(pairs[~np.isnan(pairs)])
    text = (
        f"- Held out in pairs ({len(size) // 2} refits, {len(size)} errors): median "
        f"{np.median(size):.1f} points, mean {size.mean():.1f}, 90th percentile "
        f"{np.quantile(size, 0.9):.1f}, largest {size.max():.1f}.\n"
    )
    for name, errors in networks.items():
        size, worst = np.abs(errors), FIGURES[_largest(name, errors)]
        text += (
            f"- {name}, where only the figures of the other network are fitted: mean "
            f"{size.mean():.1f} points, largest {size.max():.1f} ({worst}).\n"
        )
    return text


def _checks(results: Results) -> str:
    pairs = zip(results.checks, results.prior_checks, strict=True)
    rows = ((c.statement, c.published, before.modelled, c.modelled) for c, before in pairs)
    title = "### Beside the twelve figures (MobileNetV1 0.75)\n\n"
    return title + _table(("statement", "published", "a priori", "calibrated"), rows)


def _sensitivity(results: Results) -> str:
    spread = results.spread
    sizes = [f"{size:,} bytes {error:.1f}" for size, error in (results.l1 or {}).items()]
    l1 = f"Mean error with another L1, not fitted again: {', '.join(sizes)} points.\n\n"

    def per_cent(two: tuple[float, float]) -> str:
        return f"{100 * two[0]:.1f} to {100 * two[1]:.1f} %"

    return f"### Sensitivity\n\n{l1 if sizes else ''}" + (
        "What the posterior of the parameters leaves open of a layer's latency over that in 8b/8b, "
        f"by network and platform: a standard deviation of {per_cent(spread.median)} in the "
        f"median, {per_cent(spread.p95)} at the 95th percentile. The heuristic takes the same "
        f"precision in {per_cent(spread.same_choice)} of layers and draws.\n"
    )


def _range(row: FloatArray) -> str:
    return f"{np.nanmean(row):+.1f} [{np.nanmin(row):+.1f}, {np.nanmax(row):+.1f}]"


def _largest(network: str, errors: FloatArray) -> int:
    own = [i for i, figure in enumerate(FIGURES) if figure.network == network]
    return own[int(np.argmax(np.abs(errors)))]


def _rank_correlation(changes: FloatArray) -> float:
    """Spearman's; no two figures are equal."""
    one, other = (np.argsort(np.argsort(values)) for values in (changes, PUBLISHED))
    return float(np.corrcoef(one, other)[0, 1])


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return Table(tuple(header), tuple(map(tuple, rows))).markdown() + "\n"
