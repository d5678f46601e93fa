# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Tell everything that is wrong with the addresses of a network, before EC2 is asked to make it."""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Any

PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
WIDEST, NARROWEST = 16, 28
RESERVED_FIRST = 4
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
EVERYWHERE = IPv4Network("0.0.0.0/0")


def address_plan_problems(plan: dict[str, Any]) -> list[str]:
    """Return one sentence for each mistake: the value, why it cannot work, where to change it."""
    return list(_problems(plan))


def _problems(plan: dict[str, Any]) -> Iterator[str]:
    vpc, problem = _network(plan["vpc"], "aws_network_vpc_cidr", "group_vars/<environment>.yml")
    if problem:
        yield problem
    if vpc and not any(vpc.subnet_of(block) for block in PRIVATE):
        yield (
            f"The VPC range {vpc} is not a private one (RFC 1918): its addresses belong to someone else, who could "
            "then not be reached from inside. Take a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 for "
            "aws_network_vpc_cidr in group_vars/<environment>.yml."
        )
    if vpc:
        for other in plan["others"]:
            yield from _overlap_with_other(vpc, other)
    yield from _subnet_problems(plan, vpc)
    yield from _admin_problems(plan)
    yield from _machine_problems(plan)
    yield from _zone_problems(plan)


def _network(text: object, variable: str, file: str) -> tuple[IPv4Network | None, str]:
    """Read a range of the size EC2 takes, or say what is wrong with it."""
    where = f"Change {variable} in {file}."
    try:
        network = IPv4Network(str(text))
        if "/" not in str(text):
            return None, f"{variable} is {text!r}, which has no prefix, such as /{WIDEST}. {where}"
    except ValueError as error:
        return None, f"{variable} is {text!r}, which is not an IPv4 range with a prefix ({error}). {where}"
    if not WIDEST <= network.prefixlen <= NARROWEST:
        return None, f"{variable} is {network}, and EC2 takes prefixes from /{WIDEST} to /{NARROWEST} only. {where}"
    return network, ""


def _overlap_with_other(vpc: IPv4Network, other: object) -> Iterator[str]:
    try:
        theirs = IPv4Network(str(other))
    except ValueError:
        return  # The other environment says so itself, when it is built.
    if vpc == theirs:
        yield (
            f"The VPC range {vpc} is that of another environment too: the two could never be connected. Give each "
            "its own aws_network_vpc_cidr in group_vars/<environment>.yml (what is given with -e holds for all)."
        )
    elif vpc.overlaps(theirs):
        yield (
            f"The VPC range {vpc} overlaps {theirs}, the range of another environment: the two could never be "
            "connected. Change aws_network_vpc_cidr in group_vars/<environment>.yml."
        )


def _subnet_problems(plan: dict[str, Any], vpc: IPv4Network | None) -> Iterator[str]:
    subnets: dict[str, IPv4Network] = {}
    # Those after the first two are options, and empty unless they are wanted.
    optional = [tier for tier in ("isolated", "second_private", "second_isolated") if plan.get(tier, "") != ""]
    for tier in ("public", "private", *optional):
        variable = f"aws_network_{tier}_subnet_cidr"
        if vpc and "/" not in str(plan[tier]):
            yield (
                f"The VPC range {vpc} has no room for the {tier} subnet that is derived from it. "
                f"Take a wider range, or set {variable}, in group_vars/<environment>.yml."
            )
            continue
        subnet, problem = _network(plan[tier], variable, "group_vars/all/network.yml")
        if subnet is None:
            # The default derives from the range of the VPC: one mistake, one sentence.
            if vpc or plan[tier]:
                yield problem
            continue
        subnets[tier] = subnet
        if vpc and not subnet.subnet_of(vpc):
            yield (
                f"The {tier} subnet {subnet} lies outside the VPC {vpc}, and EC2 would refuse it. "
                f"Change {variable} in group_vars/all/network.yml."
            )
    for (one, first), (other, second) in combinations(subnets.items(), 2):
        if vpc and first.overlaps(second):
            yield (
                f"The {one} subnet {first} and the {other} subnet {second} overlap, and EC2 would refuse the second. "
                f"Change aws_network_{other}_subnet_cidr in group_vars/all/network.yml."
            )


def _admin_problems(plan: dict[str, Any]) -> Iterator[str]:
    where = "Change admin_cidrs in group_vars."
    for text in plan["admins"]:
        try:
            network = IPv4Network(str(text))
        except ValueError as error:
            yield f"admin_cidrs has {text!r}, which is not an IPv4 range with a prefix ({error}). {where}"
            continue
        if network == EVERYWHERE and not plan["anywhere_allowed"]:
            yield (
                f"admin_cidrs has {network}, and this environment does not let the whole world knock at SSH. "
                "Name the addresses you work from, for example 203.0.113.7/32, in group_vars/<environment>.yml."
            )
    if not plan["admins"]:
        yield f"admin_cidrs is empty, and nobody, not even these playbooks, could log in. {where}"


def _machine_problems(plan: dict[str, Any]) -> Iterator[str]:
    """The first four addresses of a subnet and the last are EC2's own."""
    where = "group_vars/all/instances.yml"
    for tier, text in plan.get("machines", {}).items():
        try:
            address, subnet = IPv4Address(str(text)), IPv4Network(str(plan[tier]))
        except ValueError:
            if subnet_is_whole(plan[tier]):
                yield f"The {tier} machine's address is {text!r}, which is none. Change it in {where}."
            continue
        if address not in subnet:
            yield f"The {tier} machine's address {address} lies outside its subnet {subnet}. Change it in {where}."
        elif int(address) - int(subnet.network_address) < RESERVED_FIRST or address == subnet.broadcast_address:
            yield (
                f"The {tier} machine's address {address} is one of the five of {subnet} that EC2 keeps for itself (the "
                f"first four and the last), and it would refuse the launch. Change it in {where}."
            )


def subnet_is_whole(text: object) -> bool:
    """Whether that is a range; else it has been complained about already."""
    try:
        IPv4Network(str(text))
    except ValueError:
        return False
    return True


def _zone_problems(plan: dict[str, Any]) -> Iterator[str]:
    region, zones = plan.get("region", ""), [zone for zone in plan.get("zones", []) if zone]
    if region and not REGION.fullmatch(region):
        yield (
            f"aws_region is {region!r}, and no region of AWS has such a name; it would be like ap-northeast-2. "
            "Change it in group_vars/all/aws.yml."
        )
    for zone in zones:
        if not (zone.startswith(region) and len(zone) > len(region)):
            yield (
                f"The zone {zone} is none of the region {region}, so the subnets could not be made there. Change "
                "availability_zone or aws_region in group_vars/all/aws.yml, or second_zone in "
                "group_vars/all/network.yml."
            )
    if len(zones) != len(set(zones)):
        yield (
            f"second_zone is {zones[1]}, the first zone again, so the two would fail together and a managed database "
            "would refuse them. Change second_zone in group_vars/all/network.yml."
        )


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"address_plan_problems": address_plan_problems}
