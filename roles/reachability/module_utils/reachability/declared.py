"""Judge what the API declares: machines, addresses, source/dest check, routes, groups.

Packets cannot tell why they vanish, nor see a rule that the host's own settings hide: the API can.
"""

from __future__ import annotations

from typing import Any

from . import strangers
from .groups import judge_groups
from .model import (
    EVERYWHERE,
    NAT_GATEWAY,
    RANK_ADDRESS,
    RANK_GROUP,
    RANK_MACHINE,
    RANK_ROUTE,
    Finding,
    Intent,
    Suspect,
    declaration,
    repair,
)
from .surroundings import judge_surroundings


def tier_of(instance: dict[str, Any]) -> str:
    return str(instance.get("tags", {}).get("Tier", ""))


def by_tier(instances: list[dict[str, Any]], tiers: list[str]) -> dict[str, list[dict[str, Any]]]:
    return {tier: [one for one in instances if tier_of(one) == tier] for tier in tiers}


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
        findings.append(declaration(f"machine {tier}", "running", observed, states == ["running"], suspect))
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
            findings.append(declaration(f"public address of {tier}", intended, observed, ok, suspect))
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
            findings.append(
                declaration(f"source/dest check of {tier}", intended, observed, observed == intended, suspect)
            )
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
    for prefix, words in (("igw-", "internet gateway"), ("nat-", NAT_GATEWAY)):
        if target.startswith(prefix):
            target = words
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
                repair(intent.environment, "aws_instances" if intended in machines else "aws_network"),
            )
            findings.append(declaration(f"default route of {tier}", intended, observed, observed == intended, suspect))
    return findings


def judge_declared(
    api: dict[str, list[dict[str, Any]]],
    tiers: list[str],
    subnets: dict[str, str],
    intent: Intent,
    s3_endpoint: bool,
) -> list[Finding]:
    """All findings from the API's answers."""
    machines = by_tier(api["instances"], tiers)
    return [
        *judge_machines(machines, intent.environment),
        *judge_addresses(machines, api["addresses"], intent),
        *judge_source_dest_check(machines, intent),
        *judge_routes(machines, api["route_tables"], intent),
        *judge_groups(machines, api["security_groups"], subnets, intent),
        *judge_surroundings(api, machines, intent, s3_endpoint),
        *strangers.judge_api(api, intent),
    ]
