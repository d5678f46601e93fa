"""Collect on a machine what names a cause: forwarding, translation, listeners, units. Reads only."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any


def output(argv: list[str]) -> str | None:
    """What the program prints, or None where it is not installed or fails without a word."""
    try:
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.stdout or done.returncode == 0 else None


def parse_listeners(text: str) -> list[str]:
    """Local `address:port` of each listening TCP socket, from `ss --no-header`."""
    return sorted({fields[3] for fields in map(str.split, text.splitlines()) if len(fields) > 3})


def parse_translations(text: str) -> list[str]:
    """The rules of the chain that translates on the way out."""
    return [line.strip() for line in text.splitlines() if line.startswith("-A POSTROUTING")]


def parse_default_interface(text: str) -> str:
    """The interface of the default route, from `ip route show default`."""
    fields = text.split()
    return fields[fields.index("dev") + 1] if "dev" in fields else ""


def parse_units(text: str) -> list[str]:
    """active, inactive, failed, ... or not-found for each block of `systemctl show`."""
    states = []
    for block in text.strip().split("\n\n"):
        properties = dict(line.partition("=")[::2] for line in block.splitlines())
        loaded = properties.get("LoadState", "") != "not-found"
        states.append(properties.get("ActiveState", "unknown") if loaded else "not-found")
    return states


def unit_states(units: list[str]) -> dict[str, str]:
    """The state of each unit, by the name it was asked for."""
    if not units:
        return {}
    argv = ["systemctl", "show", "--property=LoadState,ActiveState", *units]
    return dict(zip(units, parse_units(output(argv) or "")))


def parse_failed(text: str) -> list[str]:
    """The names in `systemctl list-units --failed --plain --no-legend`."""
    return sorted(line.split()[0] for line in text.splitlines() if line.strip())


def collect(units: list[str]) -> dict[str, Any]:
    """All evidence of this machine in one call."""
    nat = output(["iptables-save", "-t", "nat"])
    return {
        "ip_forward": Path("/proc/sys/net/ipv4/ip_forward").read_text(encoding="ascii").strip(),
        "translations": parse_translations(nat or ""),
        "listeners": parse_listeners(output(["ss", "-H", "-ltn"]) or ""),
        "default_interface": parse_default_interface(output(["ip", "route", "show", "default"]) or ""),
        "units": unit_states(units),
        "failed": parse_failed(output(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]) or ""),
    }
