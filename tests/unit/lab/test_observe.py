"""What the API was told arrives in the model unchanged."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from lab.config import REGION
from lab.observe import observe


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # the caller may be using a lab
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "dummy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "dummy")


def test_a_range_of_ports_of_a_network_acl_may_begin_at_zero() -> None:
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        acl_id = ec2.create_network_acl(VpcId=vpc_id)["NetworkAcl"]["NetworkAclId"]
        ec2.create_network_acl_entry(
            NetworkAclId=acl_id, RuleNumber=1, Protocol="6", RuleAction="deny", Egress=False,
            CidrBlock="0.0.0.0/0", PortRange={"From": 0, "To": 1023},
        )  # fmt: skip
        (entry,) = [entry for vpc in observe().vpcs for acl in vpc.acls if acl.id == acl_id for entry in acl.entries]
    assert (entry.protocol, entry.from_port, entry.to_port) == ("tcp", 0, 1023)
