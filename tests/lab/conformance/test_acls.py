"""Network ACLs: what they show, what is not there, and that they go with what they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.conformance.site import Site, refused

NOBODY = "acl-00000000000000000"


@pytest.fixture
def acl(site: Site) -> Iterator[str]:
    made = site.ec2.create_network_acl(VpcId=site.vpc)["NetworkAcl"]["NetworkAclId"]
    yield made
    site.ec2.delete_network_acl(NetworkAclId=made)


def described(site: Site, acl: str) -> dict[str, Any]:
    (told,) = site.ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    found: dict[str, Any] = told
    return found


def default_of(site: Site) -> dict[str, Any]:
    filters = [{"Name": "vpc-id", "Values": [site.vpc]}, {"Name": "default", "Values": ["true"]}]
    (told,) = site.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    found: dict[str, Any] = told
    return found


def test_a_new_acl_denies_all_and_shows_it(site: Site, acl: str) -> None:
    told = {(one["RuleNumber"], one["Egress"], one["RuleAction"]) for one in described(site, acl)["Entries"]}
    assert told == {(32767, True, "deny"), (32767, False, "deny")}


def test_an_icmp_entry_keeps_type_and_code(site: Site, acl: str) -> None:
    entry = {"NetworkAclId": acl, "RuleNumber": 10, "Egress": False, "Protocol": "1", "RuleAction": "allow"}
    entry |= {"CidrBlock": "10.1.2.3/16"}
    site.ec2.create_network_acl_entry(**entry, IcmpTypeCode={"Type": 8, "Code": -1})
    (told,) = (one for one in described(site, acl)["Entries"] if one["RuleNumber"] == 10)
    assert (told["IcmpTypeCode"], told["CidrBlock"]) == ({"Type": 8, "Code": -1}, "10.1.0.0/16")
    again = {**entry, "IcmpTypeCode": {"Type": 0, "Code": -1}}
    assert refused(site, "create_network_acl_entry", **again) == "NetworkAclEntryAlreadyExists"
    site.ec2.replace_network_acl_entry(**again)
    other = {**again, "RuleNumber": 11}
    assert refused(site, "replace_network_acl_entry", **other) == "InvalidNetworkAclEntry.NotFound"


def test_what_is_not_there_has_its_own_code(site: Site, acl: str) -> None:
    which = {"NetworkAclId": acl, "RuleNumber": 12, "Egress": True}
    assert refused(site, "delete_network_acl_entry", **which) == "InvalidNetworkAclEntry.NotFound"
    assert refused(site, "describe_network_acls", NetworkAclIds=[NOBODY]) == "InvalidNetworkAclID.NotFound"
    assert refused(site, "delete_network_acl", NetworkAclId=NOBODY) == "InvalidNetworkAclID.NotFound"
    which = {"AssociationId": "aclassoc-00000000000000000", "NetworkAclId": acl}
    assert refused(site, "replace_network_acl_association", **which) == "InvalidAssociationID.NotFound"


def test_an_acl_in_use_and_the_default_one_stay_and_a_subnet_leaves_its_acl(site: Site, acl: str) -> None:
    subnet = site.ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.8.30.0/24")["Subnet"]["SubnetId"]
    default = default_of(site)
    assert refused(site, "delete_network_acl", NetworkAclId=default["NetworkAclId"]) == "InvalidParameterValue"
    (association,) = (one for one in default["Associations"] if one["SubnetId"] == subnet)
    which = {"AssociationId": association["NetworkAclAssociationId"], "NetworkAclId": acl}
    site.ec2.replace_network_acl_association(**which)
    assert refused(site, "delete_network_acl", NetworkAclId=acl) == "DependencyViolation"
    assert refused(site, "replace_network_acl_association", **which) == "InvalidAssociationID.NotFound"
    site.ec2.delete_subnet(SubnetId=subnet)
    assert described(site, acl)["Associations"] == []


def test_a_vpc_with_an_acl_stays_and_takes_its_default_one_along(site: Site) -> None:
    vpc = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    acl = site.ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    assert refused(site, "delete_vpc", VpcId=vpc) == "DependencyViolation"
    site.ec2.delete_network_acl(NetworkAclId=acl)
    site.ec2.delete_vpc(VpcId=vpc)
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    assert not site.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
