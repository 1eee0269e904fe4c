"""The calibration of the PULP model, against what was recorded when its parameters were found."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.__main__ import bench
from bench.pulp_calibration.figures import (
    COLUMN,
    REFERENCE,
    Profiles,
    modelled,
    profiles,
)
from bench.pulp_calibration.networks import profiled_layers
from bench.pulp_calibration.published import FIGURES
from bench.pulp_calibration.report import BEGIN, END, markdown, page
from mpsolve import InputError, Precision
from mpsolve.profiles.targets.pulp import CALIBRATED, PRIOR, Isa, PulpModel
from tests.profiles.targets.pulp.helpers import DATA, layer_types

pytest.importorskip("scipy")

from bench.pulp_calibration.fit import FIGURE_SD, PUBLISHED, fit
from bench.pulp_calibration.results import Results, examine

if TYPE_CHECKING:
    from mpsolve.profiles.targets.pulp.parameters import ParameterSet
    from mpsolve.typing import FloatArray

DOCUMENT = Path(__file__).parents[2] / "docs" / "pulp_model.md"

#: Published, a priori, calibrated, and held out: mean and range over the eleven pairs.
RECORDED = """\
+49.9 +83.9 +49.5   +2.8  -1.5 +40.9
-32.3 -29.7 -29.3   +3.3  +1.5  +4.2
-38.3 -32.5 -34.0   +5.0  +3.7  +5.5
+37.0 +62.0 +37.7   +3.9  +0.9 +32.3
+48.9 +20.0 +48.6  -32.4 -34.9 -27.2
-23.4 -19.8 -20.4   +3.3  +2.2  +3.8
 -3.5  -6.5  -5.9   -2.5  -2.8  -2.4
-37.1 -35.1 -36.5   +0.8  -0.4  +1.3
-39.8 -35.0 -36.4   +3.8  +2.7  +4.4
 -7.7 -10.7 -10.1   -2.6  -3.4  -2.4
-12.8 -23.7 -24.4  -12.6 -12.8 -12.3
-25.7 -23.8 -24.6   +1.3  +0.1  +1.7
"""
TABLE = np.array([[float(x) for x in line.split()] for line in RECORDED.splitlines()])
#: Standard deviations of the logarithms of the posterior, as recorded.
LOG_SD = (0.080607, 0.079596, 0.222244, 0.324442, 0.488888, 0.464547)


@pytest.fixture(scope="module")
def ready() -> Profiles:
    """Both networks on the three platforms."""
    return profiles()


@pytest.fixture(scope="module")
def results() -> Results:
    """The whole examination."""
    return examine()


@pytest.mark.parametrize(
    ("stem", "layers"),
    [
        ("mobilenet_v1_0.75_224", profiled_layers("mobilenet_v1_0.75")),
        ("mobilenet_v1_1.00_224", profiled_layers("mobilenet_v1")),
        ("mobilenet_v2_1.00_224", profiled_layers("mobilenet_v2")),
    ],
)
def test_networks_are_those_of_the_papers(stem: str, layers: tuple[object, ...]) -> None:
    """Layer types in order, and 8-bit inputs where the graph has the image or an adder."""
    with (DATA / "networks" / f"{stem}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    added = {p for row in rows if row["kind"] == "add" for p in row["producers"].split(";")}
    added |= {row["index"] for row in rows if row["kind"] == "add"} | {"input"}
    types = layer_types(stem)
    expected = [(types[r["name"]], r["producers"] in added) for r in rows if r["name"] in types]
    found = [(getattr(layer, "layer_type"), getattr(layer, "eight_bits")) for layer in layers]
    assert found == expected


def test_figures_at_both_sets_of_parameters(ready: Profiles) -> None:
    """All 24 changes of latency, to a tenth of a point."""
    np.testing.assert_array_equal(PUBLISHED, TABLE[:, 0])
    np.testing.assert_allclose(modelled(ready, PRIOR.parameters), TABLE[:, 1], atol=0.051)
    np.testing.assert_allclose(modelled(ready, CALIBRATED.parameters), TABLE[:, 2], atol=0.051)


@pytest.mark.parametrize("chosen", [PRIOR, CALIBRATED], ids=lambda chosen: chosen.name)
def test_the_least_latencies_are_those_of_free_bits(ready: Profiles, chosen: ParameterSet) -> None:
    """What the calibration sums up is what `mpsolve.free_bits` returns."""
    for profile in ready.values():
        latencies = profile.latencies(chosen.parameters)
        found = profile.heuristic(chosen.parameters).values()
        total = sum(row[COLUMN[p]] for row, p in zip(latencies, found, strict=True))
        change = 100 * (total / latencies[:, REFERENCE].sum() - 1)
        assert change == pytest.approx(profile.changes(chosen.parameters)[1], abs=1e-9)


def test_the_fit_finds_the_recorded_parameters(ready: Profiles) -> None:
    """Within 0.1 %, at a posterior that is at least as probable; so are their deviations."""
    found = fit(ready)
    np.testing.assert_allclose(found.fitted.log_values, CALIBRATED.log_values, atol=1e-3)
    np.testing.assert_allclose(found.fitted.log_sd, LOG_SD, rtol=4e-3)
    np.testing.assert_allclose(CALIBRATED.log_sd, LOG_SD, rtol=1e-3)
    np.testing.assert_allclose(found.fitted.correlation, CALIBRATED.correlation, atol=1e-3)
    assert found.misfit <= misfit(ready, CALIBRATED.log_values)
    assert found.misfit == pytest.approx(misfit(ready, found.fitted.log_values))


def test_another_minimiser_finds_no_better_parameters(ready: Profiles) -> None:
    """Nelder and Mead's simplex, from elsewhere, ends at the same posterior."""
    from scipy import optimize

    minimize: Any = optimize.minimize
    start = PRIOR.log_values + 0.3
    options: Any = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-5, "fatol": 1e-9, "adaptive": True}
    other = minimize(lambda x: misfit(ready, x), start, method="Nelder-Mead", options=options)
    found = fit(ready)
    assert found.misfit <= other.fun + 1e-6
    np.testing.assert_allclose(found.fitted.log_values, other.x, atol=2e-3)


