"""Small worlds for hypothesis to draw: groups, routes, network ACLs, addresses and checks, as they may come."""

from __future__ import annotations

import itertools
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


def _rules(ports: st.SearchStrategy[str], peers: list[str]) -> st.SearchStrategy[list[str]]:
    rule = st.builds("{} {}".format, ports, st.sampled_from(peers))
    return st.lists(rule, min_size=1, max_size=4) | st.just([])


@st.composite
def _groups(draw: st.DrawFn) -> dict[str, Any]:
    peers = [*CIDRS, *GROUPS]
    some = _rules(st.sampled_from(PORTS), peers)
    groups = {}
    for name in GROUPS:
        spec = {"ingress": draw(some)}
        if draw(st.integers(0, 3)) == 0:
            spec["egress"] = draw(some)
        groups[name] = spec
    return groups


@st.composite
def _machine(draw: st.DrawFn, name: str, number: int) -> dict[str, Any]:
    subnet, host = PLACES[name]
    network = SUBNETS[subnet].rpartition(".")[0]
    groups = draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True))
    machine: dict[str, Any] = {"subnet": subnet, "address": f"{network}.{host}", "groups": groups}
    if draw(st.integers(0, 2)):
        machine["public"] = 16 + number
    # ann is a NAT instance more often than not.
    if draw(st.integers(0, 3 if name == "ann" else 1)):
        machine |= {"check": False, "masquerade": draw(st.sampled_from([True, True, True, False]))}
    return machine


@st.composite
def _acl(draw: st.DrawFn, subnet: str) -> dict[str, Any]:
    entries = []
    for direction in ("ingress", "egress"):
        numbers = draw(st.lists(st.integers(1, 99), max_size=2, unique=True))
        entries += [
            f"{direction} {number} {draw(st.sampled_from(['allow', 'deny']))} "
            f"{draw(st.sampled_from(ACL_PORTS))} {draw(st.sampled_from(CIDRS))}"
            for number in numbers
        ]
        if draw(st.integers(0, 3)):
            entries.append(f"{direction} 100 allow all 0.0.0.0/0")
    return {"subnets": [subnet], "entries": entries}


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """One VPC with three subnets and four machines."""
    targets = ["gateway", "gateway", "ann", *PLACES]
    destinations = ["0.0.0.0/0", "0.0.0.0/0", STRANGERS, *SUBNETS.values()]
    tables: dict[str, Any] = {}
    for subnet in (None, *draw(st.lists(st.sampled_from(list(SUBNETS)), max_size=2, unique=True))):
        routes = {}
        for destination in draw(st.lists(st.sampled_from(destinations), max_size=3)):
            # Inside the VPC a route may lead to an interface only.
            inside = destination in SUBNETS.values()
            routes[destination] = draw(st.sampled_from(list(PLACES) if inside else targets))
        if draw(st.integers(0, 3)):
            routes.setdefault("0.0.0.0/0", "gateway")
        tables[f"for_{subnet}" if subnet else "main"] = {"subnets": [subnet] if subnet else [], "routes": routes}
    acls = {one: draw(_acl(one)) for one in draw(st.lists(st.sampled_from(list(SUBNETS)), max_size=1))}
    machines = {name: draw(_machine(name, number)) for number, name in enumerate(PLACES)}
    vpc = {
        "cidr": "10.1.0.0/16",
        "gateway": draw(st.sampled_from([True, True, True, False])),
        "subnets": SUBNETS,
        "tables": tables,
        "groups": draw(_groups()),
        "acls": acls,
        "machines": machines,
    }
    return {"vpcs": {"a": vpc}}


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
