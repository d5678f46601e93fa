"""Judge the security groups: they admit what the matrix opens, and nothing else."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from .model import EVERYWHERE, RANK_GROUP, Finding, Intent, Suspect, declaration, repair

EVERY_PORT = range(65536)
PORT_PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True)
class Rule:
    """One source of one ingress permission; `source` is a CIDR, a group id or a prefix list."""

    protocol: str
    ports: range
    source: str

    @property
    def text(self) -> str:
        if self.protocol not in PORT_PROTOCOLS:
            return f"{'all protocols' if self.protocol == '-1' else self.protocol} from {self.source}"
        if self.ports == EVERY_PORT:
            ports = "all ports"
        elif len(self.ports) == 1:
            ports = str(self.ports[0])
        else:
            ports = f"{self.ports[0]}-{self.ports[-1]}"
        return f"{self.protocol} {ports} from {self.source}"


def rules_of(group: dict[str, Any]) -> list[Rule]:
    """Each (protocol, ports, source) that the group admits."""
    rules = []
    for permission in group["ip_permissions"]:
        protocol = str(permission["ip_protocol"])
        first, last = permission.get("from_port"), permission.get("to_port")
        # What stands there for icmp is a type and a code.
        numbered = protocol in PORT_PROTOCOLS and first is not None and last is not None
        ports = range(int(first), int(last) + 1) if numbered else EVERY_PORT
        sources = [str(one["cidr_ip"]) for one in permission.get("ip_ranges", [])]
        sources += [str(one["cidr_ipv6"]) for one in permission.get("ipv6_ranges", [])]
        sources += [str(one["group_id"]) for one in permission.get("user_id_group_pairs", [])]
        sources += [str(one["prefix_list_id"]) for one in permission.get("prefix_list_ids", [])]
        rules += [Rule(protocol, ports, source) for source in sources]
    return rules


@dataclass(frozen=True)
class Sources:
    """How a `from` of the matrix may be written in a group rule."""

    cidrs: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def covers(self, source: str) -> bool:
        """Nothing wider than what is meant."""
        if "/" not in source:
            return source in self.groups
        network = ipaddress.ip_network(source)
        return any(
            network.version == meant.version and network.subnet_of(meant)  # type: ignore[arg-type]
            for meant in map(ipaddress.ip_network, self.cidrs)
        )

    def admitted_by(self, admitted: list[str]) -> bool:
        """Nobody who is meant stays outside of what the rules admit."""
        if set(self.groups) & set(admitted):
            return True
        networks = [ipaddress.ip_network(source) for source in admitted if "/" in source]
        return bool(self.cidrs) and all(
            any(
                network.version == meant.version and meant.subnet_of(network)  # type: ignore[arg-type]
                for network in networks
            )
            for meant in map(ipaddress.ip_network, self.cidrs)
        )


def sources_of(
    source: str, machines: dict[str, list[dict[str, Any]]], subnets: dict[str, str], intent: Intent
) -> Sources:
    if source == "internet":
        return Sources((EVERYWHERE,))
    if source == "operator":
        return Sources(tuple(intent.admin_cidrs))
    groups = {str(g["group_id"]) for one in machines.get(source, []) for g in one["security_groups"]}
    return Sources((subnets[source],) if source in subnets else (), tuple(sorted(groups)))


def judge_groups(
    machines: dict[str, list[dict[str, Any]]],
    groups: list[dict[str, Any]],
    subnets: dict[str, str],
    intent: Intent,
) -> list[Finding]:
    """The groups in force admit what the matrix opens, and nothing else."""
    by_id = {str(group["group_id"]): group for group in groups}
    meant = {
        name: sources_of(name, machines, subnets, intent)
        for name in {cell.source for cell in intent.matrix} | set(machines)
    }
    findings = []
    for tier, found in machines.items():
        attached = {str(g["group_id"]) for one in found for g in one["security_groups"]}
        held = [(by_id[i], rule) for i in sorted(attached & set(by_id)) for rule in rules_of(by_id[i])]
        if not found:
            continue
        findings.append(judge_excess(tier, held, meant, intent))
        findings.append(judge_missing(tier, [rule for _, rule in held], meant, intent))
    return findings


def is_meant(tier: str, rule: Rule, meant: dict[str, Sources], intent: Intent) -> bool:
    """Whether open cells of the matrix, or translation for a tier, ask for this rule."""
    if any(
        translator == tier and meant[client].covers(rule.source) for client, translator in intent.translator.items()
    ):
        return True  # what a tier sends out passes through its translator: any port, no listener needed
    if rule.protocol not in PORT_PROTOCOLS:  # no ports to compare
        return any(
            cell.target == tier
            and cell.expect == "open"
            and cell.protocol == rule.protocol
            and meant[cell.source].covers(rule.source)
            for cell in intent.matrix
        )
    opened = {
        cell.port
        for cell in intent.matrix
        if cell.target == tier
        and cell.expect == "open"
        and cell.protocol == rule.protocol
        and meant[cell.source].covers(rule.source)
    }
    return len(rule.ports) <= len(opened) and all(port in opened for port in rule.ports)


def judge_excess(
    tier: str, held: list[tuple[dict[str, Any], Rule]], meant: dict[str, Sources], intent: Intent
) -> Finding:
    excess = [(group, rule) for group, rule in held if not is_meant(tier, rule, meant, intent)]
    listed = "; ".join(rule.text for _, rule in excess)
    suspect = Suspect(
        RANK_GROUP,
        f"security group {excess[0][0]['group_name']} admits {excess[0][1].text}" if excess else "",
        f"Nothing in the matrix asks for: {listed}.",
        repair(intent.environment, "aws_network"),
    )
    return declaration(
        f"security group of {tier} admits beyond the matrix",
        "nothing",
        listed or "nothing",
        not excess,
        suspect,
        "a rule may be hidden today by what listens, and found tomorrow",
    )


def judge_missing(tier: str, rules: list[Rule], meant: dict[str, Sources], intent: Intent) -> Finding:
    def admitted(protocol: str, port: int, source: Sources) -> bool:
        return source.admitted_by(
            [rule.source for rule in rules if rule.protocol in ("-1", protocol) and port in rule.ports]
        )

    missing = [
        f"{cell.protocol} {cell.port} from {cell.source}"
        for cell in intent.matrix
        if cell.target == tier and cell.expect == "open" and not admitted(cell.protocol, cell.port, meant[cell.source])
    ]
    missing += [
        f"{cell.protocol} {cell.port} from {cell.source} on its way to the internet"
        for cell in intent.matrix
        if cell.target == "internet"
        and cell.expect == "open"
        and intent.translator.get(cell.source) == tier
        and not admitted(cell.protocol, cell.port, meant[cell.source])
    ]
    listed = "; ".join(missing)
    suspect = Suspect(
        RANK_GROUP + 1,
        f"security group of {tier} lacks {missing[0]}" if missing else "",
        f"The matrix needs, and no rule admits: {listed}.",
        repair(intent.environment, "aws_network"),
    )
    return declaration(
        f"security group of {tier} lacks from the matrix",
        "nothing",
        listed or "nothing",
        not missing,
        suspect,
    )