def misfit(ready: Profiles, log_values: FloatArray) -> float:
    """The negative logarithm of the posterior, written out."""
    total = 0.0
    for figure, change in zip(FIGURES, modelled(ready, PRIOR.at(log_values)), strict=True):
        total += ((change - figure.change) / FIGURE_SD) ** 2 / 2
    widths = (0.7, 0.7, 0.35, 0.35, 0.5, 0.5)
    centres = np.log([1.0, 1.0, 15.0, 24.0, 0.8, 600.0])
    for value, centre, width in zip(log_values, centres, widths, strict=True):
        total += ((value - centre) / width) ** 2 / 2
    return float(total)


def test_errors_of_figures_that_were_held_out(results: Results) -> None:
    """Mean and range over eleven pairs, and the distribution of all 132 errors, as recorded."""
    pairs = results.pairs
    assert pairs is not None
    assert np.isnan(np.diag(pairs)).all()
    found = np.array([np.nanmean(pairs, 1), np.nanmin(pairs, 1), np.nanmax(pairs, 1)]).T
    np.testing.assert_allclose(found, TABLE[:, 3:], atol=0.06)
    size = np.abs(pairs[~np.isnan(pairs)])
    assert len(size) == 132
    summary = [np.median(size), size.mean(), np.quantile(size, 0.9), size.max()]
    np.testing.assert_allclose(summary, [2.8, 6.4, 12.8, 40.9], atol=0.06)


def test_the_targets_state_these_errors(results: Results) -> None:
    """What `PulpModel.source` says is what comes out here."""
    assert results.pairs is not None
    size = np.abs(results.pairs[~np.isnan(results.pairs)])
    prior = np.abs(results.prior - PUBLISHED)
    assert (
        f"median held-out error {np.median(size):.1f} percentage points, mean {size.mean():.1f}, "
        f"worst {size.max():.1f}"
    ) in PulpModel(Isa.XPULPV2).source
    assert (
        f"off by {prior.mean():.1f} percentage points on average, worst {prior.max():.1f}"
    ) in PulpModel(Isa.XPULPV2, "prior").source


def test_errors_of_a_network_that_was_held_out(results: Results) -> None:
    """MobileNetV1 is predicted better than MobileNetV2, whose asymmetric layers are unseen."""
    assert results.networks is not None
    means = {name: np.abs(errors).mean() for name, errors in results.networks.items()}
    assert means == pytest.approx({"MobileNetV1": 4.1, "MobileNetV2": 8.1}, abs=0.06)


