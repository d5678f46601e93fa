"""Judge the machines: forwarding, translation, units and listeners, from the evidence collected on them."""

from __future__ import annotations

import ipaddress
import shlex
from typing import Any

from .model import RANK_KERNEL, RANK_LISTENER, RANK_SERVICE, Finding, Suspect, repair


def translates(rule: str, cidr: str, interface: str) -> bool:
    """Whether this rule of POSTROUTING hides the range behind the interface's address."""
    words = shlex.split(rule)
    options = dict(zip(words, words[1:]))
    if options.get("-j") not in ("MASQUERADE", "SNAT") or "!" in words:
        return False
    if interface and options.get("-o", interface) != interface:
        return False
    source = ipaddress.ip_network(options.get("-s", "0.0.0.0/0"), strict=False)
    return ipaddress.ip_network(cidr).subnet_of(source)  # type: ignore[arg-type]


def addresses_on(listeners: list[str], port: int) -> list[str]:
    """The local addresses on which something listens on this port."""
    split = (listener.rpartition(":") for listener in listeners)
    return [address for address, _, found in split if found == str(port)]


def is_loopback(address: str) -> bool:
    bare = address.strip("[]").partition("%")[0].removeprefix("::ffff:")
    return bare not in ("*", "") and ipaddress.ip_address(bare).is_loopback


def judge_forwarding(machine: str, evidence: dict[str, Any], cidrs: list[str], environment: str) -> list[Finding]:
    """A machine that translates for others must forward, and hide each of their ranges."""
    if not cidrs:
        return []
    command = repair(environment, "nat_masquerade")
    forwards = str(evidence["ip_forward"]) == "1"
    findings = [
        Finding(
            "hosts",
            f"{machine} forwards packets (ip_forward)",
            "1",
            str(evidence["ip_forward"]),
            forwards,
            "a NAT that does not forward is a dead end",
            None
            if forwards
            else Suspect(
                RANK_KERNEL,
                f"net.ipv4.ip_forward on {machine}",
                f"The kernel of {machine} does not forward packets of others.",
                command,
            ),
        )
    ]
    for cidr in cidrs:
        rules = evidence["translations"]
        hidden = any(translates(rule, cidr, evidence["default_interface"]) for rule in rules)
        suspect = Suspect(
            RANK_KERNEL + 1,
            f"MASQUERADE rule on {machine}",
            f"No rule in the POSTROUTING chain of table nat hides {cidr} behind {machine}.",
            command,
        )
        findings.append(
            Finding(
                "hosts",
                f"{machine} translates {cidr} (MASQUERADE)",
                "present",
                "present" if hidden else "absent",
                hidden,
                "untranslated packets leave the VPC with an address nobody can answer",
                None if hidden else suspect,
            )
        )
    return findings


def judge_service(machine: str, evidence: dict[str, Any], service: dict[str, Any], environment: str) -> list[Finding]:
    """The unit runs, and listens where the intent says: for others, or for this machine alone."""
    unit, port, exposed = str(service["unit"]), int(service["port"]), bool(service["exposed"])
    command = repair(environment, str(service["role"]))
    state = evidence["units"].get(unit, "unknown")
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
    findings = judge_forwarding(machine, evidence, cidrs, environment)
    for service in services:
        findings += judge_service(machine, evidence, service, environment)
    return findings + judge_failures(machine, evidence, services, repair(environment))
