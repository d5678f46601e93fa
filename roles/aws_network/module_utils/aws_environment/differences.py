# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Where an environment differs from what is wanted, one sentence each; nothing where it is right.

What stands under a name here is what a task of the roles then makes or puts right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .rules import wanted_rules

Item = Mapping[str, Any]
Differences = dict[str, list[str]]


def ours(items: list[dict[str, Any]], **having: Any) -> list[dict[str, Any]]:
    """Those of ours that have these values."""
    return [item for item in items if item["ours"] and all(item[key] == value for key, value in having.items())]


def collect(pairs: Iterator[tuple[str, str]]) -> Differences:
    differences: Differences = {}
    for what, sentence in pairs:
        differences.setdefault(what, []).append(sentence)
    return differences


def network_differences(found: Item, wanted: Item) -> Differences:
    """What create_network has to do."""
    return collect(_network(found, wanted))


def _network(found: Item, wanted: Item) -> Iterator[tuple[str, str]]:
    name = wanted["name"]
    vpc = next(iter(ours(found["vpcs"])), None)
    if vpc is None:
        yield "vpc", f"there is no VPC {name}-vpc"
    elif vpc["name"] != f"{name}-vpc":
        yield "vpc", f"the VPC {vpc['id']} is called {vpc['name'] or 'nothing'}"
    elif not vpc["dns"]:
        yield "vpc", f"the VPC {vpc['id']} gives no names"
    gateway = next(iter(ours(found["internet_gateways"])), None)
    if gateway is None or not gateway["vpc_id"]:
        yield "gateway", f"no internet gateway is attached to {name}-vpc"
    elif gateway["name"] != f"{name}-igw":
        yield "gateway", f"the internet gateway {gateway['id']} is called {gateway['name'] or 'nothing'}"
    for subnet in wanted["subnets"]:
        yield from (("subnets", sentence) for sentence in _subnet(found, name, subnet))
    cidrs = {subnet["cidr"] for subnet in wanted["subnets"]}
    for subnet in ours(found["subnets"]):
        optional = subnet["name"].startswith((f"{name}-isolated-subnet", f"{name}-private-subnet-2"))
        if optional and subnet["cidr"] not in cidrs:
            yield "unwanted", f"the subnet {subnet['id']} {subnet['cidr']} is not asked for"
    yield from _tables(found, wanted)
    for group in wanted["groups"]:
        yield from ((f"{group['tier']}_group", sentence) for sentence in _group(found, group))
    for group in found["security_groups"]:
        if group["group_name"] == "default":
            yield from (("default_group", f"the default group has the rule {rule}") for rule in group["rules"])
    if vpc is None:
        yield "default_group", "the default group of a new VPC is open to itself"


def _subnet(found: Item, name: str, wanted: Item) -> Iterator[str]:
    subnet = next(iter(ours(found["subnets"], cidr=wanted["cidr"])), None)
    if subnet is None:
        yield f"there is no subnet {wanted['cidr']}"
    elif (subnet["name"], subnet["tier"]) != (f"{name}-{wanted['what']}", wanted["tier"]):
        yield f"the subnet {subnet['id']} is called {subnet['name'] or 'nothing'}, tier {subnet['tier'] or 'none'}"
    elif subnet["map_public"]:
        yield f"the subnet {subnet['id']} gives every machine a public address"


def _tables(found: Item, wanted: Item) -> Iterator[tuple[str, str]]:
    gateways = ours(found["internet_gateways"])
    yield from _table(found, wanted, "public", {"0.0.0.0/0": gateways[0]["id"] if gateways else ""})
    if wanted["nat"] == "gateway":
        nats = [gateway for gateway in ours(found["nat_gateways"]) if gateway["state"] == "available"]
        yield from _table(found, wanted, "private", {"0.0.0.0/0": nats[0]["id"] if nats else ""})
    isolated = any(subnet["tier"] == "isolated" for subnet in wanted["subnets"])
    if isolated:
        yield from _table(found, wanted, "isolated", {})
    elif tables := ours(found["route_tables"], name=f"{wanted['name']}-isolated-routes"):
        yield "unwanted", f"the route table {tables[0]['id']} is not asked for"


def _table(found: Item, wanted: Item, tier: str, routes: dict[str, str]) -> Iterator[tuple[str, str]]:
    cidrs = {subnet["cidr"] for subnet in wanted["subnets"] if subnet["tier"] == tier}
    subnets = sorted(subnet["id"] for subnet in ours(found["subnets"]) if subnet["cidr"] in cidrs)
    for sentence in table_differences(found, wanted["name"], tier, routes, subnets, len(cidrs)):
        yield f"{tier}_routes", sentence


def table_differences(
    found: Item, name: str, tier: str, routes: dict[str, str], subnets: list[str], many: int
) -> Iterator[str]:
    """Where the route table of a tier differs from these routes and subnets; `many` there should be of these."""
    table = next(iter(ours(found["route_tables"], name=f"{name}-{tier}-routes")), None)
    if table is None:
        yield f"there is no route table {name}-{tier}-routes"
        return
    for destination in sorted(table["routes"].keys() | routes.keys()):
        is_to, should = table["routes"].get(destination, "nowhere"), routes.get(destination, "nowhere")
        if is_to != should:
            yield f"{table['id']} sends {destination} to {is_to} instead of {should or 'what is not made yet'}"
    if table["subnets"] != subnets or len(subnets) != many:
        yield f"{table['id']} holds for {', '.join(table['subnets']) or 'no subnet'} instead of all {tier} ones"
    if table["tier"] != tier:
        yield f"{table['id']} has the tier {table['tier'] or 'none'} instead of {tier}"


def _group(found: Item, wanted: Item) -> Iterator[str]:
    group = next(iter(ours(found["security_groups"], group_name=wanted["name"])), None)
    if group is None:
        yield f"there is no security group {wanted['name']}"
        return
    rules = wanted_rules(wanted["rules"], wanted["rules_egress"])
    yield from (f"{wanted['name']} has too much: {rule}" for rule in sorted(set(group["rules"]) - rules))
    yield from (f"{wanted['name']} lacks: {rule}" for rule in sorted(rules - set(group["rules"])))
    if (group["name"], group["tier"]) != (wanted["name"], wanted["tier"]):
        yield f"the group {group['id']} is called {group['name'] or 'nothing'}, tier {group['tier'] or 'none'}"
