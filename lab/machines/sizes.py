"""How large a machine of an instance type is."""

from __future__ import annotations

from pathlib import Path

from moto.ec2.models.instance_types import INSTANCE_TYPES


def memory_mib(instance_type: str) -> int | None:
    """The memory of an instance type in MiB; None for a type that nobody knows."""
    known = INSTANCE_TYPES.get(instance_type)
    return int(known["MemoryInfo"]["SizeInMiB"]) if known else None


def write_meminfo(path: Path, mib: int) -> None:
    """What /proc/meminfo shows on a machine of that size; fixed, since the kernel shows only the host's own."""
    kib = mib * 1024
    rows = {"MemTotal": kib, "MemFree": kib * 3 // 4, "MemAvailable": kib * 3 // 4, "Buffers": 0, "Cached": kib // 8}
    rows |= {"SwapCached": 0, "SwapTotal": 0, "SwapFree": 0}
    path.write_text("".join(f"{name + ':':<16}{value:>8} kB\n" for name, value in rows.items()))
