"""What was measured on what, by which versions, and when."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpsolve.storage.optional import installed_version

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Extensions of instruction sets that kernels for few bits choose by.
FEATURES = (
    *("avx", "avx2", "fma", "avx_vnni", "avx_vnni_int8", "avx512f", "avx512bw", "avx512_vnni"),
    *("avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16"),
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """The circumstances of a measurement.

    Attributes
    ----------
    target
        Name of the target.
    device
        The processor or accelerator.
    cores
        Of the processor, as the operating system counts them.
    features
        Those of its instruction sets that are in `FEATURES`.
    system
        Operating system and architecture.
    versions
        Package -> version.
    options
        Name -> value, as JSON has it.
    date
        When the measurement began, in UTC, as ISO 8601.
    """

    target: str
    device: str
    cores: int
    features: tuple[str, ...]
    system: str
    versions: Mapping[str, str]
    options: Mapping[str, Any]
    date: str

    @classmethod
    def here(
        cls, target: str, packages: tuple[str, ...], options: Mapping[str, Any], device: str = ""
    ) -> Record:
        """The record of a measurement that begins now, by default on the processor."""
        model, flags = processor()
        return cls(
            target=target,
            device=device or model,
            cores=os.cpu_count() or 1,
            features=tuple(name for name in FEATURES if name in flags),
            system=f"{platform.system()} {platform.machine()}",
            versions={
                name: installed_version(name, "unknown") for name in ("mpsolve", "numpy", *packages)
            },
            options=options,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """Read `to_json`."""
        values = {field.name: data[field.name] for field in fields(cls)}
        return cls(**values | {"features": tuple(values["features"])})

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def difference(self, other: Record) -> str:
        """The first thing, save the date, in which another record differs; "" without any."""
        later = replace(other, date=self.date)
        names = (field.name for field in fields(self))
        return next((n for n in names if getattr(self, n) != getattr(later, n)), "")

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        options = ", ".join(f"{name} {value}" for name, value in self.options.items())
        features = f" ({' '.join(self.features)})" if self.features else ""
        return (
            f"{self.device}, {self.cores} cores{features}, {self.system}; {versions}; {options}; "
            f"{self.date}"
        )


def processor() -> tuple[str, frozenset[str]]:
    """Model and flags of the processor, as far as the operating system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        entries.setdefault(key.strip().lower(), value.strip())
    model = entries.get("model name") or platform.processor() or "unknown processor"
    flags = entries.get("flags") or entries.get("features") or ""
    return model, frozenset(flags.lower().split())
