"""Judge what the API declares around the machines: gateway, tables, endpoint, names, metadata, default group."""

from __future__ import annotations

import json
from typing import Any

from .model import EVERYWHERE, RANK_ADDRESS, RANK_GROUP, RANK_ROUTE, Finding, Intent, Suspect, declaration, repair

Api = dict[str, list[dict[str, Any]]]


def finding(question: str, intended: str, observed: str, rank: int, name: str, look: str, command: str) -> Finding:
    """What is declared is right when it is what is intended, word for word."""
    return declaration(question, intended, observed, observed == intended, Suspect(rank, name, look, command))


def judge_surroundings(
    api: Api, machines: dict[str, list[dict[str, Any]]], intent: Intent, s3_endpoint: bool
) -> list[Finding]:
    command = repair(intent.environment, "aws_network")
    findings = [
        *judge_gateway(api, command),
        *judge_names(api, command),
        *judge_subnets(api, command),
        *judge_default_group(api, command),
    ]
    for tier, found in machines.items():
        for one in found:
            findings += judge_wearing(tier, one, api, repair(intent.environment, "aws_instances"))
            findings += judge_metadata(tier, one, repair(intent.environment, "aws_instances"))
            findings += judge_extra_routes(tier, one, api, repair(intent.environment, "aws_network,aws_instances"))
            findings += judge_association(tier, one, api, repair(intent.environment, "aws_network,aws_instances"))
    return findings + judge_endpoint(api, machines, s3_endpoint, repair(intent.environment, "aws_instances"))


def judge_gateway(api: Api, command: str) -> list[Finding]:
    attached = [one["internet_gateway_id"] for one in api["internet_gateways"] if one["attachments"]]
    observed = "attached" if attached else "none"
    look = "Without one nothing of the VPC reaches the internet, nor the internet anything of it."
    return [
        finding(
            "internet gateway", "attached", observed, RANK_ADDRESS - 2, "internet gateway of the VPC", look, command
        )
    ]


def judge_names(api: Api, command: str) -> list[Finding]:
    off = [one["vpc_id"] for one in api["vpcs"] if not one["enable_dns_support"]]
    look = f"enableDnsSupport of {', '.join(off)} is off: the resolver at VPC+2 answers nobody."
    observed = "off" if off else "on"
    return [
        finding("names in the VPC (DNS)", "on", observed, RANK_ADDRESS - 1, "DNS support of the VPC", look, command)
    ]


def judge_subnets(api: Api, command: str) -> list[Finding]:
    giving = [
        str(one["tags"].get("Tier") or one["subnet_id"]) for one in api["subnets"] if one["map_public_ip_on_launch"]
    ]
    observed = ", ".join(giving) or "none"
    name = f"subnet {observed} gives every new machine a public address"
    look = "MapPublicIpOnLaunch is on: the next machine there is on the internet without anybody having said so."
    return [finding("subnets that give public addresses", "none", observed, RANK_ROUTE + 2, name, look, command)]


def judge_default_group(api: Api, command: str) -> list[Finding]:
    """Whatever is launched without naming a group gets this one."""
    opened = [one for one in api["security_groups"] if one["group_name"] == "default" and one["ip_permissions"]]
    observed = "something" if opened else "nothing"
    look = "A machine that is launched without naming a group gets this one, and would be open to what it admits."
    name = "default security group admits something"
    return [finding("default security group admits", "nothing", observed, RANK_GROUP + 3, name, look, command)]


def judge_wearing(tier: str, machine: dict[str, Any], api: Api, command: str) -> list[Finding]:
    """Each machine is in the groups of its tier, as their tags say."""
    tiers = {one["group_id"]: str(one["tags"].get("Tier", "")) for one in api["security_groups"]}
    names = {one["group_id"]: str(one["group_name"]) for one in api["security_groups"]}
    if tier not in tiers.values():
        return []  # groups of one's own
    worn = [one["group_id"] for one in machine["security_groups"]]
    foreign = [names.get(one, one) for one in worn if tiers.get(one) != tier]
    right = any(tiers.get(one) == tier for one in worn) and not foreign
    observed = "its own" if right else ", ".join(names.get(one, one) for one in worn) or "none"
    name = f"security groups of {tier}: {observed}"
    look = f"The machine should be in the groups of its own tier, and is in: {observed}."
    return [finding(f"security groups of {tier}", "its own", observed, RANK_GROUP - 2, name, look, command)]


