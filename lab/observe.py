"""Read moto's account and return it as the frozen model. The only module that knows moto's classes from inside."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from moto.backends import get_backend

from lab.config import ACCOUNT, REGION
from lab.elb.observe import endpoints as balancer_endpoints
from lab.elb.observe import interfaces as balancer_interfaces
from lab.model import (
    AclEntry,
    Address,
    Instance,
    Interface,
    Model,
    NetworkAcl,
    Route,
    RouteTable,
    Rule,
    SecurityGroup,
    Subnet,
    Vpc,
)
from lab.rds.observe import databases, endpoint_of, machine_of

PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}


def ec2_backend(region: str = REGION) -> Any:
    """moto's EC2 of the lab's account; typed Any because moto builds it from some seventy mix-ins."""
    return get_backend("ec2")[ACCOUNT][region]


def observe(region: str = REGION) -> Model:
    """Return what the API holds at this moment in one region."""
    backend = ec2_backend(region)
    instances = [one for reservation in list(backend.reservations.values()) for one in reservation.instances]
    placed = [(one, nic) for one in databases(region) if (nic := backend.enis.get(one.lab_nic))]
    return Model(
        vpcs=tuple(_vpc(backend, vpc, instances, placed) for vpc in list(backend.vpcs.values())),
        instances=(
            *(_instance(backend, one) for one in instances if one.state != "terminated"),
            *(machine_of(one) for one, _ in placed),
        ),
        addresses=tuple(_address(one) for one in list(backend.addresses)),
        endpoints=(*(endpoint_of(one, nic) for one, nic in placed), *balancer_endpoints(backend, region)),
    )


def _tag(resource: Any, key: str) -> str:
    return next((tag["value"] for tag in resource.get_tags() if tag["key"] == key), "")


def _vpc(backend: Any, vpc: Any, instances: list[Any], placed: list[tuple[Any, Any]]) -> Vpc:
    subnets = [
        Subnet(one.id, vpc.id, IPv4Network(one.cidr_block))
        for zone in list(backend.subnets.values())
        for one in list(zone.values())
        if one.vpc_id == vpc.id
    ]
    gateways = (igw for igw in list(backend.internet_gateways.values()) if igw.vpc and igw.vpc.id == vpc.id)
    return Vpc(
        id=vpc.id,
        name=_tag(vpc, "Name"),
        cidr=IPv4Network(vpc.cidr_block),
        region=backend.region_name,
        secondary_cidrs=tuple(
            IPv4Network(one["cidr_block"])
            for one in vpc.cidr_block_association_set
            if one["cidr_block_state"]["state"] == "associated" and one["cidr_block"] != vpc.cidr_block
        ),
        gateway_id=next((igw.id for igw in gateways), None),
        subnets=tuple(subnets),
        groups=tuple(_group(one) for one in list(backend.groups[vpc.id].values())),
        route_tables=tuple(_route_table(one) for one in list(backend.route_tables.values()) if one.vpc_id == vpc.id),
        acls=tuple(_acl(one) for one in list(backend.network_acls.values()) if one.vpc_id == vpc.id),
        interfaces=(
            *(
                _interface(nic, one.id)
                for one in instances
                if one.state != "terminated" and one.vpc_id == vpc.id
                for nic in list(one.nics.values())
            ),
            *(
                replace(_interface(one._eni, one.id), group_ids=(), source_dest_check=False)
                for one in list(backend.nat_gateways.values())
                if one.state == "available" and one.vpc_id == vpc.id
            ),
            *(_interface(nic, one.dbi_resource_id) for one, nic in placed if nic.vpc_id == vpc.id),
            *(
                replace(_interface(nic, owner_id), device_index=index)
                for nic, owner_id, index in balancer_interfaces(backend, backend.region_name)
                if nic.vpc_id == vpc.id
            ),
        ),
    )


def _interface(nic: Any, owner_id: str) -> Interface:
    secondary = (one["PrivateIpAddress"] for one in nic.private_ip_addresses)
    return Interface(
        id=nic.id,
        vpc_id=nic.vpc_id,
        subnet_id=nic.subnet_id,
        instance_id=owner_id,
        private_ip=IPv4Address(nic.private_ip_address),
        mac=nic.mac_address,
        public_ip=IPv4Address(nic.public_ip) if nic.public_ip else None,
        group_ids=tuple(sorted(group.id for group in nic.group_set)),
        source_dest_check=bool(nic.source_dest_check),
        secondary_ips=tuple(IPv4Address(one) for one in secondary if one != nic.private_ip_address),
        secondary_public=tuple(
            (IPv4Address(private), IPv4Address(one.public_ip)) for private, one in sorted(secondary_of(nic).items())
        ),
        device_index=int(nic.device_index or 0),
    )


def secondary_of(nic: Any) -> dict[str, Any]:
    """The Elastic IPs of an interface's secondary private addresses."""
    found = (one for one in list(nic.ec2_backend.addresses) if one.eni is nic)
    return {one.lab_private: one for one in found if getattr(one, "lab_private", None)}


