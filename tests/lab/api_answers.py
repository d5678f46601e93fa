"""A model as EC2's API would describe it, in the names that Ansible's modules use."""

from __future__ import annotations

from typing import Any

from lab.model import AclEntry, Interface, Model, NetworkAcl, RouteTable, Rule, SecurityGroup, Vpc

Answers = dict[str, list[dict[str, Any]]]


def answers_of(model: Model) -> Answers:
    """What reachability_declared returns for an account that holds this."""
    states = {one.id: one.state for one in model.instances}  # a drawing without instances means that all run
    every = [(vpc, nic) for vpc in model.vpcs for nic in vpc.interfaces]
    return {
        "vpcs": [_vpc(one) for one in model.vpcs],
        "subnets": [
            {"subnet_id": one.id, "vpc_id": one.vpc_id, "cidr_block": str(one.cidr), "tags": {}}
            for vpc in model.vpcs
            for one in vpc.subnets
        ],
        "route_tables": [_table(vpc, one) for vpc in model.vpcs for one in vpc.route_tables],
        "network_acls": [_acl(one) for vpc in model.vpcs for one in vpc.acls],
        "security_groups": [_group(one) for vpc in model.vpcs for one in vpc.groups],
        "internet_gateways": [
            {"internet_gateway_id": vpc.gateway_id, "attachments": [{"vpc_id": vpc.id, "state": "available"}]}
            for vpc in model.vpcs
            if vpc.gateway_id
        ],
        "network_interfaces": [_interface(nic) for _, nic in every],
        "instances": [
            {"instance_id": nic.instance_id, "state": {"name": states.get(nic.instance_id, "running")}, "tags": {}}
            for _, nic in every
            if not nic.is_nat_gateway
        ],
        "addresses": [{"public_ip": str(public)} for _, nic in every for _, public in nic.mappings],
        "nat_gateways": [],
        "prefix_lists": [],
    }


def _interface(nic: Interface) -> dict[str, Any]:
    publics = dict(nic.mappings)
    return {
        "network_interface_id": nic.id,
        "vpc_id": nic.vpc_id,
        "subnet_id": nic.subnet_id,
        "private_ip_address": str(nic.private_ip),
        "private_ip_addresses": [
            {
                "private_ip_address": str(one),
                "association": {"public_ip": str(publics[one])} if one in publics else None,
            }
            for one in nic.addresses
        ],
        "association": {"public_ip": str(nic.public_ip)} if nic.public_ip else None,
        "attachment": {"instance_id": nic.instance_id},
        "groups": [{"group_id": one} for one in nic.group_ids],
        "source_dest_check": nic.source_dest_check,
    }


def _target(target: str) -> dict[str, str]:
    kinds = {"eni": "network_interface_id", "i": "instance_id", "nat": "nat_gateway_id"}
    return {kinds.get(target.partition("-")[0], "gateway_id"): target}


def _vpc(vpc: Vpc) -> dict[str, Any]:
    ranges = [{"cidr_block": str(cidr), "cidr_block_state": {"state": "associated"}} for cidr in vpc.cidrs]
    return {"vpc_id": vpc.id, "cidr_block": str(vpc.cidr), "cidr_block_association_set": ranges, "tags": {}}


def _table(vpc: Vpc, one: RouteTable) -> dict[str, Any]:
    local = [{"destination_cidr_block": str(cidr), "gateway_id": "local"} for cidr in vpc.cidrs]
    routes = [{"destination_cidr_block": str(route.destination), **_target(route.target)} for route in one.routes]
    return {
        "route_table_id": one.id,
        "vpc_id": one.vpc_id,
        "associations": [{"main": one.main}, *({"main": False, "subnet_id": subnet} for subnet in one.subnet_ids)],
        "routes": [*local, *routes],
    }


def _acl(one: NetworkAcl) -> dict[str, Any]:
    return {
        "network_acl_id": one.id,
        "associations": [{"subnet_id": subnet} for subnet in one.subnet_ids],
        "entries": [_entry(entry) for entry in one.entries],
    }


def _entry(entry: AclEntry) -> dict[str, Any]:
    numbers = {"tcp": "6", "udp": "17", "icmp": "1"}
    described: dict[str, Any] = {
        "rule_number": entry.number,
        "rule_action": "allow" if entry.allow else "deny",
        "egress": entry.egress,
        "protocol": numbers.get(entry.protocol, entry.protocol),
        "cidr_block": str(entry.cidr),
    }
    if entry.protocol == "icmp" and entry.from_port is not None:
        described["icmp_type_code"] = {"type": entry.from_port, "code": entry.to_port}
    elif entry.from_port is not None:
        described["port_range"] = {"from": entry.from_port, "to": entry.to_port}
    return described


def _group(one: SecurityGroup) -> dict[str, Any]:
    return {
        "group_id": one.id,
        "group_name": one.name,
        "ip_permissions": [_permission(rule) for rule in one.ingress],
        "ip_permissions_egress": [_permission(rule) for rule in one.egress],
    }


def _permission(rule: Rule) -> dict[str, Any]:
    return {
        "ip_protocol": rule.protocol,
        "from_port": rule.from_port,
        "to_port": rule.to_port,
        "ip_ranges": [{"cidr_ip": str(rule.cidr)}] if rule.cidr else [],
        "user_id_group_pairs": [{"group_id": rule.group_id}] if rule.group_id else [],
    }
