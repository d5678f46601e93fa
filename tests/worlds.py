"""Read a world written in YAML, as a person would draw it, into the lab's model.

    vpcs:
      a:
        cidr: 10.1.0.0/16
        gateway: true
        subnets: {public: 10.1.1.0/24}
        tables: {public: {subnets: [public], routes: {0.0.0.0/0: gateway}}}
        groups: {web: {ingress: [tcp 80 0.0.0.0/0]}}
        machines: {web: {subnet: public, address: 10.1.1.10, public: 16, groups: [web]}}

A machine with `of: web, index: 1` is a second interface of the machine `web`.

A rule is `PROTOCOL PORTS PEER`: `tcp 80 0.0.0.0/0`, `tcp 8000-8010 web`, `icmp 8 10.0.0.0/8`, `all 10.1.2.0/24`.
"""

from __future__ import annotations

import copy
import hashlib
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from lab.model import AclEntry, Interface, Model, NetworkAcl, Route, RouteTable, Rule, SecurityGroup, Subnet, Vpc

WORLDS = Path(__file__).parent / "lab" / "worlds"
ALLOW_ALL = ("egress 100 allow all 0.0.0.0/0", "ingress 100 allow all 0.0.0.0/0")


@cache
def _base(name: str) -> Any:
    return yaml.safe_load((WORLDS / f"{name}.yml").read_text())


def base_world(name: str) -> dict[str, Any]:
    """A named world, free to be changed."""
    world: dict[str, Any] = copy.deepcopy(_base(name))
    return world


def merge(world: Any, change: Any) -> Any:
    """The world with a change laid over it; `null` removes what stands there."""
    if not isinstance(world, dict) or not isinstance(change, dict):
        return change
    kept = {key: value for key, value in world.items() if key not in change}
    laid = {key: merge(world.get(key), value) for key, value in change.items() if value is not None}
    return {**kept, **laid}


def identifier(kind: str, *words: str) -> str:
    """A stable id in EC2's form: the kind and seventeen hexadecimal digits."""
    return f"{kind}-{hashlib.sha256('/'.join(words).encode()).hexdigest()[:17]}"


def build_model(world: dict[str, Any], pool: IPv4Network) -> Model:
    """Return the model of a world; `public: 16` means the sixteenth address of the pool."""
    return Model(vpcs=tuple(_vpc(name, spec, pool) for name, spec in world["vpcs"].items()))


def machine_id(vpc: str, machine: str) -> str:
    """The instance's id; a machine called `nat-gateway` is a NAT gateway."""
    return identifier("nat" if machine == "nat-gateway" else "i", vpc, machine)


def _vpc(name: str, spec: dict[str, Any], pool: IPv4Network) -> Vpc:
    vpc_id = identifier("vpc", name)
    subnets = {
        key: Subnet(identifier("subnet", name, key), vpc_id, IPv4Network(cidr)) for key, cidr in spec["subnets"].items()
    }
    return Vpc(
        id=vpc_id,
        name=name,
        cidr=IPv4Network(spec["cidr"]),
        secondary_cidrs=tuple(IPv4Network(one) for one in spec.get("more_cidrs", [])),
        region="ap-northeast-2",
        gateway_id=identifier("igw", name) if spec.get("gateway") else None,
        subnets=tuple(subnets.values()),
        groups=tuple(_group(name, key, one) for key, one in spec.get("groups", {}).items()),
        route_tables=tuple(_table(name, key, one) for key, one in spec.get("tables", {}).items()),
        acls=tuple(_acl(name, key, one) for key, one in spec.get("acls", {}).items()),
        interfaces=tuple(_interface(name, key, one, pool) for key, one in spec.get("machines", {}).items()),
    )


def _group(vpc: str, name: str, spec: dict[str, Any]) -> SecurityGroup:
    return SecurityGroup(
        id=identifier("sg", vpc, name),
        vpc_id=identifier("vpc", vpc),
        name=name,
        ingress=tuple(_rule(vpc, text) for text in spec.get("ingress", [])),
        egress=tuple(_rule(vpc, text) for text in spec.get("egress", ["all 0.0.0.0/0"])),
    )


def _ports(protocol: str, words: list[str]) -> tuple[int | None, int | None]:
    if protocol == "-1" or not words:
        return None, None
    first, _, last = words[0].partition("/" if protocol == "icmp" else "-")
    return int(first), int(last or (-1 if protocol == "icmp" else first))


def _rule(vpc: str, text: str) -> Rule:
    word, *ports, peer = text.split()
    protocol = "-1" if word == "all" else word
    from_port, to_port = _ports(protocol, ports)
    if peer[0].isdigit():
        return Rule(protocol, from_port, to_port, cidr=IPv4Network(peer))
    return Rule(protocol, from_port, to_port, group_id=identifier("sg", vpc, peer))


def _table(vpc: str, name: str, spec: dict[str, Any]) -> RouteTable:
    def target(word: str) -> str:
        return identifier("igw", vpc) if word == "gateway" else machine_id(vpc, word)

    routes = [Route(IPv4Network(to), target(word)) for to, word in spec.get("routes", {}).items()]
    return RouteTable(
        id=identifier("rtb", vpc, name),
        vpc_id=identifier("vpc", vpc),
        main=name == "main",
        subnet_ids=tuple(identifier("subnet", vpc, one) for one in spec.get("subnets", [])),
        routes=tuple(routes),
    )


def _acl(vpc: str, name: str, spec: dict[str, Any]) -> NetworkAcl:
    return NetworkAcl(
        id=identifier("acl", vpc, name),
        vpc_id=identifier("vpc", vpc),
        subnet_ids=tuple(identifier("subnet", vpc, one) for one in spec["subnets"]),
        entries=tuple(_acl_entry(text) for text in spec.get("entries", ALLOW_ALL)),
    )


def _acl_entry(text: str) -> AclEntry:
    direction, number, action, word, *ports, cidr = text.split()
    protocol = "-1" if word == "all" else word
    from_port, to_port = _ports(protocol, ports)
    return AclEntry(
        int(number), action == "allow", direction == "egress", protocol, IPv4Network(cidr), from_port, to_port
    )


def _interface(vpc: str, name: str, spec: dict[str, Any], pool: IPv4Network) -> Interface:
    address = IPv4Address(spec["address"])
    return Interface(
        id=identifier("eni", vpc, name),
        vpc_id=identifier("vpc", vpc),
        subnet_id=identifier("subnet", vpc, spec["subnet"]),
        instance_id=machine_id(vpc, spec.get("of", name)),
        private_ip=address,
        mac="02:00:" + ":".join(f"{byte:02x}" for byte in address.packed),
        public_ip=pool[spec["public"]] if "public" in spec else None,
        group_ids=tuple(identifier("sg", vpc, one) for one in spec.get("groups", [])),
        source_dest_check=spec.get("check", True),
        secondary_ips=tuple(IPv4Address(one) for one in spec.get("secondary", [])),
        secondary_public=tuple(
            (IPv4Address(private), pool[number]) for private, number in spec.get("secondary_public", {}).items()
        ),
        device_index=spec.get("index", 0),
    )
