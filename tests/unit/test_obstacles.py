"""What stands against an environment: each obstacle is one sentence with its remedy, and all are told at once."""

from __future__ import annotations

from typing import Any

import pytest
from aws_environment.obstacles import in_the_way, machine_obstacles, network_obstacles

Found = dict[str, Any]
NAME = "sidedish-alpha"
NETWORK = {
    "name": NAME,
    "identity": {"Service": "sidedish"},
    "region": "x",
    "cidr": "10.2.0.0/16",
    "subnets": [
        {"tier": "public", "cidr": "10.2.1.0/24", "zone": "xa"},
        {"tier": "private", "cidr": "10.2.2.0/24", "zone": "xa"},
    ],
    "groups": [{"name": f"{NAME}-public"}, {"name": f"{NAME}-private"}],
}
MACHINES = NETWORK | {"machines": [{"tier": "private"}, {"tier": "public"}]}
NEEDS = {"addresses": {"public": "10.2.1.10", "private": "10.2.2.10"}}


def ours(identifier: str, **more: Any) -> Found:
    return {"id": identifier, "ours": True, **more}


def machine(identifier: str, tier: str) -> Found:
    return ours(identifier, tier=tier, state="running", private_ip="10.2.1.10")


RIGHT: Found = {
    "zones": ["xa", "xc"],
    "vpcs": [ours("vpc-1", cidr="10.2.0.0/16")],
    "internet_gateways": [ours("igw-1")],
    "subnets": [
        ours("subnet-1", name=f"{NAME}-public-subnet", tier="public", cidr="10.2.1.0/24", zone="xa"),
        ours("subnet-2", name=f"{NAME}-private-subnet", tier="private", cidr="10.2.2.0/24", zone="xa"),
    ],
    "security_groups": [
        ours("sg-1", tier="public", group_name=f"{NAME}-public"),
        ours("sg-2", tier="private", group_name=f"{NAME}-private"),
    ],
    "instances": [machine("i-1", "public"), machine("i-2", "private")],
    "namesakes": [],
}
EMPTY: Found = {kind: [] for kind in RIGHT} | {"zones": RIGHT["zones"]}


@pytest.mark.parametrize("found", [RIGHT, EMPTY])
def test_nothing_stands_against_what_is_right_or_not_made_yet(found: Found) -> None:
    assert network_obstacles(found, NETWORK, NEEDS) == []
    assert machine_obstacles(found, MACHINES, check_mode=True) == []
    assert machine_obstacles(RIGHT, MACHINES, check_mode=False) == []


def starts(sentences: list[str], words: list[str]) -> bool:
    return len(sentences) == len(words) and all(
        sentence.startswith(start) for sentence, start in zip(sentences, words, strict=True)
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"vpcs": [*RIGHT["vpcs"], {"id": "vpc-2", "ours": False}]},
            [f"The VPC vpc-2 has the name {NAME}-vpc but not the tags {{'Service': 'sidedish'}}, so Onebox did not"],
        ),
        (
            {"vpcs": [*RIGHT["vpcs"], ours("vpc-2", cidr="10.9.0.0/16")]},
            ["The VPCs vpc-1 and vpc-2 all have the tags {'Service': 'sidedish'}"],
        ),
        (
            {"vpcs": [ours("vpc-1", cidr="10.9.0.0/16")], "namesakes": ["key pair key-1 x"]},
            [
                "The VPC vpc-1 has the range 10.9.0.0/16, and EC2 cannot change it to 10.2.0.0/16. Put",
                "Where the VPC vpc-1 and its machines belong is the key pair key-1 x, without the tags",
            ],
        ),
        (
            {"subnets": [RIGHT["subnets"][0] | {"zone": "xc"}, RIGHT["subnets"][1]]},
            ["The subnet subnet-1 lies in xc, and EC2 cannot move it to xa. Put"],
        ),
        (
            {"subnets": [], "zones": ["xc"]},
            ["There is no zone xa for this account, so nothing could be made there, no 10.2.1.0/24 and no 10.2.2.0"],
        ),
        # The zone of a subnet that stands is not asked for: it may have stopped taking new ones.
        ({"zones": ["xc"]}, []),
    ],
)
def test_what_stands_against_a_network_is_told(changed: Found, words: list[str]) -> None:
    told = network_obstacles(RIGHT | changed, NETWORK, NEEDS)
    assert starts(told, words), told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"subnets": RIGHT["subnets"][:1]},
            [f"There is no network {NAME} with a public and a private subnet in x, so the machines have no place."],
        ),
        ({"security_groups": RIGHT["security_groups"][:1]}, [f"There is no network {NAME}"]),
        (
            # A second zone's subnet is no place for a machine.
            {"subnets": [RIGHT["subnets"][0], RIGHT["subnets"][1] | {"name": f"{NAME}-private-subnet-2"}]},
            [f"There is no network {NAME}"],
        ),
        ({"namesakes": ["key pair key-1 x"]}, ["Where the VPC vpc-1 and its machines belong is the key pair key-1 x"]),
        (
            {"instances": [machine("i-1", "public"), machine("i-3", "public")]},
            [f"The machines i-1 and i-3 are all the public one of {NAME}"],
        ),
        ({"instances": [machine("i-1", "public"), machine("i-3", "public") | {"state": "shutting-down"}]}, []),
        ({"instances": [machine("i-1", "public"), machine("i-3", "public_next")]}, []),
        (
            {"instances": [machine("i-3", "public_next")]},
            [f"{NAME} has no public machine but a public_next, which was about to take its place"],
        ),
    ],
)
def test_what_stands_against_the_machines_is_told(changed: Found, words: list[str]) -> None:
    told = machine_obstacles(RIGHT | changed, MACHINES, check_mode=False)
    assert starts(told, words), told


@pytest.mark.parametrize(
    ("kind", "stranger", "named"),
    [
        ("internet_gateways", {"id": "igw-1"}, "the internet gateway igw-1"),
        ("subnets", {"id": "subnet-1", "cidr": "10.2.2.128/25"}, "the subnet subnet-1 10.2.2.128/25"),
        ("security_groups", {"id": "sg-1", "group_name": f"{NAME}-public"}, f"the security group sg-1 {NAME}-public"),
        ("instances", {"id": "i-1", "private_ip": "10.2.1.10"}, "the machine i-1 at 10.2.1.10"),
    ],
)
def test_what_somebody_else_made_where_ours_belongs_is_in_the_way(kind: str, stranger: Found, named: str) -> None:
    for is_ours, words in ((False, [named]), (True, [])):
        found = EMPTY | {kind: [stranger | {"ours": is_ours}]}
        assert in_the_way(found, NETWORK, NEEDS) == words


def test_what_somebody_else_made_elsewhere_is_in_nobodys_way() -> None:
    aside = {"subnets": [{"id": "subnet-1", "cidr": "10.2.9.0/24", "ours": False}]}
    aside |= {"instances": [{"id": "i-1", "private_ip": "10.2.9.9", "ours": False}]}
    assert in_the_way(EMPTY | aside, NETWORK, {}) == []
