# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""What only AWS can tell before anything is made, and what its refusals mean: the value, why, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .ask import ask, by

INSTANCES = "group_vars/all/instances.yml"
# Code of EC2: the quota's name in Service Quotas, what counts, and what to do about it.
QUOTAS = {
    "AddressLimitExceeded": ("EC2-VPC Elastic IPs", "addresses", "Release one that nothing uses"),
    "VpcLimitExceeded": ("VPCs per Region", "vpcs", "Delete one that nobody needs"),
    "VcpuLimitExceeded": ("Running On-Demand Standard instances", "", "Stop machines that nobody needs"),
    "MaxSpotInstanceCountExceeded": ("All Standard Spot Instance Requests", "", "Take spot out"),
}
CAPACITY = ("InsufficientInstanceCapacity", "InsufficientCapacity")


def refused(ec2: Any, needs: Mapping[str, Any], region: str, zones: list[str]) -> list[str]:
    """One sentence for each thing that the machines need and that the zone or the account does not have."""
    return [*_types(ec2, needs, zones), *_image(ec2, needs, region)]


def _types(ec2: Any, needs: Mapping[str, Any], zones: list[str]) -> Iterator[str]:
    types, zone = sorted(set(needs["types"])), needs["zone"]
    if zone not in zones:  # obstacles.py says so.
        return
    offers = ask(
        ec2,
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=by(location=zone, instance_type=types),
    )
    for kind in sorted(set(types) - {offer["InstanceType"] for offer in offers}):
        yield (
            f"The zone {zone} does not offer the type {kind}, so EC2 would refuse the launch. Change the type in "
            f"{INSTANCES}, or availability_zone in group_vars/all/aws.yml."
        )


def _image(ec2: Any, needs: Mapping[str, Any], region: str) -> Iterator[str]:
    image_id, architecture = needs["image_id"], needs["architecture"]
    if not image_id:
        yield from _newest(ec2, needs, region)
        return
    images = ask(ec2, "describe_images", "Images", Filters=by(image_id=image_id))
    if not images:
        yield (
            f"There is no image {image_id} in {region} that this account may use, and images of other regions have "
            f"other ids. Change ami_id in {INSTANCES}, or leave it empty for the newest of its kind."
        )
    elif images[0]["Architecture"] != architecture:
        yield (
            f"The image {image_id} is one for {images[0]['Architecture']}, and architecture says {architecture}, so "
            f"EC2 would refuse the launch. Change ami_id, or architecture and the types, in {INSTANCES}."
        )


def _newest(ec2: Any, needs: Mapping[str, Any], region: str) -> Iterator[str]:
    """An image that is looked for by its name: at launch, when it would be too late to say that there is none."""
    owner, name, architecture = needs["image_owner"], needs["image_name"], needs["architecture"]
    filters = by(name=name, architecture=architecture, state="available")
    if not ask(ec2, "describe_images", "Images", Owners=[owner], Filters=filters):
        yield (
            f"There is no {architecture} image {name} of {owner} in {region}, so nothing could be launched. Change "
            f"image, or image_table, in {INSTANCES}."
        )


def advice(said: str, used: Mapping[str, int], region: str) -> str:
    """Say what to do about a refusal of EC2 that is about room; nothing about others."""
    for code, (name, counted, remedy) in QUOTAS.items():
        if code in said:
            use = f"{used[counted]} of {used[counted]} are in use" if counted else "EC2's message has the limit"
            return (
                f"The quota {name} of the region {region} is used up: {use}. {remedy}, or ask for more under Service "
                "Quotas. What was made stays; run again, and the rest follows."
            )
    if any(code in said for code in CAPACITY):
        return (
            "AWS has no such machine free in that zone at the moment. Run again later, or take another type in "
            f"{INSTANCES}. What was made stays; the rest follows."
        )
    return ""
