"""Collect on a machine what names a cause: forwarding, filters, listeners, units, disks, names. Reads only."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import state
from .probe import resolve, together

PATIENCE_SECONDS = 40
SSH_SETTINGS = (
    "allowtcpforwarding",
    "allowagentforwarding",
    "passwordauthentication",
    "permitrootlogin",
    "permitopen",
    "gatewayports",
)
NAT_DOCTOR = Path("/usr/local/sbin/nat-masquerade")
# What could not be read in time says nothing.
UNREAD: dict[str, Any] = {
    "ip_forward": "",
    "kept_forwarding": "",
    "rules": {},
    "listeners": [],
    "interface": {"name": "", "mtu": 0},
    "units": {},
    "failed": [],
    "disks": [],
    "ssh": {},
    "connections": {"count": 0, "max": 0},
    "clock": {},
    "certificates": [],
    "names": {"servers": [], "found": {}, "own": ""},
}
FORWARDING = re.compile(r"\s*-?net[./]ipv4[./]ip_forward\s*=")
MOUNTS = ("/", "/var", "/var/lib/mysql", "/tmp", "/boot")


def output(argv: list[str], content: str = "") -> str | None:
    """What the program prints, or None where it is not installed or fails without a word."""
    try:
        done = subprocess.run(
            argv,
            check=False,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.stdout or done.returncode == 0 else None


def parse_listeners(text: str) -> list[str]:
    """Local `address:port` of each listening TCP socket, from `ss --no-header`."""
    return sorted({fields[3] for fields in map(str.split, text.splitlines()) if len(fields) > 3})


def parse_rules(text: str) -> dict[str, list[str]]:
    """The policies and rules of each table, from `iptables-save`, without counters."""
    tables: dict[str, list[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith((":", "-A")):
            tables.setdefault(table, []).append(line.partition(" [")[0].strip())
    return tables


def parse_default_interface(text: str) -> str:
    """The interface of the default route, from `ip route show default`."""
    fields = text.split()
    return fields[fields.index("dev") + 1] if "dev" in fields else ""


def parse_units(text: str) -> list[dict[str, str]]:
    """State (active, failed, not-found, ...) and enablement of each block of `systemctl show`."""
    states = []
    for block in text.strip().split("\n\n"):
        properties = dict(line.partition("=")[::2] for line in block.splitlines())
        loaded = properties.get("LoadState", "") != "not-found"
        states.append(
            {
                "state": properties.get("ActiveState", "unknown") if loaded else "not-found",
                "enabled": properties.get("UnitFileState", ""),
            }
        )
    return states


def unit_states(units: list[str]) -> dict[str, dict[str, str]]:
    """State and enablement of each unit, by the name it was asked for."""
    if not units:
        return {}
    argv = ["systemctl", "show", "--property=LoadState,ActiveState,UnitFileState", *units]
    return dict(zip(units, parse_units(output(argv) or "")))


def parse_failed(text: str) -> list[str]:
    """The names in `systemctl list-units --failed --plain --no-legend`."""
    return sorted(line.split()[0] for line in text.splitlines() if line.strip())


def failed_units() -> list[str]:
    return parse_failed(output(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]) or "")


def interface() -> dict[str, Any]:
    """The interface of the default route, and the largest packet it takes."""
    name = parse_default_interface(output(["ip", "route", "show", "default"]) or "")
    mtu = Path("/sys/class/net", name, "mtu") if name else None
    return {"name": name, "mtu": int(mtu.read_text(encoding="ascii")) if mtu and mtu.exists() else 0}


def disks() -> list[dict[str, Any]]:
    """How full each file system is, in per cent of its bytes and of its inodes, and whether it may be written."""
    found, seen = [], set()
    for mount in MOUNTS:
        if not Path(mount).is_dir() or Path(mount).stat().st_dev in seen:
            continue
        seen.add(Path(mount).stat().st_dev)
        stat = os.statvfs(mount)
        used = 100 - 100 * stat.f_bavail // max(stat.f_blocks, 1)
        inodes = 100 - 100 * stat.f_favail // stat.f_files if stat.f_files else 0
        read_only = bool(stat.f_flag & os.ST_RDONLY)
        found.append({"mount": mount, "used": used, "inodes": inodes, "read_only": read_only})
    return found


def ssh_settings() -> dict[str, str]:
    """What sshd makes of all its files."""
    lines = (line.partition(" ") for line in (output(["sshd", "-T"]) or "").splitlines())
    return {key: value for key, _, value in lines if key in SSH_SETTINGS}


def number_in(path: str) -> int:
    file = Path(path)
    return int(file.read_text(encoding="ascii")) if file.exists() else 0


def connections() -> dict[str, int]:
    """How many connections the kernel tracks, and for how many it has room."""
    folder = "/proc/sys/net/netfilter"
    return {name: number_in(f"{folder}/nf_conntrack_{name}") for name in ("count", "max")}


def clock() -> dict[str, Any]:
    """Whether the clock follows another; empty where it belongs to somebody else (a container)."""
    virtual = (output(["systemd-detect-virt", "--container"]) or "none").strip()
    if virtual != "none":
        return {}
    text = output(["timedatectl", "show", "--property=NTPSynchronized", "--value"]) or ""
    return {"synchronised": text.strip() == "yes"} if text else {}


def kept_forwarding() -> str:
    """What the files of sysctl.d say of forwarding: the last one counts at the next boot. Nothing: they do not say."""
    text = output(["/usr/lib/systemd/systemd-sysctl", "--cat-config"]) or ""
    values = [line.partition("=")[2].strip() for line in text.splitlines() if FORWARDING.match(line)]
    return values[-1] if values else ""


def names(hosts: list[str]) -> dict[str, Any]:
    """Whether names resolve as programs do it, and who is asked."""
    file = Path("/etc/resolv.conf")
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    servers = [line.split()[1] for line in text.splitlines() if line.startswith("nameserver ")]
    return {"servers": servers, "found": {name: resolve(name) for name in hosts}, "own": socket.gethostname()}


def doctor() -> str | None:
    """What the NAT doctor would mend; None where there is none."""
    return (output([str(NAT_DOCTOR), "check"]) or "").strip() if NAT_DOCTOR.exists() else None


def parse_certificate(text: str) -> dict[str, Any]:
    """Days that it is still good for, and the names it is for, from `openssl x509`."""
    ends = re.search(r"notAfter=(.*)", text)
    left = ssl.cert_time_to_seconds(ends.group(1).strip()) - time.time() if ends else None
    return {"days": None if left is None else int(left // 86400), "names": re.findall(r"DNS:([^,\s]+)", text)}


def certificate(name: str) -> dict[str, Any]:
    """What is shown on port 443 to whoever asks for this name; without days where nothing is."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", 443), timeout=3) as plain,
            anybody.wrap_socket(plain, server_hostname=name or None) as line,
        ):
            shown = ssl.DER_cert_to_PEM_cert(line.getpeercert(binary_form=True) or b"")
    except OSError:
        return {"asked": name, "days": None, "names": []}
    argv = ["openssl", "x509", "-noout", "-enddate", "-ext", "subjectAltName"]
    return {"asked": name, **parse_certificate(output(argv, shown) or "")}