def _instance(backend: Any, one: Any) -> Instance:
    pair, image = backend.key_pairs.get(one.key_name), backend.amis.get(one.image_id)
    return Instance(
        id=one.id,
        name=_tag(one, "Name"),
        state=one.state,
        image_id=one.image_id,
        instance_type=one.instance_type,
        interface_ids=tuple(nic.id for _, nic in sorted(one.nics.items())),
        public_key=pair.public_key.strip() if pair else "",
        hostname=one.private_dns_name.partition(".")[0],
        image_name=str(getattr(image, "lab_base", None) or getattr(image, "name", "")),
        made_from=one.image_id if hasattr(image, "lab_source") else "",
    )


def _address(one: Any) -> Address:
    return Address(one.allocation_id or "", IPv4Address(one.public_ip), one.eni.id if one.eni else None)


def _group(group: Any) -> SecurityGroup:
    return SecurityGroup(
        id=group.id,
        vpc_id=group.vpc_id,
        name=group.name,
        ingress=tuple(one for rule in list(group.ingress_rules) for one in _rules(rule)),
        egress=tuple(one for rule in list(group.egress_rules) for one in _rules(rule)),
    )


def _rules(rule: Any) -> list[Rule]:
    """One rule; of a prefix list, one for each of its prefixes."""
    plain = Rule(
        protocol=PROTOCOLS.get(rule.ip_protocol, rule.ip_protocol),
        from_port=rule.from_port,
        to_port=rule.to_port,
        cidr=IPv4Network(rule.cidr_ipv4) if rule.cidr_ipv4 else None,
        group_id=rule.source_group.get("GroupId"),
        id=rule.id,
    )
    if not rule.prefix_list_id:
        return [plain]
    listed = rule.ec2_backend.managed_prefix_lists[rule.prefix_list_id]
    return [replace(plain, cidr=cidr) for cidr in _prefixes(listed)]


def _prefixes(prefix_list: Any) -> list[IPv4Network]:
    entries = prefix_list.entries.get(prefix_list.version) or []
    return [IPv4Network(entry["Cidr"]) for entry in entries if ":" not in entry["Cidr"]]


def _route_table(table: Any) -> RouteTable:
    return RouteTable(
        id=table.id,
        vpc_id=table.vpc_id,
        main=table.main_association_id is not None,
        subnet_ids=tuple(sorted(one for one in table._associations.values() if one.startswith("subnet-"))),
        routes=tuple(one for route in list(table.routes) for one in _routes(route)),
    )


def _routes(route: Any) -> list[Route]:
    """One route; to a prefix list, one for each of its prefixes; of IPv6 none."""
    target = route.gateway_id or route.network_interface_id or route.instance_id or route.nat_gateway_id or "none"
    if route.destination_prefix_list:
        return [Route(cidr, target) for cidr in _prefixes(route.destination_prefix_list)]
    return [Route(IPv4Network(route.destination_cidr_block), target)] if route.destination_cidr_block else []


def _acl(acl: Any) -> NetworkAcl:
    return NetworkAcl(
        id=acl.id,
        vpc_id=acl.vpc_id,
        subnet_ids=tuple(sorted(one.subnet_id for one in acl.associations)),
        entries=tuple(_acl_entry(entry) for entry in acl.network_acl_entries if entry.cidr_block),
    )


def _acl_entry(entry: Any) -> AclEntry:
    """For ICMP the type and code stand where the ports do, as in a group's rule."""
    protocol = PROTOCOLS.get(str(entry.protocol), str(entry.protocol))
    first, last = entry.port_range_from, entry.port_range_to
    if protocol == "icmp":
        first, last = entry.icmp_type, entry.icmp_code
    return AclEntry(
        number=int(entry.rule_number),
        allow=entry.rule_action == "allow",
        egress=str(entry.egress).lower() == "true",
        protocol=protocol,
        cidr=IPv4Network(entry.cidr_block),
        from_port=None if first is None else int(first),
        to_port=None if last is None else int(last),
    )
