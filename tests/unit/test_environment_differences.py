"""What is compared before anything is touched: nothing differs where all is right, and each drift is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from aws_environment.differences import network_differences
from aws_environment.machines import machine_differences
from aws_environment.refusals import advice, refused
from aws_environment.rules import found_rules, wanted_rules

Found = dict[str, Any]
NAME = "sidedish-alpha"
EGRESS: list[Found] = [{"proto": "tcp", "ports": ["0-65535"], "cidr_ip": "0.0.0.0/0", "rule_desc": "TCP to everywhere"}]
WEB: list[Found] = [
    {"proto": "tcp", "ports": [80], "cidr_ip": "0.0.0.0/0", "rule_desc": "The web"},
    {"proto": "icmp", "icmp_type": 8, "icmp_code": -1, "cidr_ip": ["10.2.2.0/24"], "rule_desc": "Ping"},
]
DATA: list[Found] = [
    {"proto": "tcp", "ports": [22, 3306], "group_name": f"{NAME}-public", "rule_desc": "From the public machine"}
]
NETWORK = {
    "name": NAME,
    "nat": "instance",
    "subnets": [
        {"what": "public-subnet", "tier": "public", "cidr": "10.2.1.0/24", "zone": "a"},
        {"what": "private-subnet", "tier": "private", "cidr": "10.2.2.0/24", "zone": "a"},
    ],
    "groups": [
        {"name": f"{NAME}-public", "tier": "public", "rules": WEB, "rules_egress": EGRESS},
        {"name": f"{NAME}-private", "tier": "private", "rules": DATA, "rules_egress": EGRESS},
    ],
}
MACHINES = {
    "name": NAME,
    "nat": "instance",
    "s3_endpoint": True,
    "protected": False,
    "replaced": [],
    "secrets": ["/onebox/password"],
    "host_key_path": "/onebox/host_keys",
    "machines": [
        {"tier": "public", "type": "t3.micro", "source_dest_check": False, "spot": False},
        {"tier": "private", "type": "t3.micro", "source_dest_check": True, "spot": False},
    ],
}


def thing(identifier: str, name: str, tier: str = "", **more: Any) -> Found:
    return {"id": identifier, "name": f"{NAME}-{name}", "tier": tier, "ours": True, **more}


def group(tier: str, rules: list[Found]) -> Found:
    lines = sorted(wanted_rules(rules, EGRESS))
    return thing(f"sg-{tier}", tier, tier, group_name=f"{NAME}-{tier}", rules=lines)


def table(tier: str, target: str) -> Found:
    return thing(f"rtb-{tier}", f"{tier}-routes", tier, routes={"0.0.0.0/0": target}, subnets=[f"subnet-{tier}"])


def machine(tier: str) -> Found:
    return thing(
        f"i-{tier}",
        tier,
        tier,
        state="running",
        type="t3.micro",
        source_dest_check=tier == "private",
        imds_v2=True,
        protected=False,
        spot=False,
        group_ids=[f"sg-{tier}"],
    )


RIGHT: Found = {
    "vpcs": [thing("vpc-1", "vpc", dns=True)],
    "internet_gateways": [thing("igw-1", "igw", vpc_id="vpc-1")],
    "subnets": [
        thing("subnet-public", "public-subnet", "public", cidr="10.2.1.0/24", map_public=False),
        thing("subnet-private", "private-subnet", "private", cidr="10.2.2.0/24", map_public=False),
    ],
    "route_tables": [table("public", "igw-1"), table("private", "i-public")],
    "security_groups": [
        group("public", WEB),
        group("private", DATA),
        {"id": "sg-0", "name": "", "tier": "", "ours": False, "group_name": "default", "rules": []},
    ],
    "nat_gateways": [],
    "instances": [machine("public"), machine("private")],
    "addresses": [thing("eipalloc-1", "public-ip", "public", instance_id="i-public")],
    "endpoints": [thing("vpce-1", "s3", service="s3", route_tables=["rtb-private", "rtb-public"])],
    "key_pairs": [thing("key-1", "key")],
    "launch_templates": [],
    "parameters": {"/onebox/password": "", "/onebox/host_keys/i-public": "", "/onebox/host_keys/i-private": ""},
}


def differences(found: Found, **wanted: Any) -> dict[str, list[str]]:
    network, machines = ({**part, **{k: v for k, v in wanted.items() if k in part}} for part in (NETWORK, MACHINES))
    return network_differences(found, network) | machine_differences(found, machines)


def test_nothing_differs_where_all_is_right() -> None:
    assert differences(RIGHT) == {}


def change(kind: str, index: int, **values: Any) -> Callable[[Found], None]:
    def spoil(found: Found) -> None:
        found[kind][index] |= values

    return spoil


def lose(kind: str, index: int = 0) -> Callable[[Found], None]:
    def spoil(found: Found) -> None:
        del found[kind][index]

    return spoil


def opened(found: Found) -> None:
    found["security_groups"][1]["rules"].append("in: tcp 3306 from 0.0.0.0/0 (no description)")


def closed(found: Found) -> None:
    found["security_groups"][0]["rules"].remove("in: tcp 80 from 0.0.0.0/0 (The web)")


@pytest.mark.parametrize(
    ("spoil", "what", "words"),
    [
        (change("vpcs", 0, name="mine"), "vpc", "is called mine"),
        (change("vpcs", 0, dns=False), "vpc", "gives no names"),
        (change("internet_gateways", 0, vpc_id=""), "gateway", "no internet gateway is attached"),
        (change("subnets", 0, map_public=True), "subnets", "gives every machine a public address"),
        (change("subnets", 1, tier=""), "subnets", "tier none"),
        (lose("subnets"), "subnets", "there is no subnet 10.2.1.0/24"),
        (change("route_tables", 0, routes={}), "public_routes", "to nowhere instead of igw-1"),
        (change("route_tables", 0, subnets=[]), "public_routes", "holds for no subnet"),
        (change("route_tables", 1, routes={"0.0.0.0/0": "igw-1"}), "private_routes", "to igw-1 instead of i-public"),
        (change("route_tables", 1, routes={"0.0.0.0/0": "i-public", "8.8.8.8/32": "igw-1"}), "private_routes", "8.8."),
        (opened, "private_group", "has too much: in: tcp 3306 from 0.0.0.0/0"),
        (closed, "public_group", "lacks: in: tcp 80 from 0.0.0.0/0"),
        (change("security_groups", 2, rules=["in: everything from default (x)"]), "default_group", "everything"),
        (lose("instances"), "public_machine", "there is no machine sidedish-alpha-public"),
        (change("instances", 0, state="stopped"), "public_machine", "is stopped"),
        (change("instances", 0, state="shutting-down"), "address", "no Elastic IP leads to"),
        (change("instances", 0, source_dest_check=True), "public_machine", "source/dest check on"),
        (change("instances", 1, source_dest_check=False), "private_machine", "source/dest check off"),
        (change("instances", 1, imds_v2=False), "private_machine", "IMDSv1"),
        (change("instances", 1, protected=True), "private_machine", "is protected"),
        (change("instances", 1, type="t3.large"), "private_machine", "t3.large instead of a t3.micro"),
        (change("instances", 1, group_ids=["sg-9"]), "private_machine", "is in sg-9"),
        (change("instances", 1, name="mine"), "private_machine", "should be called"),
        (change("addresses", 0, instance_id="i-other"), "address", "no Elastic IP"),
        (change("endpoints", 0, route_tables=["rtb-public"]), "endpoint", "no endpoint leads"),
        (lose("key_pairs"), "key", "no key pair"),
    ],
)
def test_each_drift_is_told_and_nothing_else(spoil: Callable[[Found], None], what: str, words: str) -> None:
    found = deepcopy(RIGHT)
    spoil(found)
    told = differences(found)
    assert words in " ".join(told[what])


@pytest.mark.parametrize(
    ("wanted", "what", "words"),
    [
        ({"nat": "gateway"}, "private_routes", "instead of what is not made yet"),
        ({"s3_endpoint": False}, "endpoint", "is not asked for"),
        ({"replaced": ["public"]}, "address", "no Elastic IP"),
        ({"protected": True}, "public_machine", "not protected"),
        ({"secrets": ["/onebox/other"]}, "secrets", "/onebox/other"),
        ({"machines": [{**MACHINES["machines"][0], "spot": True}]}, "template", "no launch template"),  # type: ignore[index]
    ],
)
def test_each_option_that_is_changed_is_a_difference(wanted: Found, what: str, words: str) -> None:
    assert words in " ".join(differences(RIGHT, **wanted)[what])


def test_an_option_that_is_switched_off_leaves_what_is_to_be_removed() -> None:
    found = deepcopy(RIGHT)
    found["subnets"].append(thing("subnet-3", "isolated-subnet", "isolated", cidr="10.2.3.0/24", map_public=False))
    found["route_tables"].append(table("isolated", ""))
    assert len(differences(found)["unwanted"]) == 2


def test_rules_are_the_same_lines_as_ec2_lists_them() -> None:
    listed = {
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": port,
                "ToPort": port,
                "UserIdGroupPairs": [{"GroupId": "sg-public", "Description": "From the public machine"}],
            }
            for port in (22, 3306)
        ],
        "IpPermissionsEgress": [
            {
                "IpProtocol": "tcp",
                "FromPort": 0,
                "ToPort": 65535,
                "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "TCP to everywhere"}],
            }
        ],
    }
    assert found_rules(listed, {"sg-public": f"{NAME}-public"}) == wanted_rules(DATA, EGRESS)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("AddressLimitExceeded", "EC2-VPC Elastic IPs of the region x is used up: 5 of 5 are in use"),
        ("VpcLimitExceeded", "VPCs per Region of the region x is used up: 3 of 3"),
        ("VcpuLimitExceeded", "Running On-Demand Standard instances"),
        ("InsufficientInstanceCapacity", "no such machine free"),
        ("UnauthorizedOperation", ""),
    ],
)
def test_a_quota_is_named_with_its_use_and_its_remedy(said: str, words: str) -> None:
    assert words in advice(f"An error ({said})", {"addresses": 5, "vpcs": 3}, "x")


class Region:
    """One that offers a type in each zone, and the image of one name."""

    def can_paginate(self, operation: str) -> bool:
        return False

    def describe_instance_type_offerings(self, **asked: Any) -> Found:
        return {"InstanceTypeOfferings": [{"InstanceType": "t3.micro"}]}

    def describe_images(self, Owners: list[str], Filters: list[Found]) -> Found:
        names = next(one["Values"] for one in Filters if one["Name"] == "name")
        return {"Images": [{"ImageId": "ami-1"}] if (Owners, names) == (["1"], ["debian-*"]) else []}


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({}, []),
        ({"image_name": "amazon-*"}, ["There is no x86_64 image amazon-* of 1 in x, so nothing could be launched"]),
        ({"types": ["t3.micro", "x9.huge"]}, ["The zone xa does not offer the type x9.huge"]),
        ({"zone": "xz", "image_name": "a"}, ["There is no x86_64 image a"]),
    ],
)
def test_what_a_region_does_not_have_is_refused_before_anything_is_made(needs: Found, words: list[str]) -> None:
    well = {"types": ["t3.micro"], "zone": "xa", "architecture": "x86_64", "image_id": "", "image_owner": "1"}
    said = refused(Region(), well | {"image_name": "debian-*"} | needs, "x", ["xa", "xc"])
    assert [sentence.startswith(start) for sentence, start in zip(said, words, strict=True)] == [True] * len(words)
