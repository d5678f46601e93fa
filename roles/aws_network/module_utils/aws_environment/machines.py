# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Where the machines and their ways differ from what is wanted, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .differences import Differences, Item, collect, ours, table_differences

GONE = ("shutting-down", "terminated")


def machine_differences(found: Item, wanted: Item) -> Differences:
    """What launch_instances has to do."""
    return collect(_all(found, wanted))


def living(found: Item, tier: str) -> list[dict[str, Any]]:
    return [machine for machine in ours(found["instances"], tier=tier) if machine["state"] not in GONE]


def _all(found: Item, wanted: Item) -> Iterator[tuple[str, str]]:
    if not found["key_pairs"]:
        yield "key", f"EC2 has no key pair {wanted['name']}"
    spot = any(machine["spot"] for machine in wanted["machines"])
    if spot and not found["launch_templates"]:
        yield "template", f"there is no launch template {wanted['name']}-spot"
    if found["launch_templates"] and not spot:
        yield "template", f"the launch template {wanted['name']}-spot is not asked for"
    for secret in wanted["secrets"]:
        if secret not in found["parameters"]:
            yield "secrets", f"there is no secret {secret}"
    for machine in wanted["machines"]:
        tier = machine["tier"]
        yield from ((f"{tier}_machine", sentence) for sentence in _machine(found, wanted, machine))
        for one in living(found, tier):
            if f"{wanted['host_key_path']}/{one['id']}" not in found["parameters"]:
                yield "host_keys", f"the host keys of {one['id']} are not kept yet"
    yield from _ways(found, wanted)


def _machine(found: Item, wanted: Item, machine: Item) -> Iterator[str]:
    tier, name = machine["tier"], f"{wanted['name']}-{machine['tier']}"
    machines = living(found, tier)
    if not machines:
        yield f"there is no machine {name}"
    for one in machines:
        who = f"{one['name']} ({one['id']})"
        groups = [group["id"] for group in ours(found["security_groups"], tier=machine.get("place", tier))]
        if one["name"] != name:
            yield f"{who} should be called {name}"
        if one["state"] != "running":
            yield f"{who} is {one['state']}"
        if one["type"] != machine["type"]:
            yield f"{who} is a {one['type']} instead of a {machine['type']}"
        if one["source_dest_check"] != machine["source_dest_check"]:
            yield f"{who} has its source/dest check {'on' if one['source_dest_check'] else 'off'}"
        if not one["imds_v2"]:
            yield f"{who} answers for its metadata without a token (IMDSv1)"
        if one["group_ids"] != groups:
            yield f"{who} is in {', '.join(one['group_ids'])} instead of {', '.join(groups)}"
        if one["protected"] != wanted["protected"]:
            yield f"{who} is {'' if one['protected'] else 'not '}protected from termination"
        if tier in wanted["replaced"]:
            yield f"{who} is to be made anew"


def _ways(found: Item, wanted: Item) -> Iterator[tuple[str, str]]:
    name, public = wanted["name"], [] if "public" in wanted["replaced"] else living(found, "public")
    holder = public[0]["id"] if public else "none"
    addresses = [address for address in found["addresses"] if address["name"] != f"{name}-nat-ip"]
    if not any(address["instance_id"] == holder for address in addresses):
        yield "address", f"no Elastic IP leads to {name}-public"
    if wanted["nat"] == "instance":
        subnets = sorted(subnet["id"] for subnet in ours(found["subnets"], tier="private"))
        routes = {"0.0.0.0/0": holder if public else ""}
        for sentence in table_differences(found, name, "private", routes, subnets, len(subnets)):
            yield "private_routes", sentence
        for item in ours(found["nat_gateways"]) + ours(found["addresses"], name=f"{name}-nat-ip"):
            yield "gateway", f"{item['id']} {item['name']} is no longer wanted"
    tables = sorted(t["id"] for t in ours(found["route_tables"]) if t["tier"] in ("public", "private"))
    endpoints = ours(found["endpoints"], service="s3")
    whole = len(tables) > 1  # The private one is made here.
    if wanted["s3_endpoint"] and not (whole and any(one["route_tables"] == tables for one in endpoints)):
        yield "endpoint", f"no endpoint leads from {name} to S3"
    for one in endpoints:
        if not wanted["s3_endpoint"]:
            yield "endpoint", f"the endpoint {one['id']} is not asked for"
