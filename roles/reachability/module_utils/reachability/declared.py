"""Judge what the API declares: machines, addresses, source/dest check, routes, groups.

Packets cannot tell why they vanish, nor see a rule that the host's own settings hide: the API can.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from .model import RANK_ADDRESS, RANK_GROUP, RANK_MACHINE, RANK_ROUTE, Cell, Finding, Suspect, repair

EVERYWHERE = "0.0.0.0/0"
EVERY_PORT = range(65536)
PORT_PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True)
class Intent:
    """What the groups and routes are derived from."""

    matrix: list[Cell]
    admin_cidrs: list[str]
    translator: dict[str, str]  # tier -> tier that translates for it on the way out
    environment: str


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


def tier_of(instance: dict[str, Any]) -> str:
    return str(instance.get("tags", {}).get("Tier", ""))


def by_tier(instances: list[dict[str, Any]], tiers: list[str]) -> dict[str, list[dict[str, Any]]]:
    return {tier: [one for one in instances if tier_of(one) == tier] for tier in tiers}


def finding(question: str, intended: str, observed: str, ok: bool, suspect: Suspect, reason: str = "") -> Finding:
    return Finding("declared", question, intended, observed, ok, reason, None if ok else suspect)


def judge_machines(machines: dict[str, list[dict[str, Any]]], environment: str) -> list[Finding]:
    """Exactly one running machine per tier."""
    findings = []
    for tier, found in machines.items():
        states = [str(one["state"]["name"]) for one in found]
        observed = ", ".join(states) or "none"
        suspect = Suspect(
            RANK_MACHINE,
            f"machine {tier}",
            f"EC2 lists for tier {tier}: {observed}.",
            repair(environment),
        )
        findings.append(finding(f"machine {tier}", "running", observed, states == ["running"], suspect))
    return findings


def judge_addresses(
    machines: dict[str, list[dict[str, Any]]], elastic_ips: list[dict[str, Any]], intent: Intent
) -> list[Finding]:
    """The public machine has its Elastic IP; nobody else has a public address."""
    findings = []
    for tier, found in machines.items():
        for one in found:
            public = str(one.get("public_ip_address") or "")
            elastic = [
                str(address["public_ip"]) for address in elastic_ips if address.get("instance_id") == one["instance_id"]
            ]
            observed = elastic[0] if elastic else public or "none"
            wants = tier in intent.translator.values() or any(
                cell.target == tier and cell.expect == "open" and cell.source in ("internet", "operator")
                for cell in intent.matrix
            )
            if wants:
                ok, intended = bool(elastic) and elastic[0] == public, "an Elastic IP"
            else:
                ok, intended = observed == "none", "none"
            suspect = Suspect(
                RANK_ADDRESS,
                f"Elastic IP of {tier}" if wants else f"public address on {tier}",
                f"{tier} should have {intended} and has {observed}"
                + (f"; the machine itself is known by {public or 'no public address'}." if wants else "."),
                repair(intent.environment, "aws_instances"),
            )
            findings.append(finding(f"public address of {tier}", intended, observed, ok, suspect))
    return findings


def judge_source_dest_check(machines: dict[str, list[dict[str, Any]]], intent: Intent) -> list[Finding]:
    """Off where packets of others pass through, on everywhere else."""
    findings = []
    for tier, found in machines.items():
        intended = "off" if tier in intent.translator.values() else "on"
        for one in found:
            observed = "on" if one["source_dest_check"] else "off"
            suspect = Suspect(
                RANK_GROUP - 1,
                f"source/dest check of {tier}",
                f"It is {observed}: EC2 drops packets of {tier} that are not its own."
                if intended == "off"
                else f"It is {observed}: {tier} could send packets under a foreign address.",
                repair(intent.environment, "aws_instances"),
            )
            findings.append(finding(f"source/dest check of {tier}", intended, observed, observed == intended, suspect))
    return findings


def table_of(subnet_id: str, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """The route table in force for a subnet: its own, else the main one."""
    own = [t for t in tables if any(a.get("subnet_id") == subnet_id for a in t["associations"])]
    main = [t for t in tables if any(a.get("main") for a in t["associations"])]
    return (own or main or [{"routes": [], "route_table_id": "none"}])[0]


def describe_route(route: dict[str, Any] | None, names: dict[str, str]) -> str:
    """The target of a route in the words of the matrix, and its state where it is not active."""
    if route is None:
        return "none"
    keys = ("instance_id", "network_interface_id", "nat_gateway_id", "gateway_id")
    target = next((str(route[key]) for key in keys if route.get(key)), "unknown target")
    if target.startswith("igw-"):
        target = "internet gateway"
    state = str(route.get("state", "active"))
    return names.get(target, target) + ("" if state == "active" else f" ({state})")


def judge_routes(
    machines: dict[str, list[dict[str, Any]]], tables: list[dict[str, Any]], intent: Intent
) -> list[Finding]:
    """Where each tier's default route leads."""
    names = {}
    for tier, found in machines.items():
        for one in found:
            names[str(one["instance_id"])] = tier
            for interface in one.get("network_interfaces", []):
                names[str(interface["network_interface_id"])] = tier
    findings = []
    for tier, found in machines.items():
        for one in found:
            table = table_of(one["subnet_id"], tables)
            defaults = [r for r in table["routes"] if r.get("destination_cidr_block") == EVERYWHERE]
            observed = describe_route(defaults[0] if defaults else None, names)
            intended = intent.translator.get(tier, "internet gateway")
            suspect = Suspect(
                RANK_ROUTE,
                f"default route of {tier}",
                f"{table['route_table_id']} sends 0.0.0.0/0 to: {observed}; it should be: {intended}.",
                repair(intent.environment, "aws_instances" if tier in intent.translator else "aws_network"),
            )
            findings.append(finding(f"default route of {tier}", intended, observed, observed == intended, suspect))
    return findings


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
    return finding(
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
    return finding(
        f"security group of {tier} lacks from the matrix",
        "nothing",
        listed or "nothing",
        not missing,
        suspect,
    )


def judge_declared(
    api: dict[str, list[dict[str, Any]]], tiers: list[str], subnets: dict[str, str], intent: Intent
) -> list[Finding]:
    """All findings from the API's answers."""
    machines = by_tier(api["instances"], tiers)
    return [
        *judge_machines(machines, intent.environment),
        *judge_addresses(machines, api["addresses"], intent),
        *judge_source_dest_check(machines, intent),
        *judge_routes(machines, api["route_tables"], intent),
        *judge_groups(machines, api["security_groups"], subnets, intent),
    ]
