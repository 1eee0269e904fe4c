"""Where latencies come from, said wherever they are printed."""

from __future__ import annotations

from enum import StrEnum


class Provenance(StrEnum):
    """Where the latencies of a table come from."""

    MEASURED = "measured"
    SIMULATED = "simulated"
    MODELLED = "modelled"
    DERIVED = "derived"
    UNSTATED = "unstated"


def labelled(name: str, provenance: Provenance) -> str:
    """The name of a cost, with the provenance if it is a latency and the provenance is known."""
    if name.startswith("latency") and provenance is not Provenance.UNSTATED:
        return f"{name} ({provenance})"
    return name
