"""Judge the machine that translates for others: forwarding, the three chains a packet passes, and room for it."""

from __future__ import annotations

import ipaddress
import shlex
from typing import Any

from .model import RANK_KERNEL, RANK_ROUTE, Finding, Suspect, repair

FULL_PERCENT = 90


def options_of(rule: str) -> tuple[list[str], dict[str, str]]:
    words = shlex.split(rule)
    return words, dict(zip(words, words[1:]))


def covers(options: dict[str, str], cidr: str, interface: str) -> bool:
    """Whether a rule speaks of all that comes from the range and leaves by the interface."""
    if interface and options.get("-o", interface) != interface:
        return False
    source = ipaddress.ip_network(options.get("-s", "0.0.0.0/0"), strict=False)
    return ipaddress.ip_network(cidr).subnet_of(source)  # type: ignore[arg-type]


def touches(options: dict[str, str], cidr: str) -> bool:
    """Whether a rule speaks of some of it, in either direction."""
    return any(
        ipaddress.ip_network(cidr).overlaps(ipaddress.ip_network(options.get(end, "0.0.0.0/0"), strict=False))
        for end in ("-s", "-d")
    )


def translates(rule: str, cidr: str, interface: str) -> bool:
    """Whether this rule of POSTROUTING hides the range behind the interface's address."""
    words, options = options_of(rule)
    if words[1] != "POSTROUTING" or options.get("-j") not in ("MASQUERADE", "SNAT") or "!" in words:
        return False
    return covers(options, cidr, interface)


def stops_forwarding(rules: list[str], cidr: str, interface: str) -> str:
    """The rule or policy that keeps new connections of the range from passing; nothing if they pass."""
    for rule in rules:
        words, options = options_of(rule)
        if words[0] != "-A" or words[1] != "FORWARD":
            continue
        verdict = options.get("-j", "")
        if verdict in ("DROP", "REJECT") and touches(options, cidr):
            return rule
        narrow = {"-p", "-d", "--dport", "-i", "!"} & set(words)
        states = options.get("--ctstate", options.get("--state", "NEW")).split(",")
        if verdict == "ACCEPT" and "NEW" in states and not narrow and covers(options, cidr, interface):
            return ""
    return next((f"policy {rule.split()[1]}" for rule in rules if rule.startswith(":FORWARD DROP")), "")


def judge_forwarding(machine: str, evidence: dict[str, Any], cidrs: list[str], environment: str) -> list[Finding]:
    """A machine that translates for others must forward, hide each of their ranges, and drop none of it."""
    if not cidrs:
        return []
    command = repair(environment, "nat_masquerade")
    tables, interface = evidence["rules"] or {}, evidence["interface"]["name"]

    def judged(question: str, intended: str, observed: str, ok: bool, reason: str, suspect: Suspect) -> Finding:
        return Finding("hosts", question, intended, observed, ok, reason, None if ok else suspect)

    forwards = str(evidence["ip_forward"]) == "1"
    findings = [
        judged(
            f"{machine} forwards packets (ip_forward)",
            "1",
            str(evidence["ip_forward"]),
            forwards,
            "a NAT that does not forward is a dead end",
            Suspect(
                RANK_KERNEL,
                f"net.ipv4.ip_forward on {machine}",
                f"The kernel of {machine} does not forward packets of others.",
                command,
            ),
        )
    ]
    kept = str(evidence["kept_forwarding"])
    findings.append(
        judged(
            f"{machine} would forward after a reboot",
            "1",
            kept or "not said",
            kept == "1",
            "what is set by hand is gone at the next boot",
            Suspect(
                RANK_KERNEL + 1,
                f"forwarding of {machine} after a reboot",
                f"No file in sysctl.d of {machine} switches net.ipv4.ip_forward on.",
                command,
            ),
        )
    )
    for cidr in cidrs:
        hidden = any(translates(rule, cidr, interface) for rule in tables.get("nat", []) if rule.startswith("-A"))
        findings.append(
            judged(
                f"{machine} translates {cidr} (MASQUERADE)",
                "present",
                "present" if hidden else "absent",
                hidden,
                "untranslated packets leave the VPC with an address nobody can answer",
                Suspect(
                    RANK_KERNEL + 1,
                    f"MASQUERADE rule on {machine}",
                    f"No rule in the POSTROUTING chain of table nat hides {cidr} behind {machine}.",
                    command,
                ),
            )
        )
        stopped = stops_forwarding(tables.get("filter", []), cidr, interface)
        findings.append(
            judged(
                f"{machine} lets {cidr} pass (FORWARD)",
                "passes",
                stopped or "passes",
                not stopped,
                "a packet that is translated must first be let through",
                Suspect(
                    RANK_KERNEL + 1,
                    f"FORWARD chain on {machine}: {stopped}",
                    f"{machine} drops what {cidr} sends on: iptables -S FORWARD shows its rules.",
                    command,
                ),
            )
        )
    return (
        findings
        + judge_room(machine, evidence["connections"], judged, command)
        + judge_doctor(machine, evidence["doctor"], judged, command)
    )


def judge_room(machine: str, seen: dict[str, int], judged: Any, command: str) -> list[Finding]:
    """A full table of connections lets nobody through, and shows nothing else."""
    if not seen["max"]:
        return []
    used = 100 * seen["count"] // seen["max"]
    suspect = Suspect(
        RANK_KERNEL + 2,
        f"connection table of {machine} ({used} % full)",
        f"{seen['count']} of {seen['max']} connections: beyond that nobody gets through, SSH included.",
        command,
    )
    question = f"{machine} has room for connections"
    return [judged(question, f"< {FULL_PERCENT} %", f"{used} %", used < FULL_PERCENT, "", suspect)]


def judge_doctor(machine: str, said: str | None, judged: Any, command: str) -> list[Finding]:
    """Kernel and files must agree, or the next reboot changes what works today."""
    if said is None:
        return []
    suspect = Suspect(
        RANK_KERNEL + 3,
        f"NAT settings of {machine} ({said})",
        f"nat-masquerade check on {machine} says what is not as its files say: {said}",
        command,
    )
    return [judged(f"the NAT doctor finds {machine} well", "well", said or "well", not said, "", suspect)]


def judge_shortcut(
    machine: str, evidence: dict[str, Any], cidrs: list[str], s3: str, wanted: bool, environment: str
) -> list[Finding]:
    """Where S3 has an endpoint, nothing of S3 is among what the machine has forwarded."""
    flows = evidence.get("flows")
    if not (cidrs and s3 and wanted) or flows is None:
        return []
    ranges = [ipaddress.ip_network(cidr) for cidr in cidrs]
    passed = [a for a, b in flows if b == s3 and any(ipaddress.ip_address(a) in one for one in ranges)]
    observed = f"{len(passed)} connections" if passed else "nothing"
    suspect = Suspect(
        RANK_ROUTE + 1,
        f"S3 goes through {machine} instead of the endpoint",
        f"{machine} has forwarded what {', '.join(sorted(set(passed)))} sent to {s3}: look at the route tables.",
        repair(environment, "aws_instances"),
    )
    reason = "through the NAT it is slower, and on a managed gateway it is paid for"
    question = f"{machine} forwards to S3"
    return [Finding("hosts", question, "nothing", observed, not passed, reason, suspect if passed else None)]
