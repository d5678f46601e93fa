"""The quotas of an account, used up."""

from __future__ import annotations

import json

import pytest

from tests.lab.conformance.site import NAME, Site, exhaust, refused
from tests.lab.living import lab


@pytest.mark.usefixtures("quota")
def test_the_quota_of_addresses(site: Site) -> None:
    exhaust("addresses", spare=1)
    last = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    assert refused(site, "allocate_address", Domain="vpc") == "AddressLimitExceeded"
    site.ec2.release_address(AllocationId=last)


@pytest.mark.usefixtures("quota")
def test_the_quota_of_vpcs(site: Site) -> None:
    exhaust("vpcs", spare=1)
    last = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert refused(site, "create_vpc", CidrBlock="10.6.0.0/16") == "VpcLimitExceeded"
    site.ec2.delete_vpc(VpcId=last)


@pytest.mark.usefixtures("quota", "slow")
def test_the_quota_of_vcpus(site: Site) -> None:
    exhaust("vcpus", spare=2)
    terms = {"ImageId": site.image, "InstanceType": "t3.micro", "SubnetId": site.subnet}
    assert refused(site, "run_instances", **terms, MinCount=2, MaxCount=2) == "VcpuLimitExceeded"
    made = site.ec2.run_instances(**terms, MinCount=1, MaxCount=9)["Instances"]
    assert len(made) == 1, "as many as the quota leaves room for"
    site.ec2.terminate_instances(InstanceIds=[made[0]["InstanceId"]])
    site.ec2.terminate_instances(InstanceIds=[site.launch()["InstanceId"]])


@pytest.mark.usefixtures("quota")
def test_a_quota_is_also_set_at_the_start(site: Site) -> None:
    used = json.loads(lab("quota", "--name", NAME, "--json"))["addresses"]["used"]
    lab("up", "--name", NAME, "--quota", f"addresses={used}")
    assert refused(site, "allocate_address", Domain="vpc") == "AddressLimitExceeded"
    with pytest.raises(AssertionError, match="there is no quota adresses"):
        lab("up", "--name", NAME, "--quota", "adresses=5")


def test_the_first_quotas_are_those_of_aws() -> None:
    limits = {name: row["limit"] for name, row in json.loads(lab("quota", "--name", NAME, "--json")).items()}
    assert limits == {"addresses": 5, "vpcs": 5, "vcpus": 32}