def judge_metadata(tier: str, machine: dict[str, Any], command: str) -> list[Finding]:
    options = machine.get("metadata_options") or {}
    if not options:
        return []
    observed = "with a token" if options.get("http_tokens") == "required" else "without a token"
    look = "IMDSv1 is allowed: a program that can be made to fetch a URL hands out the machine's credentials."
    name = f"instance metadata of {tier} (IMDSv1)"
    if options.get("http_endpoint") == "disabled":
        observed, name = "to nobody", f"instance metadata of {tier} (off)"
        look = (
            "The machine cannot ask for its own address, keys and role: the next boot may miss them. "
            f"aws ec2 modify-instance-metadata-options --instance-id {machine['instance_id']} --http-endpoint enabled"
        )
    return [finding(f"metadata of {tier} is given", "with a token", observed, RANK_ROUTE + 1, name, look, command)]


def judge_association(tier: str, machine: dict[str, Any], api: Api, command: str) -> list[Finding]:
    """The subnet follows the table of its tier, as the tables' tags say."""
    tables = api["route_tables"]
    if tier not in {str(one["tags"].get("Tier", "")) for one in tables}:
        return []
    subnet = machine["subnet_id"]
    own = [one for one in tables if any(a.get("subnet_id") == subnet for a in one["associations"])]
    table = (own or [{"tags": {"Name": "the main one"}}])[0]
    label = str(table["tags"].get("Name") or table.get("route_table_id"))
    observed = "its own" if table["tags"].get("Tier") == tier else label
    name = f"route table of the {tier} subnet: {label}"
    look = f"{subnet} should follow the table of its own tier, and follows: {label}."
    return [finding(f"route table of {tier}", "its own", observed, RANK_ROUTE - 1, name, look, command)]


def judge_extra_routes(tier: str, machine: dict[str, Any], api: Api, command: str) -> list[Finding]:
    """Beside its own VPC, the default route and endpoints, a table leads nowhere."""
    subnet = machine["subnet_id"]
    own = [one for one in api["route_tables"] if any(a.get("subnet_id") == subnet for a in one["associations"])]
    extra = [
        f"{route.get('destination_cidr_block') or route.get('destination_ipv6_cidr_block')} -> {target_of(route)}"
        for table in own
        for route in table["routes"]
        if route.get("destination_cidr_block") != EVERYWHERE
        and not str(target_of(route)).startswith(("local", "vpce-"))
    ]
    observed = "; ".join(extra) or "nothing"
    name = f"route table of the {tier} subnet has more than it should: {observed}"
    look = f"Nothing asks for these routes, and packets follow the most specific one: {observed}."
    return [finding(f"routes of {tier} beyond its own", "nothing", observed, RANK_ROUTE - 1, name, look, command)]


def target_of(route: dict[str, Any]) -> str:
    keys = ("gateway_id", "network_interface_id", "nat_gateway_id", "vpc_peering_connection_id", "transit_gateway_id")
    return next((str(route[key]) for key in keys if route.get(key)), "nobody")


def judge_endpoint(api: Api, machines: dict[str, list[dict[str, Any]]], wanted: bool, command: str) -> list[Finding]:
    """Where it is wanted, every machine's table leads to S3 by the endpoint, and its policy denies nothing."""
    live = [
        one
        for one in api["endpoints"]
        if one["service_name"].endswith(".s3") and str(one["state"]).lower() == "available"
    ]
    served = {table for one in live for table in one.get("route_table_ids", [])}
    used = {
        table["route_table_id"]
        for found in machines.values()
        for one in found
        for table in api["route_tables"]
        if any(a.get("subnet_id") == one["subnet_id"] for a in table["associations"])
    }
    observed = (
        "none" if not live else "an endpoint" if used <= served else f"not from {', '.join(sorted(used - served))}"
    )
    if not all(admits_everything(str(one.get("policy_document") or "")) for one in live):
        observed = "an endpoint whose policy denies"
    intended = "an endpoint" if wanted else "none"
    look = f"S3 should be reached by {intended}, and it is: {observed}. Else it goes through the NAT, and is paid for."
    return [finding("S3 goes by", intended, observed, RANK_ROUTE + 1, "S3 endpoint of the VPC", look, command)]


def admits_everything(policy: str) -> bool:
    """Whether an endpoint's policy is the one that EC2 gives by itself; nothing written is the same.

    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#default-endpoint-policy
    """
    whole = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    written = json.loads(policy).get("Statement", []) if policy else [whole]
    statements = written if isinstance(written, list) else [written]
    plain = [{key: value for key, value in one.items() if key != "Sid"} for one in statements]
    return whole in plain and all(one.get("Effect") == "Allow" for one in plain)
