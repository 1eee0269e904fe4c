"""Profiles of a whole network in one precision each, put together by layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import TableError
from mpsolve.profiles.importers.assemble import latency_table
from mpsolve.profiles.importers.files import listed
from mpsolve.profiles.importers.importer import Imported
from mpsolve.profiles.importers.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsolve.model.precision import Precision
    from mpsolve.model.provenance import Provenance
    from mpsolve.profiles.networks.network import Network
    from mpsolve.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Row:
    """What a profiler timed under one name.

    Attributes
    ----------
    name
        The name.
    samples
        ``(R,)`` float64, one latency for each run, or one for all.
    """

    name: str
    samples: FloatArray

    @property
    def value(self) -> float:
        """The median of all runs."""
        return float(np.median(self.samples))


@dataclass(frozen=True, eq=False)
class Profile:
    """All that was timed in one precision.

    Attributes
    ----------
    source
        The file.
    precision
        The precision of every layer.
    rows
        What can be a layer; names may occur more than once.
    others
        What surely is none, by a phrase that says why, such as "convert formats".
    """

    source: str
    precision: Precision
    rows: tuple[Row, ...]
    others: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)


#: Layer -> the samples of one profile.
Samples = dict[str, "FloatArray"]


def combine(
    profiles: Sequence[Profile],
    source: str,
    provenance: Provenance,
    unit: str,
    network: Network | None,
    hint: str,
) -> Imported:
    """One candidate per layer and profile.

    Without a network, a layer is a name that occurs in every profile. With one, every layer needs
    a row in every profile. A row that computes several layers together counts for the first of
    them, the others cost nothing there, and all of them are tied: they run in one precision.

    Parameters
    ----------
    profiles
        At least one, of different precisions.
    source, provenance, unit
        As in `LatencyTable`.
    network
        The network, if it is known.
    hint
        A sentence for people whose names do not match: what the profiler can do about it.

    Raises
    ------
    TableError
        If a layer cannot be found, or two rows may be the same layer.
    """
    _refuse_twins(profiles)
    ties: list[set[str]] = []
    matcher = Matcher(network) if network else None
    if network is None or matcher is None:
        found = [_by_name(profile) for profile in profiles]
        layers = [name for name in found[0] if all(name in other for other in found)]
        if not layers:
            raise TableError(f"No name occurs in all of {source}. {hint}")
    else:
        found = [_by_layer(profile, matcher, network, ties, hint) for profile in profiles]
        layers = [layer.name for layer in network.layers]
    latencies = {
        layer: {
            profile.precision: float(np.median(samples[layer]))
            for profile, samples in zip(profiles, found, strict=True)
        }
        for layer in layers
    }
    table = latency_table(
        latencies,
        source,
        provenance,
        unit=unit,
        network=network,
        deviations=_deviations(layers, found),
        tie_groups=_labels(ties),
    )
    notes = [
        note
        for profile in profiles
        for note in _notes(profile, _left(profile, matcher, set(layers)), unit)
    ]
    return Imported(table, tuple(notes))


def _refuse_twins(profiles: Sequence[Profile]) -> None:
    known: dict[Precision, str] = {}
    for profile in profiles:
        if profile.precision in known:
            raise TableError(
                f"{known[profile.precision]} and {profile.source} are both said to hold "
                f"{profile.precision}; give one profile for each precision."
            )
        known[profile.precision] = profile.source


def _by_name(profile: Profile) -> Samples:
    samples: Samples = {}
    for row in profile.rows:
        samples[row.name] = samples.get(row.name, 0) + row.samples
    return samples


def _by_layer(
    profile: Profile, matcher: Matcher, network: Network, ties: list[set[str]], hint: str
) -> Samples:
    rows: dict[str, list[Row]] = {}
    samples: Samples = {}
    for row in profile.rows:
        layers = matcher.layers(row.name)
        for layer in layers:
            own = rows.setdefault(layer, [])
            own.append(row)
            if len(own) > len(network.layer(layer).nodes):
                raise TableError(
                    f"{profile.source}: {own[0].name!r} and {row.name!r} can both be the layer "
                    f"{layer} of {network.name}. {hint}"
                )
            counted = row.samples if layer == layers[0] else 0 * row.samples
            samples[layer] = samples.get(layer, 0) + counted
        if len(layers) > 1:
            ties.append(set(layers))
    if missing := [layer.name for layer in network.layers if layer.name not in samples]:
        raise TableError(
            f"{profile.source}: no row is named after layer {listed(missing)} of {network.name}. "
            f"{hint}"
        )
    return samples


def _left(profile: Profile, matcher: Matcher | None, layers: set[str]) -> tuple[Row, ...]:
    """The rows that belong to no layer."""
    if matcher is None:
        return tuple(row for row in profile.rows if row.name not in layers)
    return tuple(row for row in profile.rows if not matcher.layers(row.name))


def _deviations(layers: Sequence[str], found: Sequence[Samples]) -> list[float]:
    """Standard deviations over the runs, if every profile has at least two."""
    if any(len(samples[layer]) < 2 for samples in found for layer in layers):
        return []
    return [float(np.std(samples[layer], ddof=1)) for layer in layers for samples in found]


def _labels(ties: list[set[str]]) -> dict[str, str]:
    """Layer -> label of its tie group; groups with a layer in common are one."""
    labels: dict[str, str] = {}
    for tie in ties:
        joined = {labels[layer] for layer in tie if layer in labels}
        label = min(joined, default=f"fused{len(labels)}")
        members = tie | {layer for layer, other in labels.items() if other in joined}
        labels |= dict.fromkeys(members, label)
    return labels


def _notes(profile: Profile, left: tuple[Row, ...], unit: str) -> list[str]:
    """What a profile holds beside its layers."""
    everything = [*profile.rows, *(row for rows in profile.others.values() for row in rows)]
    total = sum(row.value for row in everything)
    return [
        f"{profile.source}: {len(rows)} of {len(everything)} rows {why}; they take "
        f"{sum(row.value for row in rows):.4g} of {total:.4g} {unit}, which no layer contains: "
        f"{listed([row.name for row in rows])}."
        for why, rows in {"belong to no layer": left, **profile.others}.items()
        if rows
    ]
