"""Small worlds for hypothesis to draw: groups, routes, network ACLs, addresses and checks, as they may come."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

from hypothesis import strategies as st

SUBNETS = {"left": "10.1.1.0/24", "right": "10.1.2.0/24", "far": "10.1.3.0/24"}
PLACES = {"ann": ("left", 10), "bob": ("left", 11), "cat": ("right", 10), "dan": ("far", 10)}
GROUPS = ("one", "two", "three")
STRANGERS = "198.18.0.0/15"  # a range that holds everybody outside
SERVICES = (("tcp", 22), ("tcp", 443), ("udp", 5000), ("icmp", 0))

PORTS = [
    *(*["all"] * 5, "tcp 22", "tcp 443", "tcp 80-500", "tcp 0-65535"),
    *("udp 5000", "udp 4999-5001", "icmp -1", "icmp 8", "icmp 0"),
]
# Whole ranges of client ports or none of them: which one a client takes is chance.
ACL_PORTS = [*PORTS, "tcp 1024-65535", "udp 1024-65535", "tcp 0-1023"]
CIDRS = [*["0.0.0.0/0"] * 4, "10.1.0.0/16", "10.1.0.0/16", "10.1.1.0/24", "10.1.2.10/32", "10.1.1.8/30", STRANGERS]


def _rules(rng: Random) -> list[str]:
    count = rng.choice([0, 1, 2, 3, 4])
    return [f"{rng.choice(PORTS)} {rng.choice([*CIDRS, *GROUPS])}" for _ in range(count)]


def _group(rng: Random) -> dict[str, Any]:
    spec = {"ingress": _rules(rng)}
    if rng.random() < 0.3:
        spec["egress"] = _rules(rng)
    return spec


def _machine(rng: Random, name: str, number: int) -> dict[str, Any]:
    subnet, host = PLACES[name]
    network = SUBNETS[subnet].rpartition(".")[0]
    groups = rng.sample(GROUPS, rng.choice([1, 1, 2]))
    machine: dict[str, Any] = {"subnet": subnet, "address": f"{network}.{host}", "groups": groups}
    if rng.random() < 0.6:
        machine["public"] = 16 + number
    # ann is a NAT instance more often than not.
    if rng.random() < (0.8 if name == "ann" else 0.4):
        machine |= {"check": rng.random() < 0.2, "masquerade": rng.random() < 0.8}
    return machine


def _acl(rng: Random, subnet: str) -> dict[str, Any]:
    entries = []
    for direction in ("ingress", "egress"):
        for number in rng.sample(range(1, 100), rng.choice([0, 1, 2])):
            action, ports, cidr = rng.choice(["allow", "deny"]), rng.choice(ACL_PORTS), rng.choice(CIDRS)
            entries.append(f"{direction} {number} {action} {ports} {cidr}")
        if rng.random() < 0.8:
            entries.append(f"{direction} 100 allow all 0.0.0.0/0")
    return {"subnets": [subnet], "entries": entries}


def _routes(rng: Random) -> dict[str, str]:
    routes = {"0.0.0.0/0": rng.choice(["gateway", "gateway", "ann", *PLACES])} if rng.random() < 0.8 else {}
    if rng.random() < 0.2:
        routes[STRANGERS] = rng.choice(["gateway", *PLACES])
    # Inside the VPC a route may lead to an interface only.
    return routes | {one: rng.choice(list(PLACES)) for one in SUBNETS.values() if rng.random() < 0.2}


def _world(seed: int) -> dict[str, Any]:
    """One VPC with three subnets and four machines."""
    rng = Random(seed)
    tables: dict[str, Any] = {"main": {"subnets": [], "routes": _routes(rng)}}
    for subnet in rng.sample(list(SUBNETS), rng.choice([0, 1, 2])):
        tables[f"for_{subnet}"] = {"subnets": [subnet], "routes": _routes(rng)}
    vpc = {
        "cidr": "10.1.0.0/16",
        "gateway": rng.random() < 0.9,
        "subnets": SUBNETS,
        "tables": tables,
        "groups": {name: _group(rng) for name in GROUPS},
        "acls": {one: _acl(rng, one) for one in SUBNETS if rng.random() < 0.15},
        "machines": {name: _machine(rng, name, number) for number, name in enumerate(PLACES)},
    }
    return {"vpcs": {"a": vpc}}


def worlds() -> st.SearchStrategy[dict[str, Any]]:
    """Worlds that have little to do with each other; hypothesis itself would vary one many times."""
    return st.integers(0, 2**32 - 1).map(_world)


def every_question(world: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    """Everybody to everybody else by every address: source, target, protocol, port."""
    machines = world["vpcs"]["a"]["machines"]
    places = {f"a/{name}": one for name, one in machines.items()}
    pairs = [(source, target) for source, target in itertools.permutations(places, 2)]
    pairs += [(place, "internet") for place in places]
    pairs += [
        (source, f"{target}@public")
        for source, target in itertools.product(["internet", *places], places)
        if "public" in places[target]
    ]
    return [(*pair, *service) for pair in pairs for service in SERVICES]
