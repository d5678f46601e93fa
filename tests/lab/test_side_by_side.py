"""Two labs on one machine, with equal prefixes: neither takes away what guards the other."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.lab.living import living_lab, wait_for

PREFIX = "10.77.0.0/16"


def guards() -> list[dict[str, Any]]:
    """The routes that keep packets for the prefix on this machine."""
    argv = ["ip", "-json", "-4", "route", "show", "type", "unreachable", "exact", PREFIX]
    found: list[dict[str, Any]] = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout or "[]")
    return found


def inhabit(ec2: Any) -> None:
    """A VPC with a machine, so that there is something to guard."""
    vpc = ec2.create_vpc(CidrBlock=PREFIX)["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]["ImageId"]
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=subnet)


def test_a_lab_that_goes_leaves_the_guard_of_another_one() -> None:
    with living_lab("left", 4715) as left:
        inhabit(left.ec2)
        wait_for(lambda: len(guards()) == 1, "the guard of the first lab")
        with living_lab("right", 4720) as right:
            assert right.config.pool.overlaps(left.config.pool) is False
            inhabit(right.ec2)
            wait_for(lambda: len(guards()) == 2, "the guard of the second lab", seconds=10)
        assert len(guards()) == 1
    assert guards() == []
