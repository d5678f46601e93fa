"""Judge the machines: units and where they listen, from the evidence collected on them."""

from __future__ import annotations

import ipaddress
from typing import Any

from . import forwarding, system
from .model import RANK_LISTENER, RANK_SERVICE, Finding, Suspect, repair


def addresses_on(listeners: list[str], port: int) -> list[str]:
    """The local addresses on which something listens on this port."""
    split = (listener.rpartition(":") for listener in listeners)
    return [address for address, _, found in split if found == str(port)]


def is_loopback(address: str) -> bool:
    bare = address.strip("[]").partition("%")[0].removeprefix("::ffff:")
    return bare not in ("*", "") and ipaddress.ip_address(bare).is_loopback


def judge_service(machine: str, evidence: dict[str, Any], service: dict[str, Any], environment: str) -> list[Finding]:
    """The unit runs, and listens where the intent says: for others, or for this machine alone."""
    unit, port, exposed = str(service["unit"]), int(service["port"]), bool(service["exposed"])
    command = repair(environment, str(service["role"]))
    seen = evidence["units"].get(unit, {"state": "unknown", "enabled": ""})
    state, enabled = seen["state"], seen["enabled"]
    running = state == "active"
    findings = [
        Finding(
            "hosts",
            f"{machine} runs {unit}",
            "active",
            state,
            running,
            "",
            None
            if running
            else Suspect(
                RANK_SERVICE,
                f"{unit} on {machine} is not running",
                f"systemd calls the unit {state}: journalctl --unit {unit} says why."
                if state != "not-found"
                else f"There is no unit {unit}: it was never installed.",
                command,
            ),
        )
    ]
    if enabled in ("disabled", "masked", "masked-runtime"):
        findings.append(judge_enablement(machine, unit, enabled, command))
    if not running or not port:  # where it would listen says nothing more; a timer listens nowhere
        return findings
    addresses = addresses_on(evidence["listeners"], port)
    for_others = any(not is_loopback(address) for address in addresses)
    good = bool(addresses) and for_others == exposed
    observed = ("the network" if for_others else "loopback only") if addresses else "nowhere"
    suspect = Suspect(
        RANK_LISTENER,
        f"{unit} on {machine} listens on {observed}, port {port}",
        f"Its listeners on {port}: {', '.join(addresses) or 'none'}; look at its bind address.",
        command,
    )
    findings.append(
        Finding(
            "hosts",
            f"{unit} on {machine} listens, port {port}",
            "the network" if exposed else "loopback only",
            observed,
            good,
            "",
            None if good else suspect,
        )
    )
    return findings


def judge_enablement(machine: str, unit: str, enabled: str, command: str) -> Finding:
    """What runs today and is not started at boot is a fault that waits."""
    suspect = Suspect(
        RANK_SERVICE + 2,
        f"{unit} on {machine} is {enabled}",
        f"It would not come back after a reboot: systemctl is-enabled {unit}.",
        command,
    )
    return Finding("hosts", f"{unit} on {machine} starts at boot", "enabled", enabled, False, "", suspect)


def judge_failures(
    machine: str, evidence: dict[str, Any], services: list[dict[str, Any]], command: str
) -> list[Finding]:
    """Backups, the NAT doctor, upgrades: what fails between two runs is shown here."""
    failed = [unit for unit in evidence["failed"] if unit not in {str(service["unit"]) for service in services}]
    suspect = Suspect(
        RANK_SERVICE + 1,
        f"{', '.join(failed)} on {machine} has failed",
        "journalctl --unit and that name say why; it is well again after its next good end.",
        command,
    )
    title = f"no other unit of {machine} has failed"
    return [Finding("hosts", title, "none", ", ".join(failed) or "none", not failed, "", suspect if failed else None)]


def judge_host(
    machine: str,
    evidence: dict[str, Any],
    services: list[dict[str, Any]],
    cidrs: list[str],
    environment: str,
) -> list[Finding]:
    """All findings of one machine."""
    findings = forwarding.judge_forwarding(machine, evidence, cidrs, environment)
    for service in services:
        findings += judge_service(machine, evidence, service, environment)
    findings += judge_failures(machine, evidence, services, repair(environment))
    return findings + system.judge_system(machine, evidence, environment)