def test_what_is_said_beside_the_figures(results: Results) -> None:
    """Thirteen raised layers where twelve were published, and the other recorded statements."""
    assert [check.modelled for check in results.checks] == [
        "13",
        "10.2 %",
        "49.1 %",
        "12 of 13",
        "13 of 13, median 4.3x",
        "1 of 13",
        "10 of 15",
        "28.0 M",
    ]
    assert results.checks[0].published == "12"
    assert results.l1 is not None
    assert results.l1 == pytest.approx({36_700: 3.5, 44_000: 4.3, 56_000: 5.3}, abs=0.06)
    assert np.abs(results.errors).mean() == pytest.approx(2.8, abs=0.06)


def test_the_document_holds_the_results(results: Results) -> None:
    """Its tables are those that the command writes."""
    if not DOCUMENT.exists():
        pytest.skip("the documents are not beside the tests")
    page = DOCUMENT.read_text(encoding="utf-8")
    written = page.partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == markdown(results).strip()


def test_the_document_claims_no_more_than_a_model() -> None:
    """Latencies are modelled; the one time it says measured, it says that nothing was."""
    if not DOCUMENT.exists():
        pytest.skip("the documents are not beside the tests")
    text = DOCUMENT.read_text(encoding="utf-8")
    assert re.findall(r"[^.]*\bmeasured\b", text) == [
        " No layer was measured",
    ]
    assert not re.search("profiled|simulated", text)


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Quickly, without what was not computed."""
    assert bench.main(["pulp_calibration", "--quick", "--json"], standalone_mode=False) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["provenance"] == "modelled"
    assert len(printed["figures"]) == 12
    assert printed["figures"][0]["held_out"] is None
    assert printed["networks_held_out"] is None
    assert printed["mean_error_by_l1_bytes"] is None
    assert printed["parameters"]["tile"]["a_priori"] == 600
    assert printed["checks"]["the same on XpulpNNv2"]["published"] == "no"


def test_the_command_writes_a_page_and_a_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into a new page, then again into the same without touching the rest."""
    pytest.importorskip("matplotlib")
    page, plot = tmp_path / "page.md", tmp_path / "plot.svg"
    command = ["pulp_calibration", "--quick", "--markdown", str(page), "--plot", str(plot)]
    assert bench.main(command, standalone_mode=False) == 0
    assert "Free parameters" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    page.write_text(f"# Title\n\n{text}\nThe end.\n", encoding="utf-8")
    assert bench.main(command, standalone_mode=False) == 0
    assert page.read_text(encoding="utf-8") == f"# Title\n\n{text}\nThe end.\n"
    assert "modelled, a priori" in plot.read_text(encoding="utf-8")


def test_bad_files_are_refused(
    tmp_path: Path, results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence each, and exit status 2."""
    own = tmp_path / "page.md"
    own.write_text("my own page\n", encoding="utf-8")
    with pytest.raises(InputError, match="exists and has no line"):
        page(results, own)
    own.write_text(f"{BEGIN}\n", encoding="utf-8")
    with pytest.raises(InputError, match="only one of the lines"):
        page(results, own)
    quick = ["pulp_calibration", "--quick"]
    nowhere = str(tmp_path / "none" / "page.md")
    assert bench.main([*quick, "--markdown", nowhere], standalone_mode=False) == 2
    assert f"{nowhere} cannot be written" in capsys.readouterr().err
    pytest.importorskip("matplotlib")
    nothing = str(tmp_path / "plot.nothing")
    assert bench.main([*quick, "--plot", nothing], standalone_mode=False) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_all_nine_precisions_take_part(ready: Profiles) -> None:
    """Layers that read an adder or the image start at 8b/4b and may take three, others nine."""
    profile = ready["MobileNetV2", Isa.XPULPNNV1]
    counts = profile.allowed.sum(1)
    assert set(counts.tolist()) == {3, 9}
    assert (counts[profile.start == COLUMN[Precision(8, 4)]] == 3).all()
    assert (counts[profile.start == COLUMN[Precision(4, 4)]] == 9).all()
