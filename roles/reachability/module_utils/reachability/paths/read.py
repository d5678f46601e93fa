"""Turn the API's answers, in the names that Ansible uses, into the frozen account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from .account import Account, Acl, Entry, Group, Interface, Route, Rule, Subnet, Table, Vpc

Answers = Mapping[str, list[dict[str, Any]]]
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}
TARGETS = (
    "network_interface_id",
    "nat_gateway_id",
    "gateway_id",
    "vpc_peering_connection_id",
    "transit_gateway_id",
    "carrier_gateway_id",
    "local_gateway_id",
    "instance_id",
)


def read(answers: Answers, environment: str = "") -> Account:
    """The account as far as it was asked for."""
    lists = {one["prefix_list_id"]: networks(one["cidrs"]) for one in answers.get("prefix_lists", [])}
    return Account(
        environment=environment,
        vpcs=tuple(vpc_of(one, answers) for one in answers["vpcs"]),
        subnets=tuple(subnet_of(one) for one in answers["subnets"]),
        tables=tuple(table_of(one, lists) for one in answers["route_tables"]),
        acls=tuple(acl_of(one) for one in answers["network_acls"]),
        groups=tuple(group_of(one, lists) for one in answers["security_groups"]),
        interfaces=tuple(interfaces_of(answers)),
        elastic=tuple(IPv4Address(one["public_ip"]) for one in answers["addresses"]),
        services={
            one["prefix_list_name"].rpartition(".")[2]: lists[one["prefix_list_id"]]
            for one in answers.get("prefix_lists", [])
            if one.get("prefix_list_name", "").startswith("com.amazonaws.")
        },
    )


def networks(texts: Iterable[str]) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(one) for one in texts if ":" not in one)


def vpc_of(one: dict[str, Any], answers: Answers) -> Vpc:
    gateways = [
        gateway["internet_gateway_id"]
        for gateway in answers["internet_gateways"]
        for attachment in gateway["attachments"]
        # EC2 says "available", and its documentation "attached".
        if attachment["vpc_id"] == one["vpc_id"] and attachment["state"] in ("available", "attached")
    ]
    further = [
        more["cidr_block"]
        for more in one.get("cidr_block_association_set", [])
        if more.get("cidr_block_state", {}).get("state") == "associated" and more["cidr_block"] != one["cidr_block"]
    ]
    return Vpc(
        one["vpc_id"],
        networks([one["cidr_block"], *further]),
        next(iter(gateways), ""),
        one.get("tags", {}).get("Environment", ""),
        bool(one.get("enable_dns_support", True)),
    )


def subnet_of(one: dict[str, Any]) -> Subnet:
    tags = one.get("tags", {})
    cidr = IPv4Network(one["cidr_block"])
    return Subnet(one["subnet_id"], one["vpc_id"], cidr, tags.get("Name", ""), tags.get("Tier", ""))


def table_of(one: dict[str, Any], lists: Mapping[str, tuple[IPv4Network, ...]]) -> Table:
    live = [a for a in one["associations"] if a.get("association_state", {}).get("state", "associated") == "associated"]
    return Table(
        one["route_table_id"],
        one["vpc_id"],
        any(a.get("main") for a in live),
        tuple(a["subnet_id"] for a in live if a.get("subnet_id")),
        tuple(route for raw in one["routes"] if (route := route_of(raw, lists))),
        one.get("tags", {}).get("Name", ""),
    )


def route_of(raw: dict[str, Any], lists: Mapping[str, tuple[IPv4Network, ...]]) -> Route | None:
    """None for a route of IPv6."""
    target = next((str(raw[key]) for key in TARGETS if raw.get(key)), "nothing")
    active = raw.get("state", "active") == "active"
    listed = raw.get("destination_prefix_list_id")
    if listed:
        return Route(listed, lists.get(listed, ()), target, active)
    cidr = raw.get("destination_cidr_block")
    return Route(cidr, networks([cidr]), target, active) if cidr else None


def acl_of(one: dict[str, Any]) -> Acl:
    entries = tuple(entry_of(raw) for raw in one["entries"] if raw.get("cidr_block"))
    return Acl(one["network_acl_id"], tuple(a["subnet_id"] for a in one["associations"]), entries)


def entry_of(raw: dict[str, Any]) -> Entry:
    protocol = PROTOCOLS.get(str(raw["protocol"]), str(raw["protocol"]))
    ports = raw.get("port_range") or {}
    first, last = ports.get("from"), ports.get("to")
    if protocol == "icmp":
        icmp = raw.get("icmp_type_code") or {}
        first, last = icmp.get("type", first), icmp.get("code", last)
    cidr = IPv4Network(raw["cidr_block"])
    number, allow = int(raw["rule_number"]), raw["rule_action"] == "allow"
    return Entry(number, allow, bool(raw["egress"]), protocol, first, last, cidr)


def group_of(one: dict[str, Any], lists: Mapping[str, tuple[IPv4Network, ...]]) -> Group:
    return Group(
        one["group_id"],
        one["group_name"],
        tuple(rules_of(one.get("ip_permissions", []), lists)),
        tuple(rules_of(one.get("ip_permissions_egress", []), lists)),
    )


def rules_of(permissions: list[dict[str, Any]], lists: Mapping[str, tuple[IPv4Network, ...]]) -> Iterable[Rule]:
    for one in permissions:
        protocol = PROTOCOLS.get(str(one["ip_protocol"]), str(one["ip_protocol"]))
        first, last = one.get("from_port"), one.get("to_port")
        for cidr in one.get("ip_ranges", []):
            yield Rule(protocol, first, last, networks([cidr["cidr_ip"]]), cidr["cidr_ip"])
        for listed in one.get("prefix_list_ids", []):
            identity = listed["prefix_list_id"]
            yield Rule(protocol, first, last, lists.get(identity, ()), identity)
        for pair in one.get("user_id_group_pairs", []):
            yield Rule(protocol, first, last, (), pair["group_id"], pair["group_id"])


def interfaces_of(answers: Answers) -> Iterable[Interface]:
    """Those of the API, and the face of each NAT gateway where the API does not list it."""
    machines = {one["instance_id"]: one for one in [*answers["instances"], *answers.get("others", [])]}
    gateways = {
        address["network_interface_id"]: (one, address)
        for one in answers.get("nat_gateways", [])
        for address in one.get("nat_gateway_addresses", [])
        if one.get("state", "available") == "available" and address.get("network_interface_id")
    }
    tiers = {one["group_id"]: one.get("tags", {}).get("Tier", "") for one in answers["security_groups"]}
    for raw in answers["network_interfaces"]:
        identity = raw["network_interface_id"]
        if identity in gateways:
            yield gateway_face(*gateways.pop(identity))
        elif raw.get("private_ip_address"):
            owner = str((raw.get("attachment") or {}).get("instance_id") or "")
            # What is no machine (a managed database) is of the tier of its group.
            tier = next((tiers[one["group_id"]] for one in raw["groups"] if tiers.get(one["group_id"])), "")
            yield interface_of(raw, owner, machines.get(owner, {"tags": {"Tier": "" if owner else tier}}))
    for gateway, address in gateways.values():
        yield gateway_face(gateway, address)


def interface_of(raw: dict[str, Any], owner: str, machine: Mapping[str, Any]) -> Interface:
    listed = raw.get("private_ip_addresses", [])
    ordered = dict.fromkeys([raw["private_ip_address"], *(one["private_ip_address"] for one in listed)])
    publics = {one["private_ip_address"]: (one.get("association") or {}).get("public_ip") for one in listed}
    primary = (raw.get("association") or {}).get("public_ip")
    publics[raw["private_ip_address"]] = publics.get(raw["private_ip_address"]) or primary
    tags = machine.get("tags", {})
    return Interface(
        id=raw["network_interface_id"],
        vpc=raw["vpc_id"],
        subnet=raw["subnet_id"],
        addresses=tuple(IPv4Address(one) for one in ordered),
        mapped=tuple((IPv4Address(inner), IPv4Address(outer)) for inner, outer in publics.items() if outer),
        groups=tuple(one["group_id"] for one in raw["groups"]),
        check=bool(raw["source_dest_check"]),
        owner=owner,
        name=tags.get("Name", "") or raw.get("description", "") * (not owner),
        tier=tags.get("Tier", ""),
        # Of what is no instance (a database, a load balancer) the API tells no state here.
        state=str(machine["state"]["name"]) if "state" in machine else "running",
    )


def gateway_face(gateway: Mapping[str, Any], address: Mapping[str, Any]) -> Interface:
    private, public = IPv4Address(address["private_ip"]), address.get("public_ip")
    return Interface(
        id=address["network_interface_id"],
        vpc=gateway["vpc_id"],
        subnet=gateway["subnet_id"],
        addresses=(private,),
        mapped=((private, IPv4Address(public)),) if public else (),
        check=False,
        owner=gateway["nat_gateway_id"],
    )
