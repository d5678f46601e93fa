# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""What stands against making an environment, whatever is missing of it: the value, why, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from .differences import Item, ours
from .machines import living

SERVICE = "service_name in group_vars/all/service.yml"
ZONES = "availability_zone in group_vars/all/aws.yml (or second_zone in group_vars/all/network.yml)"
TEAR_DOWN = "take the environment away first (playbooks/teardown.yml)"


def network_obstacles(found: Item, wanted: Item, needs: Item) -> list[str]:
    """One sentence for each reason not to make, or to change, this network."""
    # Of two VPCs it is unknown which one the rest belongs to.
    return [*_vpcs(found, wanted)] or [
        *_range(found, wanted),
        *_others(found, wanted, in_the_way(found, wanted, needs)),
        *_zones(found, wanted),
    ]


def machine_obstacles(found: Item, wanted: Item, check_mode: bool) -> list[str]:
    """One sentence for each reason not to launch, or to change, these machines."""
    return [
        *_place(found, wanted, check_mode),
        *_others(found, wanted, in_the_way(found, {}, {})),
        *_seats(found, wanted),
    ]


def in_the_way(found: Item, network: Item, needs: Item) -> list[str]:
    """Name what somebody else made where ours would be made: it must neither be adopted nor be overwritten."""
    ranges = [IPv4Network(subnet["cidr"]) for subnet in network.get("subnets", [])]
    names = [group["name"] for group in network.get("groups", [])]
    addresses = needs.get("addresses", {}).values()
    return [
        *(f"the internet gateway {one['id']}" for one in strangers(found["internet_gateways"])),
        *(
            f"the subnet {one['id']} {one['cidr']}"
            for one in strangers(found["subnets"])
            if any(IPv4Network(one["cidr"]).overlaps(range_) for range_ in ranges)
        ),
        *(
            f"the security group {one['id']} {one['group_name']}"
            for one in strangers(found["security_groups"])
            if one["group_name"] in names
        ),
        *(
            f"the machine {one['id']} at {one['private_ip']}"
            for one in strangers(found["instances"])
            if one["private_ip"] in addresses
        ),
        *(f"the {namesake}" for namesake in found["namesakes"]),
    ]


def strangers(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if not item["ours"]]


def _vpcs(found: Item, wanted: Item) -> Iterator[str]:
    name, tags = wanted["name"], wanted["identity"]
    foreign, vpcs = ([vpc["id"] for vpc in items] for items in (strangers(found["vpcs"]), ours(found["vpcs"])))
    if foreign:
        yield (
            f"The VPC {', '.join(foreign)} has the name {name}-vpc but not the tags {tags}, so Onebox did not make it "
            f"and does not touch it (ours is {', '.join(vpcs) or 'not made yet'}). Rename it, or change {SERVICE}."
        )
    if len(vpcs) > 1:
        yield (
            f"The VPCs {' and '.join(vpcs)} all have the tags {tags}, so it is unclear which one is meant. Look which "
            "one is in use, and delete the other."
        )


def _range(found: Item, wanted: Item) -> Iterator[str]:
    for vpc in ours(found["vpcs"]):
        if vpc["cidr"] != wanted["cidr"]:
            yield (
                f"The VPC {vpc['id']} has the range {vpc['cidr']}, and EC2 cannot change it to {wanted['cidr']}. Put "
                f"aws_network_vpc_cidr back in group_vars/<environment>.yml, or {TEAR_DOWN}."
            )


def _others(found: Item, wanted: Item, things: list[str]) -> Iterator[str]:
    vpc = next((vpc["id"] for vpc in ours(found["vpcs"])), f"of {wanted['name']}")
    if things:
        yield (
            f"Where the VPC {vpc} and its machines belong is {', '.join(things)}, without the tags {wanted['identity']}"
            ": Onebox did not make it, and neither takes it over nor deletes it. Remove it, rename it, or change "
            f"{SERVICE}."
        )


def _zones(found: Item, wanted: Item) -> Iterator[str]:
    """A subnet stays in its zone, and a new one needs one that takes it."""
    standing = {subnet["cidr"]: subnet for subnet in ours(found["subnets"])}
    unknown: dict[str, list[str]] = {}
    for subnet in wanted["subnets"]:
        there, zone = standing.get(subnet["cidr"]), subnet["zone"]
        if there and there["zone"] != zone:
            yield (
                f"The subnet {there['id']} lies in {there['zone']}, and EC2 cannot move it to {zone}. Put {ZONES} "
                f"back, or {TEAR_DOWN}."
            )
        elif not there and zone not in found["zones"]:
            unknown.setdefault(zone, []).append(subnet["cidr"])
    for zone, cidrs in unknown.items():
        yield (
            f"There is no zone {zone} for this account, so nothing could be made there, no {' and no '.join(cidrs)}. "
            f"Take one of {', '.join(found['zones'])} for {ZONES}."
        )


def _place(found: Item, wanted: Item, check_mode: bool) -> Iterator[str]:
    tiers = ("public", "private")
    groups = {group["tier"] for group in ours(found["security_groups"])}
    subnets = {subnet["tier"] for subnet in ours(found["subnets"]) if not subnet["name"].endswith("-2")}
    # On an empty account check mode has made none.
    if not check_mode and not all(tier in groups and tier in subnets for tier in tiers):
        yield (
            f"There is no network {wanted['name']} with a public and a private subnet in {wanted['region']}, so the "
            "machines have no place. Make it first (playbooks/create_network.yml)."
        )


def _seats(found: Item, wanted: Item) -> Iterator[str]:
    """Each machine is there once, and none is on its way into the place of another."""
    for tier in (machine["tier"] for machine in wanted["machines"]):
        same = [machine["id"] for machine in living(found, tier)]
        if len(same) > 1:
            yield (
                f"The machines {' and '.join(same)} are all the {tier} one of {wanted['name']}, so it is unclear which "
                "one is meant. Look which one is in use, and terminate the other."
            )
    for tier in ("public", "private"):
        if living(found, f"{tier}_next") and not living(found, tier):
            yield (
                f"{wanted['name']} has no {tier} machine but a {tier}_next, which was about to take its place when a "
                "run ended. A second one would be made now. Finish that first: ansible-playbook playbooks/replace.yml "
                f"--limit <environment> -e machine={tier}"
            )