def certificates(names: list[str]) -> list[dict[str, Any]]:
    """One for each name; where none is expected, whatever is shown."""
    return [found for found in map(certificate, names or [""]) if names or found["days"] is not None]


def collect(units: list[str], hosts: list[str], certificate_names: list[str]) -> dict[str, Any]:
    """All evidence of this machine in one call."""
    jobs: dict[str, Callable[[], Any]] = {
        "ip_forward": lambda: str(number_in("/proc/sys/net/ipv4/ip_forward")),
        "kept_forwarding": kept_forwarding,
        "rules": lambda: parse_rules(output(["iptables-save"]) or ""),
        "listeners": lambda: parse_listeners(output(["ss", "-H", "-ltn"]) or ""),
        "interface": interface,
        "units": partial(unit_states, units),
        "failed": failed_units,
        "disks": disks,
        "ssh": ssh_settings,
        "connections": connections,
        "clock": clock,
        "names": partial(names, hosts),
        "doctor": doctor,
        "certificates": partial(certificates, certificate_names),
        "state": state.collect,
    }
    found = together({name: partial(attempt, job) for name, job in jobs.items()}, PATIENCE_SECONDS, None)
    return {name: UNREAD.get(name) if value is None else value for name, value in found.items()}


def attempt(job: Callable[[], Any]) -> Any:
    """None where something is not as this code knows it: the other evidence is worth having all the same."""
    try:
        return job()
    except (OSError, ValueError, LookupError):
        return None
