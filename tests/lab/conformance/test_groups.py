"""Security groups: permissions that cannot be, ranges in canonical form, and groups that a machine really has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.conformance.site import Site, refused


def tcp(first: int, last: int, cidr: str = "0.0.0.0/0", protocol: str = "tcp") -> list[dict[str, Any]]:
    return [{"IpProtocol": protocol, "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": cidr}]}]


@pytest.fixture
def group(site: Site) -> Iterator[str]:
    made = site.group("permissions")
    yield made
    site.ec2.delete_security_group(GroupId=made)


IMPOSSIBLE = {
    "ports backwards": (tcp(30, 20), "InvalidParameterValue"),
    "a port beyond the last": (tcp(1, 70000), "InvalidParameterValue"),
    "no such protocol": (tcp(1, 2, protocol="tpc"), "InvalidParameterValue"),
    "no such range": (tcp(1, 2, "10.0.0.0/33"), "InvalidParameterValue"),
    "no ports": ([{"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}], "InvalidParameterValue"),
    "a group of nobody": (
        [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-00000000000000000"}]}], "InvalidGroup.NotFound",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_permission_that_cannot_be(site: Site, group: str, what: str) -> None:
    permissions, code = IMPOSSIBLE[what]
    both = [*tcp(80, 80), *permissions]
    assert refused(site, "authorize_security_group_ingress", GroupId=group, IpPermissions=both) == code


def test_a_range_is_kept_in_its_canonical_form(site: Site, group: str) -> None:
    site.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=tcp(80, 80, "10.3.4.5/16"))
    (told,) = site.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert told["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.3.0.0/16"}]
    again = {"GroupId": group, "IpPermissions": tcp(80, 80, "10.3.0.0/16")}
    assert refused(site, "authorize_security_group_ingress", **again) == "InvalidPermission.Duplicate"
    site.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=tcp(80, 80, "10.3.9.9/16"))
    assert refused(site, "revoke_security_group_ingress", **again) == "InvalidPermission.NotFound"
    by_id = {"GroupId": group, "SecurityGroupRuleIds": ["sgr-00000000000000000"]}
    assert refused(site, "revoke_security_group_ingress", **by_id) == "InvalidSecurityGroupRuleId.NotFound"


NAMES = {"named": "InvalidGroup.Duplicate", "default": "InvalidParameterValue", "sg-12345678": "InvalidParameterValue"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_group_can_have(site: Site, name: str) -> None:
    terms = {"GroupName": name, "Description": "test", "VpcId": site.vpc}
    assert refused(site, "create_security_group", **terms) == NAMES[name]


def test_a_machine_has_the_groups_of_its_interface_and_loses_those_taken_away(site: Site) -> None:
    machine = site.launch()
    assert [one["GroupName"] for one in machine["SecurityGroups"]] == ["default"]
    one, nic = machine["InstanceId"], machine["NetworkInterfaces"][0]["NetworkInterfaceId"]
    site.ec2.modify_instance_attribute(InstanceId=one, Groups=[site.used])
    for told in (site.instance(one)["SecurityGroups"], site.interface(nic)["Groups"]):
        assert [group["GroupId"] for group in told] == [site.used]
    site.ec2.modify_network_interface_attribute(NetworkInterfaceId=nic, Groups=[site.named])
    assert [group["GroupId"] for group in site.instance(one)["SecurityGroups"]] == [site.named]
    nobody = ["sg-00000000000000000"]
    assert refused(site, "modify_instance_attribute", InstanceId=one, Groups=nobody) == "InvalidGroup.NotFound"
    wanted = {"NetworkInterfaceId": nic, "Groups": nobody}
    assert refused(site, "modify_network_interface_attribute", **wanted) == "InvalidGroup.NotFound"
    site.ec2.terminate_instances(InstanceIds=[one])


def test_a_prefix_list_admits_what_stands_in_it(site: Site, group: str) -> None:
    entries = [{"Cidr": "198.51.100.7/24"}]
    made = site.ec2.create_managed_prefix_list(
        PrefixListName="friends", AddressFamily="IPv4", MaxEntries=5, Entries=entries
    )["PrefixList"]["PrefixListId"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": made}]}
    site.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    machine = site.launch(SecurityGroupIds=[group])["InstanceId"]
    assert site.ruleset_has("ip saddr 198.51.100.0/24 tcp dport 443 ")
    site.ec2.modify_managed_prefix_list(
        PrefixListId=made, CurrentVersion=1, AddEntries=[{"Cidr": "203.0.113.0/24"}], RemoveEntries=[]
    )
    assert site.ruleset_has("ip saddr 203.0.113.0/24 tcp dport 443 ")
    site.ec2.terminate_instances(InstanceIds=[machine])
    site.ec2.describe_instances(InstanceIds=[machine])
